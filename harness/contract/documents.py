"""What a run leaves behind: conformance.json, junit.xml, a Markdown section, failure folders."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from harness.contract import capsule
from harness.contract.budget import Budget
from harness.contract.cost import Share, shares
from harness.contract.ledger import Entry, Ledger, Result
from harness.contract.observation import Observation
from harness.contract.reproduction import (
    Redact,
    curl,
    example,
    raw_bytes,
    raw_request,
    raw_response,
    transcript,
)
from harness.contract.veil import SPELT, spells_secret
from harness.contract.verdict import Verdict
from harness.foreign import Place, harmless

SCHEMA_VERSION = 1


def conformance(
    ledger: Ledger,
    verdict: Verdict,
    *,
    budget: Budget,
    about: Mapping[str, Any],
    redact: Redact,
    seen: Sequence[Observation] = (),
) -> dict[str, Any]:
    """The document of `conformance.json`, which its JSON Schema describes.

    `about` names target, mode, profile and seed; `seen` is all that was sent, for what it cost.
    """
    costs = shares(ledger, seen)
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": verdict.word,
        "exit_code": verdict.exit_code,
        "line": verdict.line,
        "reasons": [redact(reason) for reason in verdict.reasons],
        "routes": list(verdict.routes),
        "not_declared": list(verdict.undeclared),
        "counts": dict(verdict.counts),
        "cost": {"requests": budget.requests, "tokens": budget.tokens, "usd": budget.cost},
        **about,
        "clauses": [_row(entry, costs[key], redact) for key, entry in ledger.entries.items()],
    }


def _row(entry: Entry, cost: Share, redact: Redact) -> dict[str, Any]:
    failing = bool(entry.violated)
    return {
        "id": entry.clause.id,
        "level": str(entry.clause.level),
        "route": entry.route,
        "result": str(entry.result),
        "exercised": entry.exercised,
        "violated": entry.violated,
        "evidence": redact(entry.why),
        "capsule": f"failures/{capsule_name(entry)}" if failing else None,
        "statement": entry.clause.statement,
        "source": entry.clause.source,
        "records": [redact(text) for text in entry.records],
        "sent_again": entry.sent_again,
        "failed_again": entry.failed_again,
        "layer": layer(entry) if failing else None,
        "waived": entry.waived or None,
        "cost": {"requests": round(cost.requests, 3), "tokens": round(cost.tokens, 1)},
    }


def capsule_name(entry: Entry) -> str:
    """The folder of a failing clause: one per clause and route."""
    return f"{entry.clause.id}-{entry.route}"


def layer(entry: Entry) -> str:
    """The layer at fault as far as the answers tell; an answer that is wrong and says nothing
    about an error came through the gateway, which is where it can be looked into."""
    told = [seen.layer for seen in entry.shown if seen.layer is not None]
    return str(told[-1]) if told else "gateway or provider"


def junit(ledger: Ledger, redact: Redact) -> str:
    """One test case for each clause and route."""
    entries = list(ledger.entries.values())
    failed = [entry for entry in entries if entry.result is Result.FAIL]
    skipped = (Result.NOT_APPLICABLE, Result.NOT_EXERCISED, Result.WAIVED)
    suite = Xml.Element(
        "testsuite",
        name="gateway-harness contract",
        tests=str(len(entries)),
        failures=str(len(failed)),
        errors="0",
        skipped=str(sum(entry.result in skipped for entry in entries)),
    )
    for entry in entries:
        case = Xml.SubElement(
            suite, "testcase", classname=f"contract.{entry.route}", name=entry.clause.id, time="0"
        )
        text = _legal(redact(explain(entry, redact)))
        if entry.result is Result.FAIL:
            message = f"{entry.clause.level}: {entry.clause.statement}"
            Xml.SubElement(case, "failure", message=message, type=entry.clause.level).text = text
        elif entry.result in skipped:
            reason = _legal(redact(f"{entry.result}: {entry.why}"))
            Xml.SubElement(case, "skipped", message=reason)
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _legal(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n" or " " <= c < "\ud800" or c > "\udfff" else "?" for c in text)


def explain(entry: Entry, redact: Redact) -> str:
    """A failing clause for people: what, why, the evidence, the request, where to look."""
    clause = entry.clause
    lines = [
        f"{clause.id} ({clause.level}, {entry.route}): {clause.statement}",
        f"why it matters: {clause.rationale}",
        f"source: {clause.source}",
        f"seen: {entry.violated} of {entry.exercised} exercised",
    ]
    if entry.sent_again:
        lines.append(f"sent again: failed {entry.failed_again} of {entry.sent_again} times")
    lines += [f"evidence: {fault}" for fault in entry.faults[:4]]
    lines.append(f"layer at fault: {layer(entry)}")
    if entry.shown:
        last = entry.shown[-1]
        ids = ", ".join(f"{name} {value}" for name, value in capsule.ids_of(last.headers).items())
        lines += [f"gateway ids: {ids or 'none'}"]
        lines += ["request:", curl(last.exchange.request, redact)]
        answer = raw_response(last.response, last.exchange.error, redact)
        answer = SPELT if spells_secret(last, redact) else answer
        lines += ["response:", answer if len(answer) < 2000 else f"{answer[:2000]}…"]
    return _seen(redact("\n".join(lines)))


def write(
    folder: Path, ledger: Ledger, document: Mapping[str, Any], *, redact: Redact, junit_at: Path
) -> None:
    """Write every file of a run into `folder`; nothing but redacted text is written."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "conformance.json", document)
    junit_at.parent.mkdir(parents=True, exist_ok=True)
    _put(junit_at, junit(ledger, redact))
    _put(folder / "report.md", markdown(ledger, document, redact))
    for entry in ledger.failing():
        _capsule(folder / "failures" / capsule_name(entry), entry, document, redact)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document, in ASCII so that any text in it survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _put(path, json.dumps(document, indent=1) + "\n")


