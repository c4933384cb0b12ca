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


FIRST = {"native": "stream", "compat": "streamed tools", "model": "prompt"}
"""What tells whether a route can be judged at all: one good request of each."""
PLAN: tuple[Part, ...] = (
    *_cases("native", "long stream", "streamed given text", "tools", "long answer"),
    *_cases("compat", "stop", "json_schema"),
    *_cases("native", "plain", "messages=[]", "max_tokens=0"),
    *_probes("model", "auth"),
    *_probes("native", "rate"),
    *_cases("native", "long prompt", "streamed tools", "cut"),
    *_probes("native", "cache", "places"),
    *_probes("compat", "timing"),
    *_probes("native", "fields", "cross"),
    *_cases("compat", "logprobs", "cut", "long prompt"),
    *_probes("model", "model"),
    *_cases("native", "one tool at a time", "cut by max_completion_tokens", "forbidden tools"),
    *_probes("native", "together", "sizes", "auth"),
    *_probes("compat", "places", "auth"),
    *_probes("model", "places"),
)
