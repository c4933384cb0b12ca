"""A failure as data: `capsule.json`, from which `gateway-harness replay` repeats it.

It holds the cases, not the bytes that were sent: a case is built into a request again for whatever
target it is repeated on. Nothing in it is secret.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from harness.contract.case import Case, Expect, Key
from harness.contract.clause import Clause, Fault
from harness.contract.observation import Observation
from harness.contract.run.results import Entry
from harness.contract.topics.catalogue import BY_ID
from harness.errors import UsageError
from harness.wire import Headers, Response

SCHEMA_VERSION = 1
NAME = "capsule.json"
MOST_LISTED = 20
"""So many failures of a folder are named."""
SEARCHED = 100_000
"""So many bytes at both ends of a body are searched for a secret; evidence comes from there."""
IDS = (
    *("cf-ray", "cf-aig-log-id", "cf-aig-request-id", "cf-aig-event-id"),
    *("cf-aig-step", "cf-aig-cache-status"),
)
"""The header fields by which Cloudflare can look an exchange up."""

Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Capsule:
    """What is needed to repeat a failure: the clause, the route, the requests, how it was found.

    `kind` is what the run's target was, `origin` where the requests went, `flaky` whether a
    repetition of the request within the run did not fail.
    """

    clause: Clause
    route: str
    cases: tuple[Case, ...]
    kind: str
    origin: str
    defect: str | None = None
    flaky: bool = False


def document(entry: Entry, about: Mapping[str, Any], *, layer: str, redact: Redact) -> Any:
    """The capsule of a failing entry; `about` is the document of its run."""
    clause = entry.clause
    described = {
        "schema_version": SCHEMA_VERSION,
        "clause": clause.id,
        "level": clause.level.value,
        "route": entry.route,
        "result": entry.result.value,
        "statement": clause.statement,
        "rationale": clause.rationale,
        "source": clause.source,
        "judged_by": judged_by(clause),
        "layer": layer,
        "exercised": entry.exercised,
        "violated": entry.violated,
        "sent_again": entry.sent_again,
        "failed_again": entry.failed_again,
        "faults": [_fault(fault, entry.shown, redact) for fault in entry.faults],
        "run": {name: about.get(name) for name in ("run_id", *_RUN)},
        "exchanges": [
            _exchange(number, seen, redact) for number, seen in enumerate(entry.shown, 1)
        ],
    }
    return redacted(described, redact)


_RUN = ("target_kind", "profile", "mode", "seed", "defect", "serve")


def judged_by(clause: Clause) -> str:
    """What the clause looks at: one `exchange`, a `sequence` of them, or the whole `run`."""
    if clause.check is not None:
        return "exchange"
    return "sequence" if clause.scene is not None else "run"


def redacted(value: Any, redact: Redact) -> Any:
    """The decoded JSON value with every string in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(name)): redacted(item, redact) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item, redact) for item in value]
    return value


def _fault(fault: Fault, shown: Sequence[Observation], redact: Redact) -> dict[str, str]:
    """The fault; its bytes are withheld where a cut through them may go through a secret."""
    bodies = [seen.response.body for seen in shown if seen.response is not None]
    ends = [end for body in bodies for end in (body[:SEARCHED], body[-SEARCHED:])]
    texts = [end.decode("utf-8", "surrogateescape") for end in ends]
    secret = any(redact(text) != text for text in texts)
    return {
        "expected": fault.expected,
        "came": fault.came,
        "where": fault.where,
        "bytes": "" if secret else fault.data.decode("utf-8", "backslashreplace"),
    }


def _exchange(number: int, seen: Observation, redact: Redact) -> dict[str, Any]:
    exchange, request = seen.exchange, seen.exchange.request
    return {
        "number": seen.number,
        "files": f"{number:02}-*",
        "case": document_of(seen.case),
        "request": {
            "method": request.method,
            "url": redact(request.url),
            "headers": [[name, redact(value)] for name, value in request.headers],
            "bytes": len(request.body),
        },
        "response": None if seen.response is None else _response(seen.response),
        "error": None if exchange.error is None else str(exchange.error),
        "gateway": ids_of(seen.headers),
        "layer": None if seen.layer is None else str(seen.layer),
    }


