"""The capacity of a target: which levels are tried, what each shows, and what all show together."""
