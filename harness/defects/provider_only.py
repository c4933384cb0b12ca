"""What only the provider can see: shown in the log, as altered fields or passed headers."""

from collections.abc import Callable
from typing import Any

from harness.defects.request import Edit, editing, without
from harness.defects.rows import deciding, rows
from harness.gateway.call import Call
from harness.gateway.rules import passed_headers


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


UNSEEN = (
    *rows(
        "P",
        (
            "seed-ignored",
            "seed does not reach the provider",
            editing(without("seed")),
            "",
            "P05",
        ),
        (
            "stream-options-stripped",
            "stream_options do not reach the provider, which reports usage anyway",
            editing(without("stream_options")),
            "",
            "P07",
        ),
        (
            "extra-body-stripped",
            "chat_template_args and reasoning_effort do not reach the provider",
            editing(without("chat_template_args", "reasoning_effort")),
            "",
            "P08",
        ),
        (
            "messages-reordered",
            "the last message is sent first",
            editing(_messages(lambda m: [*m[-1:], *m[:-1]])),
            "",
            "P11",
        ),
        (
            "system-merged",
            "a system message becomes the beginning of the user's",
            editing(_messages(_merged)),
            "",
            "P11",
        ),
        (
            "empty-messages-removed",
            "messages without content are removed",
            editing(_messages(_spoken)),
            "",
            "P11",
        ),
        (
            "messages-escaped",
            "characters outside ASCII in prompts become escape sequences",
            editing(_messages(_escaped)),
            "",
            "P11",
        ),
        (
            "messages-trimmed",
            "white space around prompts is removed",
            editing(_messages(_trimmed)),
            "",
            "P11",
        ),
        (
            "message-names-dropped",
            "names of messages are dropped",
            editing(_messages(_nameless)),
            "",
            "P11",
        ),
        (
            "body-normalised",
            "fields are sorted, so the body's bytes differ",
            editing(_sorted),
            "",
            "P13",
        ),
        (
            "defaults-injected",
            "max_tokens and temperature are added",
            editing(_defaults),
            "",
            "P16",
        ),
        (
            "user-dropped",
            "user does not reach the provider",
            editing(without("user", "metadata")),
            "",
        ),
        upstream_only=True,
    ),
    *rows(
        "E",
        (
            "gateway-token-passed-on",
            "cf-aig-authorization reaches the provider",
            deciding(passed_headers=_token_passed),
            "",
            "E17",
        ),
        (
            "disconnect-not-propagated",
            "a client that leaves does not end the generation",
            deciding(stops_with_client=False),
            "",
            "E20",
        ),
        upstream_only=True,
    ),
)
