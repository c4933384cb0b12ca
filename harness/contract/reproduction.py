"""One request of a run as something to paste: `curl`, a pytest example, and raw HTTP.

Secrets appear as the names of the environment variables that hold them.
"""

import json
import shlex
from collections.abc import Callable, Sequence

from harness.contract.clause import Clause
from harness.contract.observation import Observation
from harness.wire import Chunk, Headers, Request, Response

Redact = Callable[[str], str]
VARIABLES = {"authorization": "BASETEN_API_KEY", "cf-aig-authorization": "CF_AIG_TOKEN"}
LONGEST = 100_000
"""Bodies are cut at this many characters."""


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
        lines.append(f"--data-binary {shlex.quote(redact(_text(request.body)))}")
    return " \\\n  ".join(lines) + "\n"


def example(clause: Clause, seen: Sequence[Observation], redact: Redact) -> str:
    """A pytest module that sends the same requests and judges nothing but prints the answers.

    It needs httpx only, so that it can be handed to somebody without the harness.
    """
    calls = "\n".join(_call(each.exchange.request, redact) for each in seen)
    return f'''"""{clause.id}: {clause.statement}

Why it matters: {clause.rationale}
Source: {clause.source}
"""

import os

import httpx


def test_{clause.id.replace("-", "_")}():
    answers = []
{calls}
    for answer in answers:
        print(answer.status_code, answer.headers, answer.text, sep="\\n")
    # {clause.statement}
'''


def _call(request: Request, redact: Redact) -> str:
    lines = ["    headers = {"]
    for name, value in _fields(request):
        variable = VARIABLES.get(name.lower())
        if variable is not None and "$" in redact(value):
            lines.append(f'        {name!r}: "Bearer " + os.environ["{variable}"],')
        else:
            lines.append(f"        {name!r}: {redact(value)!r},")
    lines.append("    }")
    body = redact(_text(request.body))
    lines.append(f"    body = {body!r}.encode()")
    url = redact(request.url)
    arguments = f"{request.method!r}, {url!r}, headers=headers, content=body, timeout=60"
    lines.append(f"    answers.append(httpx.request({arguments}))")
    return "\n".join(lines)


def raw_request(request: Request, redact: Redact) -> str:
    """Method, URL, header fields and body."""
    head = "\n".join(f"{name}: {value}" for name, value in request.headers)
    return redact(f"{request.method} {request.url}\n{head}\n\n{_text(request.body)}\n")


def raw_response(response: Response | None, error: Exception | None, redact: Redact) -> str:
    """Status, header fields and body, or why there is none."""
    if response is None:
        return redact(f"no response: {error}\n")
    head = "\n".join(f"{name}: {value}" for name, value in response.headers)
    end = f"\n\n[{error}]" if error is not None else ""
    return redact(f"HTTP {response.status}\n{head}\n\n{_text(response.body)}{end}\n")


def transcript(chunks: Sequence[Chunk], redact: Redact) -> str:
    """Every chunk as JSON lines: milliseconds after sending, and its bytes as text."""
    rows = (json.dumps({"ms": round(c.at_ns / 1e6, 3), "data": _text(c.data)}) for c in chunks)
    return redact("\n".join(rows) + "\n")


def _fields(request: Request) -> Headers:
    return request.headers.without("user-agent").without("cf-aig-event-id")


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(data)} bytes)"