def _response(response: Response) -> dict[str, Any]:
    """The head with times in milliseconds after sending; the body is in a file of its own."""
    return {
        "status": response.status,
        "headers": [list(field) for field in response.headers],
        "head_at_ms": response.head_at_ns / 1e6,
        "end_at_ms": response.end_at_ns / 1e6,
        "end": response.end.value,
        "chunks": len(response.chunks),
        "bytes": len(response.body),
    }


def ids_of(headers: Headers) -> dict[str, str]:
    """The gateway's ids in the head of an answer."""
    found = ((name, headers.get(name)) for name in IDS)
    return {name: value for name, value in found if value is not None}


def document_of(case: Case) -> dict[str, Any]:
    """A case as JSON: what differs from a plain request, and the body."""
    found: dict[str, Any] = {}
    for field in fields(case):
        value = getattr(case, field.name)
        if field.default is MISSING or value != field.default:
            found[field.name] = value
    if isinstance(case.body, bytes):
        found["body"] = {"base64": base64.b64encode(case.body).decode()}
    else:
        found["body"] = {"json": case.body}
    for name in ("steps", "spare"):
        if name in found:
            found[name] = [document_of(step) for step in found[name]]
    if "headers" in found:
        found["headers"] = [list(pair) for pair in case.headers]
    return found


def case_of(described: Mapping[str, Any]) -> Case:
    """The case of a document; KeyError, TypeError or ValueError when it is none."""
    values = dict(described)
    body = values.pop("body")
    values["body"] = base64.b64decode(body["base64"]) if "base64" in body else body["json"]
    for name, kind in (("expect", Expect), ("provider_key", Key), ("gateway_key", Key)):
        if name in values:
            values[name] = kind(values[name])
    pairs: Iterable[Iterable[str]] = values.get("headers", ())
    values["headers"] = tuple((str(name), str(value)) for name, value in pairs)
    for name in ("steps", "spare"):
        if name in values:
            values[name] = tuple(case_of(step) for step in values[name])
    if not (values.get("path") or "/").startswith("/"):
        raise ValueError(f"path {values['path']!r} would name another host")
    return Case(**values)


def read_capsule(path: Path) -> Capsule:
    """The capsule in a file or in the folder of a failure; UsageError says what is wrong."""
    if path.is_dir() and not (path / NAME).exists():
        raise UsageError(_without_capsule(path))
    path = path / NAME if path.is_dir() else path
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{path} is not JSON: {exc}") from exc
    try:
        return _capsule(found)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise UsageError(f"{path} is no capsule of this version: {exc!r}") from exc


def _without_capsule(folder: Path) -> str:
    """What a folder that is no failure holds: the failures of a run, one a line, or none."""
    places = (f"*/{NAME}", f"failures/*/{NAME}", f"*/failures/*/{NAME}")
    held = sorted(path.parent for place in places for path in folder.glob(place))
    if not held:
        return f"{folder} holds no failure: expected {NAME} in it, as in RUN/failures/CLAUSE-ROUTE"
    some = [f"  {path}" for path in held[:MOST_LISTED]]
    more = [f"  ... and {len(held) - MOST_LISTED} more"] if len(held) > MOST_LISTED else []
    return "\n".join([f"{folder} holds {len(held)} failures; replay one of", *some, *more])


def _capsule(found: Mapping[str, Any]) -> Capsule:
    if found["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version {found['schema_version']!r}")
    exchanges, run = found["exchanges"], found["run"]
    first = exchanges[0]["request"]["url"] if exchanges else ""
    return Capsule(
        clause=BY_ID[found["clause"]],
        route=str(found["route"]),
        cases=tuple(case_of(each["case"]) for each in exchanges),
        kind=str(run["target_kind"]),
        origin="/".join(first.split("/")[:3]),
        defect=run["defect"],
        flaky=found["failed_again"] < found["sent_again"],
    )
