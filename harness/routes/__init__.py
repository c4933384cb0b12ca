"""The three routes: how to build a request for each, and what its answer says."""
