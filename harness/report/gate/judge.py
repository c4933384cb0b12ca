"""One verdict for a launch: every objective against the run that is evidence for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.contract.clause import Result
from harness.errors import EXIT_CODES
from harness.measure.objective import RATIO, Objective, parse_objective
from harness.report import sentences
from harness.report.conformance import Conformance, ContractWord
from harness.report.gate import evidence
from harness.report.gate.evidence import RunEvidence
from harness.report.gate.wanted import COMPATIBLE, Requirement, RunKind, Wanted
from harness.report.manifest import Command
from harness.report.quantile import Estimate
from harness.report.ratios import ALL, answered, between_routes, unknown
from harness.report.report import Report
from harness.report.thresholds import DEFAULT_ERRORS, Checked, CheckResult

SCHEMA_VERSION = 1
CONTRACT: Mapping[str, CheckResult] = {
    ContractWord.COMPATIBLE: CheckResult.MET,
    ContractWord.WITH_WAIVERS: CheckResult.MET,
    ContractWord.INCOMPATIBLE: CheckResult.MISSED,
}
"""What the verdict on a contract means for a launch; any other is unknown."""
NO_RATIO_ALONE = (
    "the comparison inside a run is judged by ratio(...) alone: give a run of compare, or judge it "
    'from = "load"'
)


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """One objective on one route, and the evidence that it was judged by; None without any."""

    asked: Requirement
    checked: Checked
    evidence: RunEvidence | None

    def document(self) -> dict[str, Any]:
        """One entry of `objectives` in `gate.json`."""
        by = self.evidence
        return {
            "objective": self.checked.objective,
            "evidence": self.asked.kind.value,
            "route": self.checked.route,
            "stage": self.checked.stage,
            "result": self.checked.result,
            "measured": self.checked.measured,
            "value": self.checked.value,
            "low": self.checked.low,
            "high": self.checked.high,
            "unit": self.asked.bound.unit,
            "run": by and by.name,
            "age_s": by and by.age_s,
            "machine": by and by.machine,
        }


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict on a launch; `judged` is when it was asked."""

    wanted: Wanted
    rows: tuple[ObjectiveResult, ...]
    evidence: tuple[RunEvidence, ...]
    judged: datetime

    @property
    def verdict(self) -> str:
        """`fail` where any objective is missed, else `unknown` where any is, else `pass`."""
        results = {row.checked.result for row in self.rows}
        worst = (each for each in (CheckResult.MISSED, CheckResult.UNKNOWN) if each in results)
        return next(worst, CheckResult.MET).value

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 unknown."""
        return EXIT_CODES[self.verdict]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each objective that is missed or has no answer; those with one cause stand together."""
        return (*self._told(CheckResult.MISSED), *self._told(CheckResult.UNKNOWN))

    @property
    def notes(self) -> tuple[str, ...]:
        """What changed nothing and is to be known."""
        asked = {each.kind for each in self.wanted.asked}
        unused = [each for each in self.evidence if each.kind not in asked]
        idle = (f"no objective is judged by --{each.kind} {each.name}" for each in unused)
        return (*self._told(CheckResult.CLOSE), *idle)

    @property
    def met(self) -> int:
        """How many rows passed."""
        return sum(row.checked.result is CheckResult.MET for row in self.rows)

    def _told(self, result: CheckResult) -> Iterator[str]:
        causes: dict[str, dict[str, list[str]]] = {}
        for checked in (row.checked for row in self.rows if row.checked.result is result):
            of = causes.setdefault(checked.measured, {})
            of.setdefault(checked.told, []).append(checked.route)
        for measured, objectives in causes.items():
            names = ", ".join(_on(text, routes) for text, routes in objectives.items())
            yield sentences.one_line(f"{names} {result.clause}: {measured}", most=600)

    def document(self) -> dict[str, Any]:
        """The content of `gate.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "judged": self.judged.isoformat(timespec="seconds"),
            "max_age_s": self.wanted.max_age_s,
            "target": self.wanted.target,
            "objectives": [row.document() for row in self.rows],
            "evidence": [each.document() for each in self.evidence],
        }


def judge(wanted: Wanted, folders: Mapping[RunKind, Path], *, now: datetime) -> Gate:
    """Judge a launch by earlier runs; UsageError for a folder that is no such evidence."""
    found = evidence.read(folders, wanted, now=now)
    rows = [row for each in wanted.asked for row in _rows(each, found.get(each.kind))]
    rows += [row for each in found.values() for row in _defaults(each, wanted)]
    return Gate(wanted, tuple(rows), tuple(found.values()), now)


def _on(text: str, routes: list[str]) -> str:
    return text if routes == [ALL] else f"{text} on {', '.join(routes)}"


def _rows(asked: Requirement, found: RunEvidence | None) -> Iterator[ObjectiveResult]:
    if found is None:
        missing = f"no --{asked.kind} RUN was given"
        yield ObjectiveResult(asked, unknown(asked.bound, missing), None)
        return
    for checked in _checked(asked.bound, found):
        yield ObjectiveResult(asked, _weighed(checked, asked.bound, found), found)


def _defaults(found: RunEvidence, wanted: Wanted) -> Iterator[ObjectiveResult]:
    """What a load and a comparison are held to though nobody asked, where it was not kept."""
    if not isinstance(found.says, Report) or _within_a_run(found):
        return
    asked = Requirement(parse_objective(DEFAULT_ERRORS), found.kind)
    texts = {bound.text for bound in wanted.of(found.kind)}
    for checked in found.says.checked:
        if checked.objective not in texts:
            yield ObjectiveResult(asked, _weighed(checked, asked.bound, found), found)


def _checked(bound: Objective, found: RunEvidence) -> Iterator[Checked]:
    """What the evidence says of an objective, whether or not it can be trusted."""
    says = found.says
    if isinstance(says, Conformance):
        yield _contract(says)
    elif isinstance(says, Estimate):
        yield answered(bound, ALL, says)
    elif bound.metric == RATIO:
        yield between_routes(bound, says.comparison)
    elif _within_a_run(found):
        yield unknown(bound, NO_RATIO_ALONE)
    else:
        listed = [each for each in says.checked if each.objective == bound.text]
        yield from listed or [unknown(bound, "nothing was measured")]


def _within_a_run(found: RunEvidence) -> bool:
    """Whether it is the comparison that a run made beside its load, which its report judges."""
    return found.kind is RunKind.COMPARE and found.run.command != Command.COMPARE


def _weighed(checked: Checked, bound: Objective, found: RunEvidence) -> Checked:
    """The same, or unknown where the evidence does not allow an answer."""
    reasons = list(found.doubts_about(bound))
    if checked.result is CheckResult.MET and found.cut_short:
        reasons.append(found.cut_short)
    if not reasons:
        return checked
    return replace(checked, result=CheckResult.UNKNOWN, measured="; ".join(reasons))


def _contract(found: Conformance) -> Checked:
    told = "; ".join(found.reasons) or found.summary or found.verdict
    if found.verdict == ContractWord.WITH_WAIVERS:
        told = f"waived: {found.named(Result.WAIVED)}"
    elif found.verdict == ContractWord.INCOMPATIBLE:
        told = f"broken: {found.named(Result.FAIL)}"
    result = CONTRACT.get(found.verdict, CheckResult.UNKNOWN)
    return Checked(COMPATIBLE.text, ALL, result, told)
