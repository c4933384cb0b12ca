"""The contract: all topics with their clauses, in the order of every table, and all probes.

A topic of several modules, such as stream and stream_end, has one list, which each of them extends.
"""

from collections.abc import Callable, Mapping

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
from harness.contract.topics.stage import Stage

Probe = Callable[[Stage], None]

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
    "model": model.play,
    "timing": timing.play,
    "auth": auth.play,
    "cache": cache.play,
    "keys": cache_key.keys,
    "missing": places.missing,
    "places": places.play,
    "rate": rate.play,
    "hits": rate_hits.play,
    "cross": cross.play,
    "together": isolation.play_together,
    "company": isolation.play_company,
    "after": isolation.play_after,
    "sizes": sizes.play,
    "options": options.play,
    "universal": universal.play,
    "leaving": leaving.play,
    "asked": cache_by_request.play,
}
LATER: Mapping[str, tuple[str, Probe]] = {
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
