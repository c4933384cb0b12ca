"""What only the provider can see: shown in the log, as altered fields or passed headers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.defects.bodies import Edit, editing, without
from harness.defects.defect import Defect
from harness.gateway.call import Call
from harness.gateway.rules import Rules, passed_headers


def _messages(change: Callable[[list[Any]], list[Any]]) -> Edit:
    def edited(document: dict[str, Any]) -> dict[str, Any]:
        if isinstance(document.get("messages"), list) and document["messages"]:
            document["messages"] = change(document["messages"])
        return document

    return edited


def _merged(messages: list[Any]) -> list[Any]:
    """A system message put in front of the text of the message after it."""
    texts = [m.get("content") if isinstance(m, dict) else None for m in messages[:2]]
    system = isinstance(messages[0], dict) and messages[0].get("role") == "system"
    if not system or len(texts) < 2 or not all(isinstance(text, str) for text in texts):
        return messages
    return [{**messages[1], "content": f"{texts[0]}\n{texts[1]}"}, *messages[2:]]


def _spoken(messages: list[Any]) -> list[Any]:
    return [m for m in messages if not isinstance(m, dict) or m.get("content")] or messages


def _escaped(messages: list[Any]) -> list[Any]:
    """Characters outside ASCII as escape sequences in the text."""
    return [
        {**m, "content": m["content"].encode("ascii", "backslashreplace").decode("ascii")}
        if isinstance(m, dict) and isinstance(m.get("content"), str)
        else m
        for m in messages
    ]


def _trimmed(messages: list[Any]) -> list[Any]:
    return [
        {**m, "content": m["content"].strip() or "."}
        if isinstance(m, dict) and isinstance(m.get("content"), str)
        else m
        for m in messages
    ]


def _nameless(messages: list[Any]) -> list[Any]:
    return [
        {key: v for key, v in m.items() if key != "name"} if isinstance(m, dict) else m
        for m in messages
    ]


def _defaults(document: dict[str, Any]) -> dict[str, Any]:
    return (
        {"max_tokens": 4096, "temperature": 0.7, **document} if "messages" in document else document
    )


def _sorted(document: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(document.items()))


def _token_passed(call: Call) -> tuple[str, ...]:
    own = ("cf-aig-authorization",) if "cf-aig-authorization" in call.arrival.fields else ()
    return passed_headers(call) + own


def _unseen(
    name: str,
    catalogue: str,
    statement: str,
    rules: Callable[[Rules], Rules],
    shown_by: str = "every request",
) -> Defect:
    return Defect(
        name=name,
        catalogue=catalogue,
        group="P" if catalogue == "own" else catalogue[0],
        statement=statement,
        shown_by=shown_by,
        source="constructed",
        rules=rules,
        upstream_only=True,
    )


UNSEEN = (
    _unseen(
        "seed-ignored",
        "P05",
        "seed does not reach the provider",
        editing(without("seed")),
        "chat requests with seed",
    ),
    _unseen(
        "stream-options-stripped",
        "P07",
        "stream_options do not reach the provider, which reports usage anyway",
        editing(without("stream_options")),
        "streamed chat requests with stream_options",
    ),
    _unseen(
        "extra-body-stripped",
        "P08",
        "chat_template_args and reasoning_effort do not reach the provider",
        editing(without("chat_template_args", "reasoning_effort")),
        "chat requests with these fields",
    ),
    _unseen(
        "messages-reordered",
        "P11",
        "the last message is sent first",
        editing(_messages(lambda m: [*m[-1:], *m[:-1]])),
        "chat requests with two messages",
    ),
    _unseen(
        "system-merged",
        "P11",
        "a system message becomes the beginning of the user's",
        editing(_messages(_merged)),
        "chat requests with a system message",
    ),
    _unseen(
        "empty-messages-removed",
        "P11",
        "messages without content are removed",
        editing(_messages(_spoken)),
        "histories with an empty message",
    ),
    _unseen(
        "messages-escaped",
        "P11",
        "characters outside ASCII in prompts become escape sequences",
        editing(_messages(_escaped)),
        "chat requests with such characters",
    ),
    _unseen(
        "messages-trimmed",
        "P11",
        "white space around prompts is removed",
        editing(_messages(_trimmed)),
        "chat requests with such space",
    ),
    _unseen(
        "message-names-dropped",
        "P11",
        "names of messages are dropped",
        editing(_messages(_nameless)),
        "chat requests with names",
    ),
    _unseen(
        "body-normalised", "P13", "fields are sorted, so the body's bytes differ", editing(_sorted)
    ),
    _unseen(
        "defaults-injected",
        "P16",
        "max_tokens and temperature are added",
        editing(_defaults),
        "chat requests without them",
    ),
    _unseen(
        "user-dropped",
        "own",
        "user does not reach the provider",
        editing(without("user", "metadata")),
        "chat requests with user",
    ),
    _unseen(
        "gateway-token-passed-on",
        "E17",
        "cf-aig-authorization reaches the provider",
        lambda rules: replace(rules, passed_headers=_token_passed),
        "requests with cf-aig-authorization",
    ),
    _unseen(
        "disconnect-not-propagated",
        "E20",
        "a client that leaves does not end the generation",
        lambda rules: replace(rules, stops_with_client=False),
        "streams that the client leaves",
    ),
)
