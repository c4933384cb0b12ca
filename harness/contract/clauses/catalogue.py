"""All clauses, in the order of every table."""

from collections.abc import Mapping

from harness.contract.clause import Clause
from harness.contract.clauses import (
    apart,
    auth,
    body,
    cache,
    cross,
    errors,
    framing,
    headers,
    leaving,
    limits,
    model,
    options,
    places,
    plain,
    rate,
    records,
    requests,
    sizes,
    stream,
    timing,
    tools,
    universal,
    usage,
)

TOPICS: Mapping[str, tuple[Clause, ...]] = {
    "requests": requests.CLAUSES,
    "body": body.CLAUSES,
    "headers": headers.CLAUSES,
    "plain": plain.CLAUSES,
    "stream": stream.CLAUSES,
    "framing": framing.CLAUSES,
    "usage": usage.CLAUSES,
    "limits": limits.CLAUSES,
    "tools": tools.CLAUSES,
    "errors": errors.CLAUSES,
    "model": model.CLAUSES,
    "places": places.CLAUSES,
    "auth": auth.CLAUSES,
    "cache": cache.CLAUSES,
    "rate": rate.CLAUSES,
    "cross": cross.CLAUSES,
    "timing": timing.CLAUSES,
    "apart": apart.CLAUSES,
    "sizes": sizes.CLAUSES,
    "options": options.CLAUSES,
    "universal": universal.CLAUSES,
    "leaving": leaving.CLAUSES,
    "records": records.CLAUSES,
}
CLAUSES: tuple[Clause, ...] = tuple(clause for topic in TOPICS.values() for clause in topic)
BY_ID: Mapping[str, Clause] = {clause.id: clause for clause in CLAUSES}
