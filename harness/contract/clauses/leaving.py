"""Clauses on what comes after a client that left in the middle of its stream."""

from harness.contract.checks import leaving
from harness.contract.clause import Clause, Evidence, Level, Profile
from harness.contract.clauses.sources import REQUEST

CONNECTIONS = "RFC 9112, section 9.5"

CLAUSES = (
    Clause(
        id="after-leaving-own",
        level=Level.MUST,
        routes=("native",),
        statement="After a client that left, the next answer holds nothing of its stream.",
        rationale="One customer reads the rest of another customer's answer.",
        source=REQUEST,
        evidence=Evidence.SPECIFIED,
        scene=leaving.next_is_its_own,
        probe="leaving",
        profile=Profile.EXTENDED,
    ),
    Clause(
        id="after-leaving-answered",
        level=Level.MUST,
        routes=("native",),
        statement="After a client that left, the next request is answered to its end.",
        rationale="One closed browser tab makes somebody else's request fail.",
        source=CONNECTIONS,
        evidence=Evidence.SPECIFIED,
        scene=leaving.next_is_answered,
        probe="leaving",
        profile=Profile.EXTENDED,
        founded=True,
    ),
    Clause(
        id="after-leaving-prompt",
        level=Level.SHOULD,
        routes=("native",),
        statement="After a client that left, the next answer does not wait for that stream's end.",
        rationale="Each abandoned answer blocks a worker until it would have ended.",
        source=CONNECTIONS,
        evidence=Evidence.PRACTICE,
        scene=leaving.next_is_prompt,
        probe="leaving",
        profile=Profile.EXTENDED,
    ),
)
