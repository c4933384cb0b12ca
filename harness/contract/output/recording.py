"""What a target does where nobody documents it, as a behaviour file, and how it drifts.

The stand-in can be served with such a file (`serve --behaviour FILE`). Only what was seen is
written; a switch that no answer told anything about is left out.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from harness.contract.observation import Observation
from harness.contract.topics.scenes import code_of
from harness.errors import Layer, UsageError
from harness.gateway.behaviour import SCHEMA_VERSION, SWITCHES, Behaviour, Value

Seen = Sequence[Observation]
EARLY_STREAMS = 3
"""Streams below which the time of their heads says nothing."""
EARLY_NS = 2_000_000
"""A head that is less than this before the first byte came together with it."""


def behaviour_of(seen: Seen) -> dict[str, Value]:
    """The switches that the observations of a run tell, by name."""
    found = ((name, tell(seen)) for name, tell in _TELLS.items())
    return {name: value for name, value in found if value is not None}


def told(name: str, seen: Seen) -> Value:
    """The value of one switch that the observations tell, or None."""
    return _TELLS[name](seen)


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
    try:
        Behaviour.from_document(document)
    except UsageError as exc:
        raise UsageError(f"{path}: {exc}") from exc
    recorded: Mapping[str, Value] = document["behaviour"]
    return recorded


def drift(recorded: Mapping[str, Value], seen: Seen) -> list[dict[str, Any]]:
    """Where the target differs from a recording: what the documents say, then, and now."""
    now, switches = behaviour_of(seen), {switch.name: switch for switch in SWITCHES}
    return [
        {
            "name": name,
            "meaning": switches[name].meaning,
            "documents": switches[name].source,
            "recording": value,
            "target": now[name],
        }
        for name, value in recorded.items()
        if name in now and now[name] != value
    ]


def told_drift(row: Mapping[str, Any]) -> str:
    """A drift in a sentence: what changed, and what it means."""
    before, after = (json.dumps(row[when]) for when in ("recording", "target"))
    return f"{row['name']} was {before} and is {after} now ({row['meaning']})"


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
    count = len(found.reading.usages)
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


def _unknown_prefix(seen: Seen) -> Value:
    found = _first(seen, "unknown prefix", "compat")
    failure = found.answer.failure if found and found.answer else None
    words = {"Model not found": "model-not-found", "Invalid provider": "invalid-provider"}
    message = failure.message if failure else ""
    return next((value for start, value in words.items() if message.startswith(start)), None)


def _request_timeout(seen: Seen) -> Value:
    found = next((s for s in seen if s.case.topic == "timeout of 1 ms" and s.rejected), None)
    if found is None:
        return None
    if found.status == 400:
        return "400-2005" if code_of(found) == "2005" else None
    return str(found.status) if found.status in (408, 504, 524) else None


def _stream_cached(seen: Seen) -> Value:
    found = [s for s in seen if s.case.topic == "streams are not cached" and s.ok]
    return any(s.cache_status == "HIT" for s in found) if len(found) > 1 else None


def _status_on_errors(seen: Seen) -> Value:
    """Of refusals by the provider: only those have a cache to speak of."""
    found = [s for s in seen if s.rejected and s.layer is Layer.PROVIDER and _placed(s)]
    return any(s.cache_status for s in found) if found else None


def _placed(seen: Observation) -> bool:
    case = seen.case
    return case.path is None and case.method == "POST" and not case.apart


def _rate_limit_answer(seen: Seen) -> Value:
    found = [s.status for s in seen if s.case.topic == "beyond the limit" and s.rejected]
    known = {429: "429-2003", 401: "401-2009"}
    return known.get(found[0] or 0) if found else None


def _early_headers(seen: Seen) -> Value:
    """Whether the head of a stream usually comes well before its first byte."""
    answers = [s.response for s in _streams(seen) if s.response and s.response.chunks]
    if len(answers) < EARLY_STREAMS:
        return None
    gap_ns = median(answer.chunks[0].at_ns - answer.head_at_ns for answer in answers)
    return gap_ns >= max(EARLY_NS, median(answer.head_at_ns for answer in answers) / 2)


def _thinks(seen: Seen) -> Value:
    found = _first(seen, "plain")
    return None if found is None or not found.choices else bool(found.choices[0].reasoning)


def _universal_bad_body(seen: Seen) -> Value:
    found = _first(seen, "no list of steps")
    code = code_of(found) if found else None
    return {"2001": "400-2001", "2019": "400-2019"}.get(code or "")


def _universal_last_error(seen: Seen) -> Value:
    found = _first(seen, "every step fails")
    if found is None or not found.rejected:
        return None
    hidden = found.status == 400 and code_of(found) == "2005"
    return "400-2005" if hidden else "last-step"


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
    "compat_unknown_prefix": _unknown_prefix,
    "request_timeout": _request_timeout,
    "stream_cached": _stream_cached,
    "cache_status_on_errors": _status_on_errors,
    "rate_limit_answer": _rate_limit_answer,
    "early_headers": _early_headers,
    "thinks_by_default": _thinks,
    "universal_bad_body": _universal_bad_body,
    "universal_fallback": _accepted("fallback after errors", "any-error", "retryable"),
    "universal_last_error": _universal_last_error,
    "universal_refused_step": _accepted("a step for nobody", "fall-back", "refuse"),
}
TOLD = frozenset(_TELLS)
"""The switches that a run can tell; for the others it would take requests of their own."""
