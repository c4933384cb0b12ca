"""`gateway-harness verify`: the contract against a target, as a CI step or by hand."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import phases
from harness.cli.annotations import annotations
from harness.cli.options import Common, common
from harness.cli.verdict import conclude, note
from harness.contract.options import OPTIONS, Option
from harness.errors import UsageError
from harness.routes.route import ROUTES

if TYPE_CHECKING:
    from harness.contract.options import RunOptions
    from harness.contract.output.rows import ClauseRow
    from harness.contract.run.session import RunOutcome

SHOWN = 8
FILE = click.Path(dir_okay=False, path_type=Path)
WRONG_ARGUMENTS, COLLECTED_NOTHING = 4, 5
"""Pytest's exit codes for what it was not asked right."""


def contract_options(options: Sequence[Option]) -> Callable[[Callable[..., Any]], Any]:
    """Add options of the contract's table to a command."""

    def decorate(function: Callable[..., Any]) -> Any:
        for option in reversed(options):
            function = _click(option)(function)
        return function

    return decorate


def _click(option: Option) -> Callable[[Callable[..., Any]], Any]:
    if option.kind is bool:
        return click.option(f"--{option.name}", is_flag=True, help=option.help)
    kind: Any = click.Choice(option.choices) if option.choices else None
    kind = FILE if option.kind is Path else kind
    kind = click.IntRange(min=1) if option.kind is int else kind
    return click.option(
        f"--{option.name}",
        type=kind,
        metavar=option.metavar,
        help=option.help,
        multiple=option.many,
    )


