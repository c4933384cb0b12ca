"""What an answer says: the contract's own reading of its bytes, apart from the client's parsers."""
