"""What a contract run leaves: its documents, folders of failures, pages and behaviour files."""
