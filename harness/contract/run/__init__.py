"""A contract run: what is sent, what is seen, what is judged of it, and the verdict."""
