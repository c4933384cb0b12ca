"""Objectives on the answers of a repeated run, such as `tool_schema >= 98%`.

An objective is judged on each route by itself. It is met or missed where the whole interval says
so; else it is unknown, with what would settle it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.contract.repeat.judge import ErrorKind
from harness.contract.repeat.rates import CONFIDENCE, ErrorShare, RepeatedAnswer, share_of
from harness.errors import UsageError
from harness.measure.objective import Objective, parse_objective
from harness.measure.proportion import trials_to_settle

_CALLED = (None, ErrorKind.UNKNOWN_NAME, ErrorKind.ARGUMENTS)
METRICS: Mapping[str, Callable[[RepeatedAnswer], bool | None]] = {
    "tool_schema": lambda answer: answer.kind is None if answer.calls else None,
    "tool_call": lambda answer: answer.kind in _CALLED if answer.calls else None,
    "answered": lambda answer: answer.kind is not ErrorKind.NO_ANSWER,
}
"""What an objective can be on: whether an answer counts as good; None for one it is not about.

`tool_schema` is the share of requests with tools that got a call whose arguments are valid,
`tool_call` of those that got a call, `answered` of all requests that got an answer with content or
tokens. Refused and broken ones count as bad.
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """An objective on a route: `result` is pass, fail or unknown, `settles` what would end that."""

    objective: str
    route: str
    result: str
    share: ErrorShare
    settles: str = ""

    @property
    def text(self) -> str:
        """The objective, what came, and what would settle it."""
        told = f"{self.objective} on {self.route}: {self.share.text}"
        return f"{told}; {self.settles}" if self.settles else told

    def document(self) -> dict[str, Any]:
        """The objective as JSON."""
        said = {"objective": self.objective, "route": self.route, "result": self.result}
        return said | asdict(self.share) | {"settles": self.settles}


def read_objectives(texts: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives in these texts; UsageError for one that is on something else."""
    found = tuple(parse_objective(text, also=tuple(METRICS)) for text in texts)
    for each in found:
        if each.metric not in METRICS:
            raise UsageError(
                f"--threshold {each.text!r}: a contract run judges {', '.join(METRICS)}; "
                "latencies and error rates are objectives of load"
            )
        if {name for name, _ in each.labels} - {"route"}:
            raise UsageError(f"--threshold {each.text!r}: expected no label but route")
        if each.limit in (0, 1):
            raise UsageError(
                f"--threshold {each.text!r}: no number of answers shows a share of exactly "
                f"{each.limit:.0%}; expected a limit between, such as 99%"
            )
    return found


def judged(
    objectives: Sequence[Objective], answers: Sequence[RepeatedAnswer], routes: Sequence[str]
) -> list[Judged]:
    """Each objective on each route that it is about."""
    return [
        _judged(each, [a for a in answers if a.route == route], route)
        for each in objectives
        for route in routes
        if each.applies_to({"route": route})
    ]


def _judged(objective: Objective, answers: Sequence[RepeatedAnswer], route: str) -> Judged:
    flags = [METRICS[objective.metric](answer) for answer in answers]
    share = share_of(flag for flag in flags if flag is not None)
    low, high = objective.met(share.low), objective.met(share.high)
    result = "unknown" if low is not high else "pass" if low else "fail"
    settles = _settles(objective, share) if result == "unknown" else ""
    return Judged(objective.text.strip(), route, result, share, settles)


def _settles(objective: Objective, share: ErrorShare) -> str:
    if share.value is None:
        return "nothing was asked there"
    n = trials_to_settle(share.value, objective.limit, CONFIDENCE)
    if n is None:
        return "it is too near the limit for any number of answers"
    times = max(2, -(-n // share.of))
    return f"about {n:,} answers would settle it: {times} times as many by --repeat"
