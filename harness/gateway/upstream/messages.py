"""What the provider's frontend checks in the messages of a chat request."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

MULTIMODAL = "This model does not support multimodal (image/video/audio) inputs."

_ROLES = ("system", "user", "assistant", "tool", "function")
_MEDIA = ("image_url", "video_url", "input_audio", "audio_url", "file")


def message_problems(messages: list[Any], developer: bool) -> Iterator[str]:
    """Every reason to refuse the messages; `developer` is whether that role is known."""
    if not messages:
        yield "Validation: Messages array cannot be empty"
    for number, message in enumerate(messages):
        yield from _message(message, f"messages[{number}]", developer)


def _message(message: Any, where: str, developer: bool) -> Iterator[str]:
    role = message.get("role") if isinstance(message, Mapping) else None
    roles = (*_ROLES, "developer") if developer else _ROLES
    if not isinstance(message, Mapping):
        yield _cannot(where, "expected a map")
    elif role is None:
        yield _cannot(where, "missing field `role`")
    elif role not in roles:
        yield _cannot(where, f"unknown variant, expected one of {', '.join(roles)}")
    elif role == "tool" and not isinstance(message.get("tool_call_id"), str):
        yield _cannot(where, "missing field `tool_call_id`")
    else:
        yield from _content(message, where)
        yield from _calls(message.get("tool_calls"), where)


def _content(message: Mapping[str, Any], where: str) -> Iterator[str]:
    content = message.get("content")
    if content is None and message["role"] not in ("assistant", "function"):
        yield _cannot(where, "missing field `content`")
    if isinstance(content, list):
        for part in content:
            yield from _part(part, where)
    elif not isinstance(content, str | None):
        yield _cannot(where, "content: expected a string or a sequence of parts")


def _part(part: Any, where: str) -> Iterator[str]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if isinstance(kind, str) and kind in _MEDIA:
        yield MULTIMODAL
    elif kind != "text" or not isinstance(part.get("text"), str):
        yield _cannot(where, "content: unknown part")


def _calls(calls: Any, where: str) -> Iterator[str]:
    if not isinstance(calls, list | None):
        yield _cannot(where, "tool_calls: expected a sequence")
        return
    for call in calls or ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            yield _cannot(where, "tool_calls: missing field `function`")
        elif not _is_object_text(function.get("arguments", "")):
            yield f"Validation: {where}: tool call arguments must be a JSON object or empty"


def _is_object_text(text: Any) -> bool:
    if text == "":
        return True
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _cannot(where: str, why: str) -> str:
    return f"Failed to deserialize the JSON body into the target type: {where}: {why}"
