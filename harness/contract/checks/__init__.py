"""The checks: pure functions from what was seen to the faults in it, one module per topic."""
