"""Clauses that each answer belongs to its request."""

from harness.contract.checks import apart
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import CLOUDFLARE, REQUEST

KEEP_ALIVE = "RFC 9112, section 9.3"

CLAUSES = (
    Clause(
        id="after-error-own",
        level=Level.MUST,
        routes=("native",),
        statement="The answer after an error is that of its own request.",
        rationale="A connection out of step hands every later answer to somebody else.",
        source=f"{KEEP_ALIVE}; {REQUEST}",
        evidence=Evidence.SPECIFIED,
        scene=apart.answers_are_ones_own,
        probe="after",
    ),
    Clause(
        id="after-error-answered",
        level=Level.MUST,
        routes=("native", "model"),
        statement="A good request after an error is answered.",
        rationale="One bad request makes the next one fail, which somebody else may have sent.",
        source=KEEP_ALIVE,
        evidence=Evidence.SPECIFIED,
        scene=apart.good_after_bad,
        probe="after",
        founded=True,
    ),
    Clause(
        id="after-error-whole",
        level=Level.MUST,
        routes=("native", "model"),
        statement="The answer after an error arrives whole.",
        rationale="Bytes left over from the error stand before the next answer and break it.",
        source=KEEP_ALIVE,
        evidence=Evidence.SPECIFIED,
        scene=apart.good_after_bad_arrives,
        probe="after",
    ),
    Clause(
        id="together-own",
        level=Level.MUST,
        routes=("native",),
        statement="Of sixteen requests in flight each gets its own answer.",
        rationale="One customer reads the answer to another customer's question.",
        source=REQUEST,
        evidence=Evidence.SPECIFIED,
        scene=apart.answers_are_ones_own,
        probe="together",
    ),
    Clause(
        id="together-answered",
        level=Level.SHOULD,
        routes=("native",),
        statement="Of sixteen requests in flight none fails that is answered alone.",
        rationale="The gateway is no bottleneck of its own; a 429 is not judged here.",
        source=f"{CLOUDFLARE}/reference/limits/: no ceiling for own keys",
        evidence=Evidence.PRACTICE,
        scene=apart.none_fails_in_company,
        probe="together",
    ),
)
