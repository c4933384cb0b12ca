"""One verdict from all that a run left: pass, fail, or unknown, each with its reasons.

Unknown is never green. A contract that was seen broken stays broken whatever else happened; an
objective that was missed counts only when the numbers can be trusted.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.contract.clause import Result
from harness.errors import EXIT_CODES, TransportError, TransportKind
from harness.measure.objective import RATIO, parse_objective
from harness.measure.odd import Odd
from harness.measure.outcome import Outcome
from harness.measure.validity import stood_still
from harness.report import figures, quota, sentences
from harness.report.capacity.result import Capacity
from harness.report.comparison import Comparison
from harness.report.conformance import Conformance, ContractWord
from harness.report.manifest import LOADING, Command, Manifest
from harness.report.records import Records
from harness.report.report import Counts, Routes, RouteSummary, Summary
from harness.report.sentences import one_line
from harness.report.thresholds import Checked, CheckResult


class Weight(StrEnum):
    """What a finding does to the verdict, strongest first."""

    BROKEN = "broken"
    """The contract is violated: fail."""
    UNJUDGED = "unjudged"
    """The target never answered usefully: unknown."""
    INVALID = "invalid"
    """The numbers cannot be trusted: unknown, also where an objective was missed."""
    MISSED = "missed"
    """An objective is missed: fail."""
    INTERRUPTED = "interrupted"
    """The run is not whole: unknown, unless an objective was missed already."""
    OPEN = "open"
    """Something that was asked has no answer: unknown."""
    REMARK = "remark"
    """Worth knowing; changes nothing."""


LONGEST_SENTENCE = 600
LEAST_OUTPUTS = 4
WHOLE = (
    "nothing of a stream was measured there: `verify` finds what holds streams back, and "
    "--no-stream measures whole answers"
)
WORTHLESS = (Weight.UNJUDGED, Weight.INVALID)
FOLLOWS = (Weight.MISSED, Weight.OPEN)
"""What says nothing more where the target never answered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the verdict rests on, as a sentence."""

    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`pass`, `fail` or `unknown`; `reasons` decided it, `remarks` say what they do not.

    `worthless` are the reasons for which no number of the run can be trusted.
    """

    verdict: str
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    worthless: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 unknown."""
        return EXIT_CODES[self.verdict]


@dataclass(frozen=True, slots=True)
class Grounds:
    """All that the verdict is decided from."""

    manifest: Manifest
    summary: Summary
    comparison: Comparison
    conformance: Conformance | None
    checked: Sequence[Checked]
    records: Records
    capacity: Capacity | None = None


def decide(evidence: Grounds) -> Verdict:
    """Weigh every finding; with none against it, a run that had something to show passes."""
    findings = [finding for source in SOURCES for finding in source(evidence)]
    if any(finding.weight is Weight.UNJUDGED for finding in findings):
        findings = [finding for finding in findings if finding.weight not in FOLLOWS]
    decisive = [finding for finding in findings if finding.weight is not Weight.REMARK]
    order = list(Weight)
    decisive.sort(key=lambda finding: order.index(finding.weight))
    reasons = tuple(dict.fromkeys(map(_told, decisive)))
    told = (_told(finding) for finding in findings if finding.weight is Weight.REMARK)
    remarks = tuple(each for each in told if not any(each in reason for reason in reasons))
    if not decisive:
        return Verdict("pass", (), remarks)
    failed = decisive[0].weight in (Weight.BROKEN, Weight.MISSED)
    worthless = tuple(_told(finding) for finding in decisive if finding.weight in WORTHLESS)
    return Verdict("fail" if failed else "unknown", reasons, remarks, worthless)


def _told(finding: Finding) -> str:
    """The sentence, in which a target may have had a word: one line that nothing obeys."""
    return one_line(finding.text, most=LONGEST_SENTENCE)


def _contract(evidence: Grounds) -> Iterator[Finding]:
    contract = evidence.conformance
    if contract is None:
        if evidence.manifest.command == Command.VERIFY:
            yield Finding(Weight.OPEN, "the contract was not checked: conformance.json is missing")
        return
    if contract.verdict == ContractWord.INCOMPATIBLE:
        yield Finding(Weight.BROKEN, f"the contract is broken: {contract.named(Result.FAIL)}")
    elif contract.verdict == ContractWord.WITH_WAIVERS:
        yield Finding(Weight.REMARK, f"waived: {contract.named(Result.WAIVED)}")
    elif contract.verdict != ContractWord.COMPATIBLE:
        missing = "; ".join(contract.reasons) or contract.named(Result.NOT_EXERCISED)
        yield Finding(Weight.OPEN, f"the contract could not be judged: {missing}")


def _target(evidence: Grounds) -> Iterator[Finding]:
    """Whether anything was recorded, and any of it succeeded."""
    if evidence.manifest.command not in LOADING:
        return
    routes = evidence.summary.routes
    if not evidence.summary.requests:
        warm = " outside the warm-up" if len(evidence.records.rows) else ""
        cap = evidence.manifest.exhausted
        why = f": {cap}; raise it, or shorten --warmup" if cap else _kept_back(evidence)
        yield Finding(Weight.UNJUDGED, f"no request was recorded{warm}{why}")
    elif not any(route.counts.ok for route in routes.values()):
        classes = _merged(_failures(route.counts) for route in routes.values())
        failed = blame(classes, evidence.summary.client.failed_layers)
        said = f"every request failed on every route: {failed}{_said(routes)}"
        yield Finding(Weight.UNJUDGED, said)
    else:
        for name, route in routes.items():
            if not route.counts.ok:
                failed = blame(_failures(route.counts)) + _said({name: route})
                yield Finding(Weight.OPEN, f"every request failed on {name}: {failed}")


def _kept_back(evidence: Grounds) -> str:
    """Why nothing left, where a quota did not let it."""
    found = evidence.summary.quota
    return f": {quota.paced(found)}" if found and found.never_sent else ""


def _failures(counts: Counts) -> dict[str, int]:
    """Whatever was not a good answer, whoever did it."""
    return {**counts.error_classes, **counts.own}


def _said(routes: Routes) -> str:
    """The commonest message of a failure."""
    examples = [
        message
        for route in routes.values()
        for told in route.counts.error_examples.values()
        for message in told
    ]
    return f": {examples[0]}" if examples else ""


def _merged(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total


def blame(classes: Mapping[str, int], layers: Mapping[str, int] | None = None) -> str:
    """The error classes, commonest first, each with the layer that failed where it is known.

    `layers` are those that the workers blamed; a single one is surer than what a class tells.
    """
    ranked = sorted(classes.items(), key=lambda item: -item[1])
    only = next(iter(layers)) if layers and len(layers) == 1 else None
    return ", ".join(f"{count:,} x {name} ({only or layer_of(name)})" for name, count in ranked[:4])


LAYERS: Mapping[str, str] = {
    Outcome.DROPPED: "client: due, but never sent",
    Outcome.CLIENT_LIMIT: "client: a limit of its own",
    Outcome.UNAUTHORIZED: "gateway or provider: credentials refused",
    Outcome.RATE_LIMITED: "gateway or provider: rate limit",
    Outcome.OVERLOADED: "provider: no capacity",
    Outcome.REDIRECTED: "edge",
    Outcome.HTTP_5XX: "gateway or provider",
    Outcome.HTTP_4XX: "gateway or provider: request refused",
    Outcome.IN_STREAM_ERROR: "provider",
    Outcome.INCOMPLETE_STREAM: "provider",
}


def layer_of(outcome: str) -> str:
    """Who is to blame for an error class, as far as the class alone can say."""
    if outcome in LAYERS:
        return LAYERS[outcome]
    if outcome in TransportKind.__members__.values():
        return str(TransportError(TransportKind(outcome), "").layer)
    return "edge, gateway or provider"


def _objectives(evidence: Grounds) -> Iterator[Finding]:
    """One finding per result, stage and what was measured, naming the objectives and the routes."""
    weights = {
        CheckResult.MISSED: Weight.MISSED,
        CheckResult.UNKNOWN: Weight.OPEN,
        CheckResult.CLOSE: Weight.REMARK,
    }
    for result, weight in weights.items():
        found = [each for each in evidence.checked if each.result is result]
        told: dict[tuple[int | None, str], list[str]] = {}
        for stage, objective in dict.fromkeys((each.stage, each.told) for each in found):
            measured = _measured([each for each in found if each.told == objective])
            told.setdefault((stage, measured), []).append(objective)
        for (_, measured), names in told.items():
            yield Finding(weight, f"{', '.join(names)} {result.clause} on {measured}")


def _measured(found: Sequence[Checked]) -> str:
    """Routes with what was measured; those with the same stand together."""
    routes: dict[str, list[str]] = {}
    for each in found:
        routes.setdefault(each.measured, []).append(each.route)
    return "; ".join(f"{', '.join(names)}: {measured}" for measured, names in routes.items())


def _course(evidence: Grounds) -> Iterator[Finding]:
    """How the run itself went."""
    manifest = evidence.manifest
    if manifest.interrupted:
        yield Finding(Weight.INTERRUPTED, "the run was interrupted: the rest was not measured")
    if manifest.aborted:
        yield Finding(Weight.MISSED, f"the run was stopped by --abort: {manifest.aborted}")
    if manifest.exhausted:
        ended = f"the load ended early, its budget was used up: {manifest.exhausted}"
        yield Finding(Weight.REMARK, ended)
    yield from (Finding(Weight.INVALID, problem) for problem in manifest.problems)
    yield from (Finding(Weight.REMARK, note) for note in manifest.notes)


def _records(evidence: Grounds) -> Iterator[Finding]:
    """Whether every request that was sent is in the samples, once, and nothing else is."""
    for problem in evidence.records.problems:
        yield Finding(Weight.INVALID, problem)
    for name in evidence.summary.client.unreadable:
        told = f"workers/{name} cannot be read: what that worker says of itself is not known"
        yield Finding(Weight.INVALID, told)


def _client(evidence: Grounds) -> Iterator[Finding]:
    """What the client did to the load, and when it did not run."""
    for paused in evidence.summary.client.pauses:
        told = sentences.paused(paused)
        if stood_still(paused.time_share, math.fsum(paused.lengths_ms)):
            share = figures.share(paused.time_share)
            told = f"{told}; for {share} of its time it was not the load that was asked for"
            yield Finding(Weight.OPEN, told)
        else:
            yield Finding(Weight.REMARK, told)
    pacing = evidence.summary.pacing
    if pacing and pacing.rate_off:
        yield Finding(Weight.INVALID, pacing.rate_off)
    elif pacing and pacing.late:
        yield Finding(Weight.REMARK, pacing.late)
    for name, route in evidence.summary.routes.items():
        own = {kind: count for kind, count in route.counts.own.items() if kind != Outcome.DROPPED}
        if own:
            told = f"{blame(own)} on {name}: of the client, not counted as errors of the target"
            yield Finding(Weight.REMARK, told)


def _quota(evidence: Grounds) -> Iterator[Finding]:
    """What a quota refused, which is no sign of saturation, and what was done to keep below it."""
    found = evidence.summary.quota
    told = [quota.paced(found), *quota.refusals(evidence.summary.routes, respected=bool(found))]
    yield from (Finding(Weight.REMARK, each) for each in told if each is not None)


def _capacity(evidence: Grounds) -> Iterator[Finding]:
    """Whether the edge was found, and lies where it is needed."""
    found = evidence.capacity
    if found is None:
        return
    weights = {"fail": Weight.MISSED, "unknown": Weight.OPEN}
    if found.verdict in weights:
        target = found.within.target
        needed = "" if target is None else f"{figures.digits(target)}{found.unit} are needed; "
        yield Finding(weights[found.verdict], f"{needed}{found.sentence}")
    if found.ended:
        yield Finding(Weight.OPEN, f"the search ended before its edge was found: {found.ended}")


def _odd(evidence: Grounds) -> Iterator[Finding]:
    """What was odd about the answers, with its share; whether streams were any at all."""
    typed = {each.objective for each in evidence.checked if not each.by_default}
    judged = {parse_objective(text, also=(RATIO,)).metric for text in typed}
    for name, route in evidence.summary.routes.items():
        held_back = set(_held_back(route, evidence.manifest.asked.stream_share or 1.0))
        for kind, told in sentences.odd(name, route):
            if kind in held_back and kind not in judged:
                yield Finding(Weight.OPEN, f"{told}; {WHOLE}")
            else:
                yield Finding(Weight.REMARK, told)


def _held_back(route: RouteSummary, asked: float) -> Iterator[str]:
    """Why most of the streams of a route, a share of all its requests, say nothing of streams.

    A few tokens that came together were not held back.
    """
    outputs = (route.tokens.output_chunks or 0) / max(route.counts.ok, 1)
    for kind, least in ((Odd.ONE_PIECE, LEAST_OUTPUTS), (Odd.NOT_STREAMED, 0)):
        if (route.odd.counts[kind] or 0) > route.counts.ok * asked / 2 and outputs >= least:
            yield kind


def _comparison(evidence: Grounds) -> Iterator[Finding]:
    compared, asked = evidence.comparison, evidence.manifest.command == Command.COMPARE
    if not compared.conclusive and (asked or compared.pairs):
        told = compared.still_open or "there are no pairs"
        weight = Weight.OPEN if asked else Weight.REMARK
        yield Finding(weight, f"the comparison is inconclusive: {told}")


SOURCES = (
    _contract,
    _target,
    _objectives,
    _course,
    _records,
    _client,
    _quota,
    _odd,
    _comparison,
    _capacity,
)