def _put(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:  # of a write, which does not know its file
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def append(path: Path, text: str) -> None:
    """Append to a file that others write too, such as that of `GITHUB_STEP_SUMMARY`."""
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _capsule(folder: Path, entry: Entry, document: Mapping[str, Any], redact: Redact) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    described = capsule.document(entry, document, layer=layer(entry), redact=redact)
    write_json(folder / capsule.NAME, described)
    _put(folder / "README.txt", explain(entry, redact) + "\n")
    requests = [curl(seen.exchange.request, redact) for seen in entry.shown]
    start = f"# the stand-in: {document['serve']}\n" if document.get("serve") else ""
    _put(folder / "curl.sh", f"#!/bin/sh\n{start}" + "\n".join(requests))
    _put(folder / "test_example.py", _example(entry, document, redact))
    for number, seen in enumerate(entry.shown, 1):
        _put_exchange(folder, f"{number:02}", seen, redact)


def _example(entry: Entry, document: Mapping[str, Any], redact: Redact) -> str:
    kind = str(document.get("target_kind", "mock"))
    embedded = kind in ("mock", "local")
    origin = "/".join(entry.shown[0].exchange.request.url.split("/")[:3]) if entry.shown else ""
    target = kind if embedded or kind == "live" else origin
    return example(
        entry.clause,
        entry.route,
        entry.shown if entry.clause.check is not None else (),
        redact,
        target=target,
        defect=document.get("defect") if embedded else None,
    )


def _put_exchange(folder: Path, number: str, seen: Observation, redact: Redact) -> None:
    """One exchange as text, its bodies as bytes, and a stream with the times of its chunks."""
    request, response = seen.exchange.request, seen.response
    _put(folder / f"{number}-request.txt", _seen(raw_request(request, redact)))
    (folder / f"{number}-request.body").write_bytes(raw_bytes(request.body, redact))
    if spells_secret(seen, redact):
        _put(folder / f"{number}-response.txt", f"withheld: {SPELT}\n")
        return
    answer = raw_response(response, seen.exchange.error, redact)
    _put(folder / f"{number}-response.txt", _seen(answer))
    if response is not None:
        (folder / f"{number}-response.body").write_bytes(raw_bytes(response.body, redact))
        if seen.reading is not None and seen.reading.streamed:
            rows = transcript(response.chunks, redact)
            _put(folder / f"{number}-transcript.jsonl", rows)


def _seen(text: str) -> str:
    """A text for people that a terminal may show."""
    return harmless(text, Place.TERMINAL, lines=True)


def markdown(ledger: Ledger, document: Mapping[str, Any], redact: Redact) -> str:
    """The result for a pull request or a CI step summary."""
    counts = ", ".join(f"{count} {name}" for name, count in document["counts"].items() if count)
    lines = [
        "# Contract",
        "",
        f"**{_cell(document['line'])}** ({counts}; {document['cost']['requests']} requests)",
        "",
    ]
    failing = [e for e in ledger.failing() if e.result in (Result.FAIL, Result.WAIVED)]
    if failing:
        lines += ["| clause | level | route | statement | evidence |", "|---|---|---|---|---|"]
        lines += [_line(entry, redact) for entry in failing]
    else:
        lines.append("Every clause that was exercised was kept.")
    lines += [f"- {_cell(reason)}" for reason in document["reasons"]]
    for row in document.get("drift", ()):
        told = f"drift of {row['name']}: {row['recording']} before, {row['target']} now"
        lines.append(f"- {_cell(told)}")
    recorded = [entry for entry in ledger.entries.values() if entry.result is Result.RECORDED]
    if recorded:
        lines += ["", "Recorded where nothing is documented:", ""]
        lines += [f"- `{e.clause.id}` ({e.route}): {_cell(redact(e.why))}" for e in recorded]
    return "\n".join(lines) + "\n"


def _line(entry: Entry, redact: Redact) -> str:
    clause = entry.clause
    cells = (clause.level, entry.route, clause.statement, redact(entry.why))
    return f"| `{clause.id}` | {' | '.join(_cell(str(cell)) for cell in cells)} |"


def _cell(text: str) -> str:
    return harmless(text, Place.MARKDOWN, most=300)
