"""Generated defects that may stay alive: what is legal to meet, or nobody could see, and why."""

from harness.gateway.defects.mutants.mutant import Mutant


def reason(mutant: Mutant) -> str | None:
    """Why a mutant may stay alive; None when it has to be killed."""
    return None