@click.command(
    epilog="Further arguments after -- go to pytest, which then shows one test per clause and "
    "route: -- -k cache -x.",
)
@common(target="mock", mock=True)
@contract_options(OPTIONS)
@click.option("--github", is_flag=True, help="Also annotate the job of GitHub Actions.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(*, common: Common, pytest_args: tuple[str, ...], github: bool, **values: Any) -> None:
    """Check the contract of the three routes against a target, with about 300 requests."""
    options = contract_of(common, values)
    check_files(options)
    out = common.make_folder()
    options = replace(options, out=out)
    announce(common, options)
    plan = {name: values[name] for name in ("profile", "mode", "strict", "defect")}
    phases.start(common, out, plan, seed=options.seed)
    with phases.left_in(out), phases.refusable(out):
        found = _by_pytest(common, options, pytest_args) if pytest_args else carry(common, options)
    if github and not common.json:
        for line in annotations(found.failing, strict=options.strict):
            click.echo(line)
    _close(common, found, out)


def contract_of(common: Common, values: Mapping[str, Any]) -> "RunOptions":
    """The options of a contract run within a command; UsageError before anything is sent."""
    from harness.verification import options_for

    given = {name: value for name, value in values.items() if value is not None}
    return options_for(common.target, caps=common.caps, seed=common.seed, **given)


def carry(common: Common, options: "RunOptions") -> "RunOutcome":
    """Verify the target of a command, and show how far it is."""
    from harness.cli.progress import VerifyDisplay
    from harness.verification import verify

    with VerifyDisplay(quiet=not common.shows) as display:
        return verify(common.target, options, watch=display)


def check_files(options: "RunOptions") -> None:
    """Try the files that are to be read and written, before a folder is made."""
    from harness.contract.run.session import check_files

    check_files(options)


def announce(common: Common, options: "RunOptions") -> None:
    """Say what a run may use where it may cost money, before its first request."""
    if common.target.loopback:
        return
    most = f"at most {options.max_requests} requests, {options.max_tokens:,} tokens"
    dollars = "" if options.max_cost is None else f", ${options.max_cost:.2f}"
    common.say(f"estimate: {most}{dollars} at {common.target.address.base}")


def _by_pytest(common: Common, options: "RunOptions", arguments: Sequence[str]) -> "RunOutcome":
    """The same run within pytest, which selects clauses and shows a test for each."""
    import pytest

    from harness.bundled import folder
    from harness.verification import PytestRun

    common.say("pytest: the contract as one test per clause and route")
    asked = PytestRun(common.target, options)
    shown = sys.stderr if common.shows else StringIO()
    with redirect_stdout(shown):
        suite = str(folder("contracts"))
        code = pytest.main([suite, "-q", "--tb=short", *arguments], plugins=[asked])
    if code == WRONG_ARGUMENTS:
        raise UsageError("pytest refused its arguments")
    if code == COLLECTED_NOTHING or asked.outcome is None:
        raise UsageError("the arguments for pytest select no clause")
    return asked.outcome


def _close(common: Common, found: "RunOutcome", out: Path) -> None:
    """Write the page, close the manifest, print what was found, and leave with the verdict."""
    from harness.cli.advice import of_answer
    from harness.contract.output.recording import told_drift

    verdict = found.verdict
    phases.note(out, {"interrupted": found.interrupted})
    phases.finish(out, verdict)
    for sentence in (*found.unwritten, *_page(out)):
        note(sentence)
    common.say(_failures(found, out))
    common.say("\n".join(found.rates))
    if found.refused is not None:
        common.say(of_answer(found.refused, common.target))
    for row in found.document.get("drift", ()):
        common.say(f"drift: {told_drift(row)}")
    conclude(
        verdict.verdict,
        reasons=verdict.reasons if common.json else verdict.further_reasons,
        summary=verdict.summary,
        out=out,
        as_json=common.json,
        code=verdict.exit_code,
        counts=dict(verdict.counts),
        clauses=[] if not common.json else [_brief(each) for each in found.failing],
    )


def _page(out: Path) -> list[str]:
    """Write `report.html`; why it could not be written, if it could not."""
    from harness.contract.output.written import Output
    from harness.report.build import assemble
    from harness.report.files import write_page

    output = Output()
    output.write(out / "report.html", lambda path: write_page(assemble(path.parent)))
    return output.unwritten


def _failures(found: "RunOutcome", out: Path) -> str:
    """The failing clauses with statement and evidence, and where to look next."""
    by_clause: dict[str, list[ClauseRow]] = {}
    for each in found.failing:
        by_clause.setdefault(each.id, []).append(each)
    if not by_clause:
        return _kept(found) if found.verdict.verdict == "pass" else ""
    leads = {name: rows for name, rows in by_clause.items() if not all(r.follows for r in rows)}
    lines = []
    for name, rows in list(leads.items())[:SHOWN]:
        after = [n for n, those in by_clause.items() if n not in leads and those[0].follows == name]
        lines += [*_failure(rows, out), *_also(after)]
    if len(leads) > SHOWN:
        lines.append(f"... and {len(leads) - SHOWN} more in {out / 'conformance.json'}")
    if found.document.get("serve"):
        lines.append(f"to reproduce, first: {found.document['serve']}")
    return "\n".join(lines)


def _kept(found: "RunOutcome") -> str:
    """What a pass rests on, in numbers."""
    counts, cost = found.verdict.counts, found.document["cost"]
    others = {"recorded": counts["recorded"], "not applicable": counts["not_applicable"]}
    beside = "".join(f", {count} {word}" for word, count in others.items() if count)
    asked = f"{cost['requests']} requests"
    return f"every clause that was exercised was kept: {counts['pass']}{beside}; {asked}"


def _also(after: Sequence[str]) -> list[str]:
    """The clauses that the same requests broke."""
    more = f" and {len(after) - SHOWN} more" if len(after) > SHOWN else ""
    return [f"    the same requests broke: {', '.join(after[:SHOWN])}{more}"] if after else []


def _failure(rows: Sequence["ClauseRow"], out: Path) -> list[str]:
    first = rows[0]
    routes = ", ".join(route for route in ROUTES if any(row.route == route for row in rows))
    seen = f"{sum(row.violated for row in rows)} of {sum(row.exercised for row in rows)}"
    again, failed = sum(row.sent_again for row in rows), sum(row.failed_again for row in rows)
    repeated = f"; sent again: {failed} of {again} failed" if again else ""
    level = f"waived {first.level}" if first.waived else first.level
    folder = out / (first.capsule or "")
    return [
        f"{level} {first.id} on {routes}: {first.statement}",
        *([f"    waived: {first.waived}"] if first.waived else []),
        f"    {first.evidence[:300]}",
        f"    seen in {seen}{repeated}; why it matters: {first.rationale}",
        f"    reproduce: gateway-harness replay {folder}, or sh {folder / 'curl.sh'}",
        f"    more: gateway-harness explain {first.id}",
    ]


def _brief(row: "ClauseRow") -> dict[str, Any]:
    names = ("id", "level", "route", "result", "evidence", "capsule")
    return {name: getattr(row, name) for name in names}
