"""What is asked: fixed cases, bounds, drawn and odd requests, and the order in which they go."""
