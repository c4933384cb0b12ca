"""The order of a run as data: what shows most breaks comes first, so a small budget is well spent.

A part is a fixed case or a bound of a route, by its topic, or a whole probe. What no part names
follows afterwards: first the probes, then the other cases, of all routes in turn.
"""

from typing import NamedTuple


class OrderedPart(NamedTuple):
    """The next unsent case of a topic on a route, or a probe where `probe` is its name."""

    route: str
    topic: str = ""
    probe: str = ""


def _cases(route: str, *topics: str) -> tuple[OrderedPart, ...]:
    return tuple(OrderedPart(route, topic) for topic in topics)


def _probes(route: str, *names: str) -> tuple[OrderedPart, ...]:
    return tuple(OrderedPart(route, probe=name) for name in names)


FIRST = {"native": "named tool", "compat": "streamed tools", "model": "streamed prompt"}
"""What tells whether a route can be judged at all: one good request of each."""
PLAN: tuple[OrderedPart, ...] = (
    *_cases("native", "long stream", "long answer"),
    *_probes("native", "missing"),
    *_probes("model", "auth"),
    *_cases("compat", "stop", "messages=[]"),
    *_probes("native", "universal", "cache", "rate"),
    *_cases("native", "one tool at a time", "cut by max_completion_tokens"),
    *_cases("native", "history with reasoning", "forbidden tools"),
    *_cases("compat", "long prompt", "stream with logprobs"),
    *_probes("native", "options", "sizes"),
    *_probes("native", "leaving", "cross"),
    *_probes("compat", "timing"),
    *_probes("native", "keys"),
    *_probes("native", "auth"),
    *_probes("model", "model", "missing"),
    *_probes("native", "together"),
    *_probes("compat", "missing", "auth", "keys", "cache", "universal"),
    *_probes("model", "keys", "cache"),
)
