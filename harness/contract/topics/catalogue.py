"""The contract: all topics with their clauses, in the order of every table, and all probes.

A topic of several modules, such as stream and stream_end, has one list, which each of them extends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.contract.clause import Clause
from harness.contract.topics import (
    auth,
    body,
    cache,
    cache_by_request,
    cache_key,
    cross,
    errors,
    framing,
    headers,
    isolation,
    leaving,
    limits,
    model,
    options,
    places,
    plain,
    rate,
    rate_hits,
    records,
    requests,
    schema_order,
    sizes,
    stream,
    stream_end,
    timing,
    tools,
    universal,
    usage,
)
from harness.contract.topics.scenes import Scene
from harness.contract.topics.stage import Stage

Play = Callable[[Stage, Any], None]
"""Sends the cases of a probe, and puts what was seen into its scene."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A short sequence of requests on one route, and the scene that it fills."""

    scene: type[Scene]
    play: Play


TOPICS: Mapping[str, tuple[Clause, ...]] = {
    each.topic.name: tuple(each.topic.clauses)
    for each in (
        requests,
        body,
        headers,
        plain,
        stream,
        stream_end,
        framing,
        usage,
        limits,
        tools,
        schema_order,
        errors,
        model,
        places,
        auth,
        cache,
        cache_by_request,
        cache_key,
        rate,
        rate_hits,
        cross,
        timing,
        isolation,
        sizes,
        options,
        universal,
        leaving,
        records,
    )
}
CLAUSES: tuple[Clause, ...] = tuple(clause for topic in TOPICS.values() for clause in topic)
BY_ID: Mapping[str, Clause] = {clause.id: clause for clause in CLAUSES}

PROBES: Mapping[str, Probe] = {
    "model": Probe(model.ModelScene, model.play),
    "timing": Probe(timing.TimingScene, timing.play),
    "auth": Probe(auth.AuthScene, auth.play),
    "cache": Probe(cache.CacheScene, cache.play),
    "keys": Probe(cache_key.KeysScene, cache_key.keys),
    "missing": Probe(places.MissingScene, places.missing),
    "places": Probe(places.PlacesScene, places.play),
    "rate": Probe(rate.RateScene, rate.play),
    "hits": Probe(rate_hits.HitsScene, rate_hits.play),
    "cross": Probe(cross.CrossScene, cross.play),
    "together": Probe(isolation.TogetherScene, isolation.play_together),
    "company": Probe(isolation.CompanyScene, isolation.play_company),
    "after": Probe(isolation.AfterScene, isolation.play_after),
    "sizes": Probe(sizes.SizesScene, sizes.play),
    "options": Probe(options.OptionsScene, options.play),
    "universal": Probe(universal.UniversalScene, universal.play),
    "leaving": Probe(leaving.LeavingScene, leaving.play),
    "asked": Probe(cache_by_request.AskedScene, cache_by_request.play),
}
LATER: Mapping[str, tuple[str, Play]] = {
    "expiry": ("cache", cache.expire),
    "refusals": ("universal", universal.refusals),
}
"""Probes that go on where another one ended, after some time: the name of that one, and how."""
COMPANY = "company"
"""The probe that is played only where a route fails while a plain request alone is answered."""
WINDOWS = ("rate", "hits")
"""The probes that wait for windows of the rate limit."""
AWAITED = {"cache": "the cache's TTL", "rate": "the rate limit", "hits": "the rate limit"}
"""What the probes that wait for longer wait for."""
