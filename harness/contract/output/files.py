"""What a run leaves behind: conformance.json, junit.xml, a Markdown section, failure folders."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from harness.contract.clause import Level, Result
from harness.contract.observation import Observation
from harness.contract.output import failure_folder
from harness.contract.output.curl import (
    Redact,
    curl,
    example,
    raw_bytes,
    raw_request,
    raw_response,
    transcript,
)
from harness.contract.output.recording import told_drift
from harness.contract.output.redaction import SPELT, spells_secret
from harness.contract.output.rows import ClauseRow, by_weight, capsule_name, layer
from harness.contract.output.written import Output, put, write_json
from harness.contract.run.budget import Budget
from harness.contract.run.results import Entry, Results
from harness.contract.run.verdict import ContractVerdict
from harness.foreign import Place, harmless
from harness.settings import Kind

SCHEMA_VERSION = 1
SHOWN = 2000
"""So many characters of an answer explain a failure; its folder has more."""
Pair = tuple[str, str]
MOST_EXPLAINED = 8
"""So many clauses are explained below a table; the others have their folder."""


def conformance(
    clauses: Sequence[ClauseRow],
    verdict: ContractVerdict,
    *,
    budget: Budget,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """The document of `conformance.json`, which its JSON Schema describes.

    `about` names target, mode, profile and seed.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": verdict.word,
        "exit_code": verdict.exit_code,
        "line": verdict.line,
        "reasons": list(verdict.reasons),
        "routes": list(verdict.routes),
        "not_declared": list(verdict.undeclared),
        "counts": dict(verdict.counts),
        "cost": {"requests": budget.requests, "tokens": budget.tokens, "usd": budget.cost},
        **about,
        "clauses": [each.document() for each in clauses],
    }


def junit(
    ledger: Results, redact: Redact, *, strict: bool = False, took: Mapping[Pair, float]
) -> str:
    """One test case for each clause and route, with its share of the seconds, `took`.

    A broken SHOULD is a failure where it is `strict`; else its case passes, and says what it saw.
    """
    entries = list(ledger.entries.values())
    failed = [entry for entry in entries if _fails(entry, strict=strict)]
    skipped = (Result.NOT_APPLICABLE, Result.NOT_EXERCISED, Result.WAIVED)
    suite = Xml.Element(
        "testsuite",
        name="gateway-harness contract",
        tests=str(len(entries)),
        failures=str(len(failed)),
        errors=str(sum(entry.result is Result.ERROR for entry in entries)),
        skipped=str(sum(entry.result in skipped for entry in entries)),
    )
    for entry in entries:
        seconds = took.get((entry.clause.id, entry.route), 0.0)
        case = Xml.SubElement(
            suite,
            "testcase",
            classname=f"contract.{entry.route}",
            name=entry.clause.id,
            time=f"{seconds:.3f}",
        )
        text = _legal(redact(explain(entry, redact)))
        if entry.result is Result.FAIL and entry not in failed:
            Xml.SubElement(case, "system-out").text = f"a warning without --strict\n{text}"
        elif entry.result is Result.FAIL:
            message = f"{entry.clause.level}: {entry.clause.statement}"
            Xml.SubElement(case, "failure", message=message, type=entry.clause.level).text = text
        elif entry.result is Result.ERROR:
            Xml.SubElement(case, "error", message=_legal(redact(entry.why)), type="bug")
        elif entry.result in skipped:
            reason = _legal(redact(f"{entry.result}: {entry.why}"))
            Xml.SubElement(case, "skipped", message=reason)
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _fails(entry: Entry, *, strict: bool) -> bool:
    """Whether a clause fails the run."""
    return entry.result is Result.FAIL and (strict or entry.clause.level is Level.MUST)


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
    if (last := entry.guilty) is not None:
        ids = ", ".join(
            f"{name} {value}" for name, value in failure_folder.ids_of(last.headers).items()
        )
        lines += [f"gateway ids: {ids or 'none'}"]
        lines += ["request:", curl(last.exchange.request, redact)]
        answer = raw_response(last.response, last.exchange.error, redact, longest=SHOWN)
        answer = SPELT if spells_secret(last, redact) else answer
        lines += ["response:", answer]
    return _seen(redact("\n".join(lines)))


def write(
    output: Output,
    folder: Path,
    ledger: Results,
    document: Mapping[str, Any],
    *,
    redact: Redact,
    junit_at: Path | None = None,
    more: Sequence[str] = (),
) -> None:
    """Write every file of a run into `folder`; nothing but redacted text is written.

    `more` are lines at the end of `report.md`.
    """
    page = markdown(ledger, document, redact, more=more)
    cases = junit_of(ledger, document, redact)
    output.write(folder / "conformance.json", partial(write_json, document=document))
    output.write(folder / "report.md", lambda path: put(path, page))
    output.write(junit_at or folder / "junit.xml", lambda path: put(path, cases))
    for entry in ledger.failing():
        place = folder / "failures" / capsule_name(entry) / failure_folder.NAME
        how = partial(_capsule, entry=entry, about=document, redact=redact)
        output.write(place, how)


