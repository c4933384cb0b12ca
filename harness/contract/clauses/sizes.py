"""Clauses on sizes."""

from harness.contract.checks import sizes
from harness.contract.clause import Clause, Evidence, Level, Profile
from harness.contract.clauses.sources import ALL

CLAUSES = (
    Clause(
        id="size-request",
        level=Level.MUST,
        routes=ALL,
        statement="A body of 70 KB or 1.2 MB is answered like a short one.",
        rationale="Long contexts and images fail, or reach the model cut off.",
        source="docs.baseten.co/inference/errors: 413 above the limit of 45 or 100 MB",
        evidence=Evidence.DOCUMENTED,
        scene=sizes.long_bodies_are_answered,
        probe="sizes",
        profile=Profile.EXTENDED,
        founded=True,
    ),
)
