"""What a target does where nobody documents it, as a behaviour file, and how it drifts.

The stand-in can be served with such a file (`serve --behaviour FILE`). Only what was seen is
written; a switch that no answer told anything about is left out.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.contract.observation import Observation
from harness.contract.output import usages
from harness.errors import Layer, UsageError
from harness.gateway.behaviour import SCHEMA_VERSION, SWITCHES, Behaviour, Value

Seen = Sequence[Observation]


def behaviour_of(seen: Seen) -> dict[str, Value]:
    """The switches that the observations of a run tell, by name."""
    found = ((name, tell(seen)) for name, tell in _TELLS.items())
    return {name: value for name, value in found if value is not None}


def document_of(seen: Seen) -> dict[str, Any]:
    """The behaviour file: legal for `serve --behaviour`."""
    return {"schema_version": SCHEMA_VERSION, "behaviour": behaviour_of(seen)}


def read_recording(path: Path) -> Mapping[str, Value]:
    """The switches of an earlier recording; UsageError when it is none."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{path} is not JSON: {exc}") from exc
    Behaviour.from_document(document)
    recorded: Mapping[str, Value] = document["behaviour"]
    return recorded


def drift(recorded: Mapping[str, Value], seen: Seen) -> list[dict[str, Any]]:
    """Where the target differs from a recording: what the documents say, then, and now."""
    now = behaviour_of(seen)
    sources = {switch.name: switch.source for switch in SWITCHES}
    return [
        {"name": name, "documents": sources[name], "recording": value, "target": now[name]}
        for name, value in recorded.items()
        if name in now and now[name] != value
    ]


def _first(seen: Iterable[Observation], topic: str, route: str = "native") -> Observation | None:
    """The first answer to a request of a topic."""
    found = (s for s in seen if s.case.topic == topic and s.case.route == route)
    return next((s for s in found if s.status is not None and s.status < 500), None)


def _accepted(topic: str, yes: Value, no: Value) -> Callable[[Seen], Value]:
    """One value when the request of a topic was accepted, another when it was refused."""

    def tell(seen: Seen) -> Value:
        found = _first(seen, topic)
        return None if found is None else yes if found.ok else no

    return tell


def _sdk_path(seen: Seen) -> Value:
    found = _first(seen, "SDK path")
    if found is None:
        return None
    if found.ok:
        return "rewrite-to-v1"
    return "gateway-error" if found.layer is Layer.GATEWAY else "pass-through"


def _wrong_method(seen: Seen) -> Value:
    found = _first(seen, "GET")
    if found is None or not found.rejected:
        return None
    return "gateway-400" if found.layer is Layer.GATEWAY else "provider-405"


def _n_policy(seen: Seen) -> Value:
    found = _first(seen, "two choices")
    if found is None:
        return None
    if not found.ok:
        return "reject"
    return "serve" if len(found.choices) == 2 else "first-only"


def _log_id(seen: Seen) -> Value:
    ids = (s.headers.get("cf-aig-log-id") for s in seen)
    first = next((value for value in ids if value), None)
    return None if first is None else "ulid" if len(first) == 26 else "uuidv7"


def _compat_model(seen: Seen) -> Value:
    good = (s for s in seen if s.good and s.case.route == "compat" and s.documents)
    named = next((s.documents[0][1].get("model") for s in good), None)
    if not isinstance(named, str):
        return None
    return "prefixed" if named.startswith("baseten/") else "upstream"


def _streams(seen: Seen) -> list[Observation]:
    return [s for s in seen if s.good and s.case.stream and s.choices and s.documents]


def _nulls(seen: Seen) -> Value:
    for s in _streams(seen):
        listed = s.documents[0][1].get("choices")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            return "send" if "finish_reason" in listed[0] else "omit"
    return None


def _role_chunk(seen: Seen) -> Value:
    for s in _streams(seen):
        choice = s.choices[0]
        if choice.roles and choice.content:
            return "with-content" if choice.content[0][0] == choice.roles[0][0] else "alone"
    return None


def _stream_usage(seen: Seen) -> Value:
    found = _first(seen, "stream without options")
    if found is None or not found.good or found.reading is None:
        return None
    count = len(usages(found.reading))
    return "none" if not count else "every-chunk" if count > 1 else "final-chunk"


def _padding(seen: Seen) -> Value:
    streams = _streams(seen)
    return any("p" in d for s in streams for _, d in s.documents) if streams else None


def _comments(seen: Seen) -> Value:
    streams = _streams(seen)
    return any(s.reading.comments for s in streams if s.reading) if streams else None


def _envelope(seen: Seen) -> Value:
    found = _first(seen, "unknown gateway")
    if found is None or not found.documents:
        return None
    keys = found.documents[0][1].keys()
    return "full" if "description" in keys else "short" if "httpCode" in keys else "minimal"


_TELLS: Mapping[str, Callable[[Seen], Value]] = {
    "sdk_path": _sdk_path,
    "compat_model": _compat_model,
    "wrong_method": _wrong_method,
    "option_out_of_range": _accepted("option outside its bounds", "clamp", "reject"),
    "unknown_parameter": _accepted("unknown field", "ignore", "reject"),
    "developer_role": _accepted("developer", "accept", "reject"),
    "temperature_max": _accepted("temperature=2.5", 4, 2),
    "stop_items_max": _accepted('stop=["a1", "b2", "c3", "d4", "e5"]', 32, 4),
    "stream_options_without_stream": _accepted(
        'stream_options={"include_usage": true}', "ignore", "reject"
    ),
    "n_policy": _n_policy,
    "log_id": _log_id,
    "nulls": _nulls,
    "role_chunk": _role_chunk,
    "stream_usage": _stream_usage,
    "pad_chunks": _padding,
    "keep_alive_comments": _comments,
    "error_envelope": _envelope,
}
