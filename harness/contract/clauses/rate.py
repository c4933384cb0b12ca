"""Clauses on a declared rate limit."""

from harness.contract.checks import rate
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import RATE

CLAUSES = (
    Clause(
        id="rate-allows",
        level=Level.MUST,
        routes=("native",),
        statement="As many requests as declared pass in a window.",
        rationale="Callers below their limit are refused.",
        source=RATE,
        evidence=Evidence.DOCUMENTED,
        scene=rate.as_many_as_declared_pass,
        probe="rate",
        needs=("rate", "clock"),
    ),
    Clause(
        id="rate-refuses",
        level=Level.MUST,
        routes=("native",),
        statement="A request beyond the limit is answered by 429.",
        rationale="Nothing protects the budget behind the gateway.",
        source=RATE,
        evidence=Evidence.DOCUMENTED,
        scene=rate.one_more_is_refused,
        probe="rate",
        needs=("rate", "clock"),
    ),
    Clause(
        id="rate-exact",
        level=Level.MUST,
        routes=("native",),
        statement="The first request beyond the limit is the first refused.",
        rationale="The limit is not the one that was configured.",
        source=RATE,
        evidence=Evidence.DOCUMENTED,
        scene=rate.no_more_than_declared_pass,
        probe="rate",
        needs=("rate", "clock"),
    ),
    Clause(
        id="rate-code",
        level=Level.SHOULD,
        routes=("native",),
        statement="The gateway's 429 carries code 2003.",
        rationale="Callers cannot tell it from the provider's 429.",
        source=RATE,
        evidence=Evidence.OBSERVED,
        scene=rate.refusal_says_rate_limited,
        probe="rate",
        needs=("rate", "clock"),
    ),
    Clause(
        id="rate-recovers",
        level=Level.MUST,
        routes=("native",),
        statement="After the window requests pass again.",
        rationale="One burst locks the gateway.",
        source=RATE,
        evidence=Evidence.DOCUMENTED,
        scene=rate.window_passes,
        probe="recovery",
        needs=("rate", "clock"),
    ),
)
