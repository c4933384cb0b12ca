"""A model with a small context: how it says so, and requests that fit into it.

llama.cpp answers `exceed_context_size_error` with `n_ctx`, vLLM and OpenAI "maximum context length
is N tokens". Such an answer to a long request is no broken route and no feature withdrawn.
"""

import json
import re

from harness.contract.case import Case
from harness.contract.observation import Observation

REFUSED = (400, 413, 422)
_SAYS = re.compile(r"exceed_context_size|context[ _](length|size|window)", re.IGNORECASE)
_NUMBERS = (
    re.compile(r'"n_ctx"\s*:\s*(\d+)'),
    re.compile(r"context[ _](?:length|size|window)[^0-9]{0,40}(\d+)", re.IGNORECASE),
)
_FILLER = re.compile(r"(?:word ){20,}")
"""What the long prompts of the contract are made of: about a token each."""
LEAST = 400
"""A request of fewer tokens than this fits into any context that a chat model has."""
TEMPLATE = 150
"""Tokens left for what a chat template adds."""


def limit_of(seen: Observation) -> int | None:
    """The context in tokens that a refusal of a long request tells, or bounds; None otherwise."""
    body = seen.response.body.decode("utf-8", "replace") if seen.response else ""
    size = len(seen.exchange.request.body) // 5
    if seen.status not in REFUSED or size < LEAST or not _SAYS.search(body):
        return None
    found = next((match for each in _NUMBERS if (match := each.search(body))), None)
    told = int(found[1][:9]) if found else size
    return min(told, size)


def fitted(case: Case, limit: int) -> Case:
    """The case with so little of the filler in its prompt that it fits; as is where it has none."""
    if not case.asked:
        return case
    text = json.dumps(case.asked)
    runs = _FILLER.findall(text)
    words = sum(len(run) // 5 for run in runs)
    asked = case.asked.get("max_tokens")
    answer = asked if isinstance(asked, int) and 0 < asked < limit else 0
    room = max(limit - answer - TEMPLATE - (len(text) - 5 * words) // 3, 20 * len(runs))
    if words <= room:
        return case
    shorter = _FILLER.sub(lambda run: "word " * (len(run[0]) // 5 * room // words), text)
    return case.having(**json.loads(shorter))
