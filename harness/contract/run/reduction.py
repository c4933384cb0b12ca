"""Looks for a smaller request that breaks the same clause, within a stated number of requests.

Each step leaves one thing away or makes one thing plainer and asks the target again. Greedy and in
a fixed order, so the result is the same each time; a target that costs money is asked few times.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.contract.case import Case, Expect
from harness.contract.clause import ExchangeCheck
from harness.contract.observation import Observation

NEEDED = ("model", "messages", "max_tokens")
TOGETHER = {
    "tools": ("tool_choice",),
    "stream": ("stream_options",),
    "logprobs": ("top_logprobs",),
}


def reduce(
    check: ExchangeCheck,
    failing: Observation,
    send: Callable[[Case], Observation],
    *,
    limit: int,
) -> Observation:
    """The smallest failing observation found with at most `limit` requests."""
    best, sent = failing, 0
    progress = True
    while progress and sent < limit:
        progress = False
        for smaller in _smaller(best.case):
            if sent >= limit:
                break
            seen = send(smaller)
            sent += 1
            if seen.response is not None and check(seen):
                best, progress = seen, True
                break
    return best


def _smaller(case: Case) -> Iterator[Case]:
    """Plainer versions of a case, the boldest first."""
    if isinstance(case.body, bytes) or case.expect is Expect.REJECT:
        return  # without its invalid field a request is no longer to be rejected
    messages = case.body.get("messages")
    if isinstance(messages, list) and len(messages) > 1:
        yield _with(case, "messages", messages[-1:])
    for name in case.body:
        if name not in NEEDED:
            yield _without(case, name)
    if isinstance(messages, list) and messages:
        yield from _shorter(case, messages)
    prompt = case.body.get("prompt")
    if isinstance(prompt, str) and len(prompt) > 3:
        yield _with(case, "prompt", "Hi.")


def _shorter(case: Case, messages: list[Any]) -> Iterator[Case]:
    last = messages[-1]
    text = last.get("content") if isinstance(last, dict) else None
    if isinstance(text, str) and len(text) > 3:
        yield _with(case, "messages", [*messages[:-1], {**last, "content": "Hi."}])
        if len(text) > 40:
            yield _with(case, "messages", [*messages[:-1], {**last, "content": text[:20]}])


def _with(case: Case, name: str, value: Any) -> Case:
    return replace(case, body={**case.asked, name: value})


def _without(case: Case, name: str) -> Case:
    """The case without a field and without the fields that are only valid beside it."""
    gone = (name, *TOGETHER.get(name, ()))
    return replace(case, body={k: v for k, v in case.asked.items() if k not in gone})
