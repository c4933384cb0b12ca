"""The order of a run as data: what shows most breaks comes first, so a small budget is well spent.

A part is a fixed case or a bound of a route, by its topic, or a whole probe. What no part names
follows afterwards: first the probes, then the other cases, of all routes in turn.
"""

from typing import NamedTuple


class Part(NamedTuple):
    """The next unsent case of a topic on a route, or a probe where `probe` is its name."""

    route: str
    topic: str = ""
    probe: str = ""


def _cases(route: str, *topics: str) -> tuple[Part, ...]:
    return tuple(Part(route, topic) for topic in topics)


def _probes(route: str, *names: str) -> tuple[Part, ...]:
    return tuple(Part(route, probe=name) for name in names)


FIRST = {"native": "streamed given text", "compat": "streamed tools", "model": "prompt"}
"""What tells whether a route can be judged at all: one good request of each."""
PLAN: tuple[Part, ...] = (
    *_cases("native", "long stream", "long answer"),
    *_cases("compat", "stop"),
    *_probes("native", "missing"),
    *_probes("model", "auth"),
    *_probes("native", "cache"),
    *_cases("native", "named tool", "messages=[]"),
    *_cases("model", "streamed prompt"),
    *_probes("native", "rate"),
    *_cases("compat", "messages=[]", "long prompt"),
    *_cases("native", "plain", "scripts", "one tool at a time"),
    *_cases("native", "cut by max_completion_tokens", "history with reasoning"),
    *_cases("compat", "given text", "stream with logprobs"),
    *_probes("model", "model"),
    *_probes("compat", "timing"),
    *_probes("native", "cross", "keys", "sizes"),
    *_cases("native", "forbidden tools", "stream", "long prompt", "tools", "streamed tools"),
    *_probes("native", "auth", "together"),
    *_probes("compat", "missing", "auth", "cache"),
    *_probes("model", "missing", "cache"),
)
