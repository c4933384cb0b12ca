"""What the harness itself sends: the documented method, URL and credentials.

They are clauses like the others: a contract checked with wrong requests says nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import numbers, told, unequal
from harness.contract.observation import PASSING, Observation
from harness.contract.topics.framing import text_has_no_lone_surrogate
from harness.contract.topics.sources import ALL, BASETEN_PAGE, CHAT, SSE
from harness.contract.topics.topic import Topic
from harness.errors import TransportKind

OPTIONAL = (
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs", "n"),
    *("top_logprobs", "seed", "reasoning_effort", "max_completion_tokens"),
)
REFUSALS = (400, 404, 405, 415, 422, 501)
Feature = tuple[tuple[str, str], ...]

topic = Topic("requests", routes=ALL, evidence=EvidenceGrade.DOCUMENTED, source=BASETEN_PAGE)


def feature(seen: Observation) -> Feature:
    """The optional fields that a chat request uses, each in the form that a model may refuse."""
    asked = seen.case.asked if seen.chat else {}
    used = [(name, _form(name, asked[name])) for name in OPTIONAL if name in asked]
    used = [field for field in used if field != ("n", "1")]
    return (*used, ("stream", str(seen.case.stream))) if used else ()


def _form(name: str, value: Any) -> str:
    if name == "tool_choice":  # servers tell a free choice from a forced one, which they constrain
        return "forced" if value == "required" or isinstance(value, Mapping) else repr(value)
    if isinstance(value, Mapping):
        return str(value.get("type"))
    return "" if name in ("tools", "seed") else repr(value)


def declines(seen: Observation) -> bool:
    """Whether an optional feature was refused as it should be: a 4xx that says why."""
    failure = seen.answer.failure if seen.answer else None
    refused = seen.status in REFUSALS and failure is not None and bool(failure.message)
    return refused and bool(feature(seen))


@topic.exchange(
    "history-echo",
    Level.SHOULD,
    why="Agents append the answer as it came; the second turn of every dialogue fails.",
    routes=("native",),
    evidence=EvidenceGrade.OBSERVED,
    source="gsd-2#4647",
)
def history_can_be_sent_back(seen: Observation) -> Finding:
    """A message with `reasoning_content` can be sent back as history."""
    passing = seen.status is None or seen.passing or seen.status >= 500
    if passing or not _has_reasoning(seen):
        return None
    if seen.ok:
        return ()
    body = seen.body
    return (told("2xx", f"HTTP {seen.status}", "a history with reasoning_content", body),)


def _has_reasoning(seen: Observation) -> bool:
    messages = seen.case.asked.get("messages")
    listed = messages if isinstance(messages, list) and seen.case.expect != "reject" else []
    return any(isinstance(each, dict) and "reasoning_content" in each for each in listed)


@topic.exchange(
    "request-url",
    Level.MUST,
    why="A contract checked at another URL says nothing about the documented one.",
)
def goes_to_the_documented_url(seen: Observation) -> Finding:
    """A request is a POST to the route's documented path."""
    if not seen.case.sound or seen.case.path is not None or seen.status is None:
        return None
    request = (*seen.exchange.redirected, seen.exchange.request)[0]
    if request.method == "POST" and re.fullmatch(_PATHS[seen.case.route], request.path):
        return ()
    wanted = f"POST {_PATHS[seen.case.route]}"
    return (told(wanted, f"{request.method} {request.path}", "request"),)


@topic.run(
    "answer-is-http",
    Level.MUST,
    why="Strict clients refuse it (two lengths, a broken head); lax ones guess.",
    evidence=EvidenceGrade.SPECIFIED,
    source="RFC 9112, sections 2.2 and 6.3",
)
def is_answered_in_http(seen: Sequence[Observation]) -> Finding:
    """No valid request meets an answer that is not HTTP while others are answered."""
    valid = [s for s in seen if s.case.expect == "accept" and s.case.sound]
    if not any(s.response is not None for s in seen) or not valid:
        return None
    broken = [s for s in valid if s.exchange.error and s.exchange.error.kind in NOT_HTTP]
    if len(broken) < 2:
        return ()
    came = f"{broken[0].exchange.error}, {len(broken)} times"
    wanted = f"an answer in HTTP ({broken[0].case.topic})"
    return (told(wanted, came, "head", requests=numbers(broken)),)


@topic.exchange(
    "route-answers",
    Level.MUST,
    why="Every client fails: a prefix not stripped, a header not forwarded or a body "
    "changed on the way ends in a 4xx for a correct request.",
)
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
    body = seen.body
    return (told(f"2xx ({seen.case.topic})", f"HTTP {seen.status}", "status", body),)


@topic.run(
    "feature-kept",
    Level.MUST,
    why="A model may lack tools, formats or logprobs and say so; a client that was served "
    "once cannot know why it is refused now.",
    routes=CHAT,
)
def is_not_taken_back(seen: Sequence[Observation]) -> Finding:
    """An optional feature that was accepted is not refused in another request."""
    valid = [s for s in seen if s.case.expect == "accept" and s.case.sound and feature(s)]
    granted = {feature(s) for s in valid if s.ok}
    refused = [s for s in valid if declines(s) and feature(s) in granted and not s.passing]
    if not granted:
        return None
    return tuple(
        told(
            f"2xx, as others were that ask for {', '.join(name for name, _ in feature(s))}",
            f"HTTP {s.status}",
            f"request {s.number} ({s.case.topic})",
            s.body,
            requests=(next(g.number for g in valid if g.ok and feature(g) == feature(s)), s.number),
        )
        for s in refused[:3]
    )


NOT_HTTP = (TransportKind.PROTOCOL,)


_PATHS = {
    "native": r"(/v1/[^/]+/[^/]+)?/baseten/v1/chat/completions",
    "compat": r"(/v1/[^/]+/[^/]+)?/compat/chat/completions",
    "model": r"(/v1/[^/]+/[^/]+)?/baseten/model/[^/]+",
}


@topic.run(
    "no-lasting-500", Level.MUST, why="Clients retry it for ever: one kind of request never works."
)
def is_not_refused_for_good(seen: Sequence[Observation]) -> Finding:
    """A valid request is not answered by 500 each time while others are served.

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


@topic.exchange(
    "two-readings-agree",
    Level.MUST,
    why="A difference means that the harness, not the target, misread the answer; no "
    "other clause can then be trusted.",
    routes=CHAT,
    evidence=EvidenceGrade.SPECIFIED,
    source=SSE,
)
def is_read_alike(seen: Observation) -> Finding:
    """Two independent readings of the same bytes find the same text."""
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