def junit_of(ledger: Results, document: Mapping[str, Any], redact: Redact) -> str:
    """`junit.xml` of a run with this document."""
    rows = document["clauses"]
    took = {(row["id"], row["route"]): float(row["cost"]["seconds"]) for row in rows}
    return junit(ledger, redact, strict=bool(document.get("strict")), took=took)


def _capsule(path: Path, *, entry: Entry, about: Mapping[str, Any], redact: Redact) -> None:
    """Write a failure: the capsule at `path`, everything else beside it."""
    folder = path.parent
    described = failure_folder.document(entry, about, layer=layer(entry), redact=redact)
    write_json(path, described)
    put(folder / "README.txt", explain(entry, redact) + "\n")
    requests = [curl(seen.exchange.request, redact) for seen in entry.shown]
    start = f"# the stand-in: {about['serve']}\n" if about.get("serve") else ""
    put(folder / "curl.sh", f"#!/bin/sh\n{start}" + "\n".join(requests))
    put(folder / "test_example.py", _example(entry, about, redact))
    for number, seen in enumerate(entry.shown, 1):
        _put_exchange(folder, f"{number:02}", seen, redact)


def _example(entry: Entry, document: Mapping[str, Any], redact: Redact) -> str:
    kind = str(document.get("target_kind", Kind.MOCK))
    embedded = kind in (Kind.MOCK, Kind.LOCAL)
    origin = "/".join(entry.shown[0].exchange.request.url.split("/")[:3]) if entry.shown else ""
    target = kind if embedded or kind == Kind.LIVE else origin
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
    put(folder / f"{number}-request.txt", _seen(raw_request(request, redact)))
    (folder / f"{number}-request.body").write_bytes(raw_bytes(request.body, redact))
    if spells_secret(seen, redact):
        put(folder / f"{number}-response.txt", f"withheld: {SPELT}\n")
        return
    answer = raw_response(response, seen.exchange.error, redact)
    put(folder / f"{number}-response.txt", _seen(answer))
    if response is not None:
        (folder / f"{number}-response.body").write_bytes(raw_bytes(response.body, redact))
        if seen.reading is not None and seen.reading.streamed:
            rows = transcript(response.chunks, redact)
            put(folder / f"{number}-transcript.jsonl", rows)


def _seen(text: str) -> str:
    """A text for people that a terminal may show."""
    return harmless(text, Place.TERMINAL, lines=True)


def markdown(
    ledger: Results, document: Mapping[str, Any], redact: Redact, *, more: Sequence[str] = ()
) -> str:
    """The result for a pull request or a CI step summary; `more` are lines at its end."""
    counts = ", ".join(f"{count} {name}" for name, count in document["counts"].items() if count)
    lines = [
        "# Contract",
        "",
        f"**{_cell(document['line'])}** ({counts}; {document['cost']['requests']} requests)",
        "",
    ]
    failing = [e for e in ledger.failing() if e.result in (Result.FAIL, Result.WAIVED)]
    failing.sort(key=by_weight)
    if failing:
        lines += ["| clause | level | route | statement | evidence |", "|---|---|---|---|---|"]
        lines += [_line(entry, redact) for entry in failing]
        lines += ["", *_next(failing)]
    else:
        lines.append("Every clause that was exercised was kept.")
    lines += [f"- {_cell(reason)}" for reason in document["reasons"]]
    for row in document.get("drift", ()):
        lines.append(f"- drift: {_cell(told_drift(row))}")
    recorded = [entry for entry in ledger.entries.values() if entry.result is Result.RECORDED]
    if recorded:
        lines += ["", "Recorded where nothing is documented:", ""]
        lines += [f"- `{e.clause.id}` ({e.route}): {_cell(redact(e.why))}" for e in recorded]
    lines += more
    return "\n".join(lines) + "\n"


def _next(failing: Sequence[Entry]) -> list[str]:
    """Why each broken clause matters, once, and what to do."""
    why = {entry.clause.id: _cell(entry.clause.rationale) for entry in failing}
    lines = [f"- `{name}`: {text}" for name, text in list(why.items())[:MOST_EXPLAINED]]
    first = failing[0]
    lines.append(
        f"- next: `gateway-harness explain {first.clause.id}`, and in the folder of the run "
        f"`gateway-harness replay failures/{capsule_name(first)}`"
    )
    return lines


def _line(entry: Entry, redact: Redact) -> str:
    clause = entry.clause
    level = f"waived {clause.level}" if entry.waived else clause.level
    evidence = f"{entry.why}; waived: {entry.waived}" if entry.waived else entry.why
    cells = (level, entry.route, clause.statement, redact(evidence))
    return f"| `{clause.id}` | {' | '.join(_cell(str(cell)) for cell in cells)} |"


def _cell(text: str) -> str:
    return harmless(text, Place.MARKDOWN, most=300)
