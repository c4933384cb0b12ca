"""All probes by name, in the order in which a run plays them."""

from collections.abc import Callable, Mapping

from harness.contract.probes import (
    after,
    auth,
    cache,
    cross,
    leaving,
    model,
    options,
    places,
    rate,
    sizes,
    timing,
    together,
    universal,
)
from harness.contract.probes.stage import Stage

PROBES: Mapping[str, Callable[[Stage], None]] = {
    "model": model.play,
    "timing": timing.play,
    "auth": auth.play,
    "cache": cache.play,
    "keys": cache.keys,
    "missing": places.missing,
    "places": places.play,
    "rate": rate.play,
    "hits": rate.hits,
    "cross": cross.play,
    "together": together.play,
    "after": after.play,
    "sizes": sizes.play,
    "options": options.play,
    "universal": universal.play,
    "leaving": leaving.play,
}
LATER: Mapping[str, tuple[str, Callable[[Stage], None]]] = {
    "expiry": ("cache", cache.expire),
    "refusals": ("universal", universal.refusals),
}
"""Probes that go on where another one ended, after some time: the name of that one, and how."""
WINDOWS = ("rate", "hits")
"""The probes that wait for windows of the rate limit."""
AWAITED = {"cache": "the cache's TTL", "rate": "the rate limit", "hits": "the rate limit"}
"""What the probes that wait for longer wait for."""
