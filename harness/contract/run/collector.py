"""How often Python looks for garbage in a process that does nothing but contract runs."""

import gc

ALLOCATIONS = 20_000
"""A run keeps all that it sees, so that there is little to find; looking every 700 new objects, as
Python does by default, costs it an eighth of its time."""


def collect_seldom() -> None:
    """Look for reference cycles only after so many new objects; for a process of one's own."""
    gc.set_threshold(ALLOCATIONS)
