"""One request of a run as something to paste or run: `curl`, a pytest module, and raw HTTP.

Secrets appear as the names of the environment variables that hold them.
"""

import json
import pprint
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from harness.contract.clause import Clause
from harness.contract.observation import Observation
from harness.contract.output.failure_folder import document_of, redacted
from harness.wire import Chunk, Headers, Request, Response

Redact = Callable[[str], str]
VARIABLES = {"authorization": "BASETEN_API_KEY", "cf-aig-authorization": "CF_AIG_TOKEN"}
LONGEST = 100_000
"""Messages shown as text are cut at this many characters, after redaction."""
TRANSCRIBED = 1 << 18
"""Bytes of an answer of which every chunk is written down with its time."""
MOST_BYTES = 1 << 18
"""Bytes of a body that are written down."""
MARGIN = 1 << 14
"""More than any secret has in any form: what is redacted goes so far beyond what is shown."""
AHEAD = 200
"""Over so many chunks a secret is looked for."""


def curl(request: Request, redact: Redact) -> str:
    """The request as a shell command; credentials come from the environment."""
    parts = ["curl", "-sS", "-i", "-N"]
    if request.method != "POST":
        parts += ["-X", request.method]
    lines = [" ".join((*parts, shlex.quote(redact(request.url))))]
    for name, value in _fields(request):
        variable = VARIABLES.get(name.lower())
        if variable is not None and value.startswith("Bearer ") and "$" in redact(value):
            lines.append(f'-H "{name}: Bearer ${variable}"')
        else:
            lines.append(f"-H {shlex.quote(f'{name}: {redact(value)}')}")
    if request.body:
        lines.append(f"--data-binary {_quoted(_text(request.body), redact)}")
    return " \\\n  ".join(lines) + "\n"


def _quoted(text: str, redact: Redact) -> str:
    """A body for the shell; where a secret was in it, the variable that stands for it is one."""
    shown = redact(text)
    quoted = shlex.quote(shown)
    for variable in VARIABLES.values() if shown != text else ():
        quoted = quoted.replace(f"${variable}", f"'\"${variable}\"'")
    return quoted


def example(
    clause: Clause,
    route: str,
    seen: Sequence[Observation],
    redact: Redact,
    *,
    target: str,
    defect: str | None = None,
) -> str:
    """A pytest module that repeats the failure and judges it by its clause, alone.

    It needs the harness. `target` is where it sends to unless `GATEWAY_TARGET` names another
    gateway; an embedded one is broken by `defect` again.
    """
    cases = [redacted(document_of(each.case), redact) for each in seen]
    shown = pprint.pformat(cases, width=96, sort_dicts=False)
    return f'''"""{_docstring(clause)}

The credentials come from the environment: BASETEN_API_KEY, CF_AIG_TOKEN.
"""

import os

from harness.verification import repeat

TARGET = os.environ.get("GATEWAY_TARGET", {redact(target)!r})
DEFECT = {defect!r}
CASES = {shown}


def test_{clause.id.replace("-", "_")}_on_{route}() -> None:
    found = repeat({clause.id!r}, {route!r}, CASES, target=TARGET, defect=DEFECT)

    assert found.word == "fixed", found.evidence
'''


def _docstring(clause: Clause) -> str:
    text = f"{clause.id}: {clause.statement}\n\nWhy: {clause.rationale}\nSource: {clause.source}"
    return text.replace("\\", "\\\\").replace('"""', "'''")


def raw_request(request: Request, redact: Redact) -> str:
    """Method, URL, header fields and body."""
    head = "\n".join(f"{name}: {value}" for name, value in request.headers)
    return _cut(redact(f"{request.method} {request.url}\n{head}\n\n{_text(request.body)}")) + "\n"


def raw_response(
    response: Response | None,
    error: Exception | None,
    redact: Redact,
    *,
    longest: int = LONGEST,
) -> str:
    """Status, header fields and body, at most `longest` characters, or why there is none."""
    if response is None:
        return redact(f"no response: {error}\n")
    head = "\n".join(f"{name}: {value}" for name, value in response.headers)
    end = redact(f"\n\n[{error}]") if error is not None else ""
    body = response.body
    text = _text(body[: longest + MARGIN])
    shown = _first_of(redact(f"HTTP {response.status}\n{head}\n\n{text}"), longest, body)
    return f"{shown}{end}\n"


def raw_bytes(data: bytes, redact: Redact) -> bytes:
    """The first bytes of a body as they were, secrets replaced; invalid UTF-8 stays as it is."""
    text = redact(data[: MOST_BYTES + MARGIN].decode("utf-8", "surrogateescape"))
    whole = len(data) <= MOST_BYTES + MARGIN
    return (text if whole else text[:-MARGIN]).encode("utf-8", "surrogateescape")


def _first_of(text: str, longest: int, body: bytes) -> str:
    """What is shown of a redacted text; where bytes are missing, its last ones may cut a secret."""
    whole = len(body) <= longest + MARGIN
    if whole and len(text) <= longest:
        return text
    end = longest if whole else min(longest, max(0, len(text) - MARGIN))
    return f"{text[:end]}… ({len(body)} bytes in all)"


def transcript(chunks: Sequence[Chunk], redact: Redact) -> str:
    """Every chunk as JSON lines: milliseconds after sending, and its bytes as text.

    Chunks over which a secret is spread are one line, with the time of the first. Of a very long
    answer the last line says how much was left out.
    """
    shown = _first(chunks)
    rows: list[dict[str, Any]] = [
        {"ms": round(at_ns / 1e6, 3), "data": redact(_text(data))}
        for at_ns, data in _joined(shown, redact)
    ]
    left = chunks[len(shown) :]
    if left:
        rows.append({"chunks_left_out": len(left), "bytes": sum(len(c.data) for c in left)})
    return "".join(json.dumps(row) + "\n" for row in rows)


def _first(chunks: Sequence[Chunk]) -> Sequence[Chunk]:
    """As many chunks as a transcript takes: the first always."""
    size = 0
    for number, chunk in enumerate(chunks):
        size += len(chunk.data)
        if size > TRANSCRIBED and number:
            return chunks[:number]
    return chunks


def _joined(chunks: Sequence[Chunk], redact: Redact) -> list[tuple[int, bytes]]:
    """The chunks with their times, joined where a cut goes through something secret."""
    pieces = [(chunk.at_ns, chunk.data) for chunk in chunks]
    apart = b"".join(raw_bytes(data, redact) for _, data in pieces)
    if apart == raw_bytes(b"".join(data for _, data in pieces), redact):
        return pieces
    joined: list[tuple[int, bytes]] = []
    for number, (at_ns, data) in enumerate(pieces):
        before = joined[-1][1] if joined else b""
        after = b"".join(data for _, data in pieces[number : number + AHEAD])
        if joined and _through_secret(before, after, redact):
            joined[-1] = (joined[-1][0], before + data)
        else:
            joined.append((at_ns, data))
    return joined


def _through_secret(before: bytes, after: bytes, redact: Redact) -> bool:
    """Whether redaction of both together finds more than of each."""
    return raw_bytes(before + after, redact) != raw_bytes(before, redact) + raw_bytes(after, redact)


def _fields(request: Request) -> Headers:
    return request.headers.without("user-agent").without("cf-aig-event-id")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
