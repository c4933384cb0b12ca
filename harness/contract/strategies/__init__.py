"""What a run sends: fixed cases that every run needs, and Hypothesis strategies for the rest."""
