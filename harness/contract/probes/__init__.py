"""Probes: the short sequences that clauses on more than one exchange are judged by."""
