"""Checks of what the harness itself sends: the documented method, URL and credentials.

They are clauses like the others: a contract checked with wrong requests says nothing.
"""

import re
from collections.abc import Sequence

from harness.contract.checks.features import declines
from harness.contract.checks.framing import text_has_no_lone_surrogate
from harness.contract.clause import Finding
from harness.contract.evidence import numbers, told, unequal
from harness.contract.observation import PASSING, Observation
from harness.errors import TransportKind

NOT_HTTP = (TransportKind.PROTOCOL,)
_PATHS = {
    "native": r"(/v1/[^/]+/[^/]+)?/baseten/v1/chat/completions",
    "compat": r"(/v1/[^/]+/[^/]+)?/compat/chat/completions",
    "model": r"(/v1/[^/]+/[^/]+)?/baseten/model/[^/]+",
}


def goes_to_the_documented_url(seen: Observation) -> Finding:
    """A sound request is a POST to the route's documented path."""
    if not seen.case.sound or seen.case.path is not None or seen.status is None:
        return None
    request = (*seen.exchange.redirected, seen.exchange.request)[0]
    if request.method == "POST" and re.fullmatch(_PATHS[seen.case.route], request.path):
        return ()
    wanted = f"POST {_PATHS[seen.case.route]}"
    return (told(wanted, f"{request.method} {request.path}", "request"),)


def is_answered(seen: Observation) -> Finding:
    """A request that every document calls valid is answered with 2xx.

    A model may lack an optional feature; whether it keeps to that is judged over the whole run.
    """
    plain = seen.case.expect == "accept" and seen.case.sound
    if not plain or seen.status is None or seen.passing or seen.status >= 500:
        return None
    if declines(seen):
        return None
    if seen.ok:
        return ()
    body = seen.response.body if seen.response else b""
    return (told(f"2xx ({seen.case.topic})", f"HTTP {seen.status}", "status", body),)


def history_can_be_sent_back(seen: Observation) -> Finding:
    """A message with the `reasoning_content` that the provider itself sends may be sent back."""
    passing = seen.status is None or seen.passing or seen.status >= 500
    if passing or not _has_reasoning(seen):
        return None
    if seen.ok:
        return ()
    body = seen.response.body if seen.response else b""
    return (told("2xx", f"HTTP {seen.status}", "a history with reasoning_content", body),)


def _has_reasoning(seen: Observation) -> bool:
    messages = seen.case.asked.get("messages")
    listed = messages if isinstance(messages, list) and seen.case.expect != "reject" else []
    return any(isinstance(each, dict) and "reasoning_content" in each for each in listed)


def is_read_alike(seen: Observation) -> Finding:
    """The client's incremental parser and the contract's own reading find the same text."""
    if not seen.good or seen.answer is None or not seen.exchange.whole or not seen.choices:
        return None
    if text_has_no_lone_surrogate(seen):
        return None  # each reading shows the halves in a way of its own
    whole = seen.reading is not None and not seen.reading.malformed
    if not whole or len(seen.choices) != 1 or not seen.choices[0].text:
        return None
    if seen.answer.text == seen.choices[0].text:
        return ()
    return (unequal(seen.choices[0].text, seen.answer.text, "text of the two readings"),)


def is_answered_in_http(seen: Sequence[Observation]) -> Finding:
    """No valid request meets an answer that is not HTTP, each time, while others are answered."""
    valid = [s for s in seen if s.case.expect == "accept" and s.case.sound]
    if not any(s.response is not None for s in seen) or not valid:
        return None
    broken = [s for s in valid if s.exchange.error and s.exchange.error.kind in NOT_HTTP]
    if len(broken) < 2:
        return ()
    came = f"{broken[0].exchange.error}, {len(broken)} times"
    wanted = f"an answer in HTTP ({broken[0].case.topic})"
    return (told(wanted, came, "head", requests=numbers(broken)),)


def is_not_refused_for_good(seen: Sequence[Observation]) -> Finding:
    """No valid request is answered by 500 each time while others are served.

    A 5xx alone says nothing about the contract; one that comes back for the same bytes does.
    """
    valid = [s for s in seen if s.case.expect == "accept" and s.case.sound]
    if not any(s.ok for s in valid):
        return None
    by_body: dict[bytes, list[Observation]] = {}
    for s in valid:
        if s.status is not None and s.status not in PASSING:
            by_body.setdefault(s.exchange.request.body, []).append(s)
    for answers in by_body.values():
        if len(answers) >= 3 and all(s.status == 500 for s in answers):
            came = f"HTTP 500 each of {len(answers)} times"
            wanted = f"2xx ({answers[0].case.topic})"
            return (told(wanted, came, "status", requests=numbers(answers)),)
    return ()
