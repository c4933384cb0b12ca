"""Runs against runs: the same routes at different times.

Such runs are not paired, and two of the same thing differ by more than each within itself shows.
From three on, the differences between the runs of a side are what a difference between the sides is
held against; a side with fewer is taken to vary as the other does. With fewer on both sides there
is a verdict only where the whole interval is beyond the margin.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.measure.objective import RATIO, Objective, parse_objective
from harness.report import figures, frame, manifest, samples, sides
from harness.report.arrays import Floats
from harness.report.comparison import METRICS, Comparison, PairedDifference, PairVerdict, judge
from harness.report.documents import document
from harness.report.frame import Frame
from harness.report.manifest import Manifest
from harness.report.measured import of_latency
from harness.report.paired import thinned
from harness.report.quantile import Estimate
from harness.report.ratios import answered, unknown
from harness.report.report import ordered_routes
from harness.report.sides import SEVERAL
from harness.report.tally import load_scenarios
from harness.report.thresholds import Checked, CheckResult

CAVEAT = (
    "the runs were made at different times: a change of the service or of the network between "
    "them looks the same as a change of what is compared"
)
ALIKE = (
    *("name", "routes", "users", "rate", "arrivals", "gamma_shape", "stages", "trace", "speed"),
    *("stream", "prompt_tokens", "max_output_tokens", "prompts", "blocks", "skip_cache"),
    *("prompt_lengths", "output_lengths", "tokenizer", "weights", "stream_share"),
    "respect_rate_limit",
)
"""Settings of a load in which two runs must agree, or what differs is not the service."""
OF_NO_MATTER = ("run_id", "folder", "schema_version", "seed", "thresholds", "abort", "caps")


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the two: its folder's name, its manifest, and the requests of its load."""

    name: str
    manifest: Manifest
    rows: Frame


@dataclass(frozen=True, slots=True)
class Side:
    """The runs of one side, which have one set-up, and their name in few words."""

    name: str
    runs: tuple[ComparedRun, ...]

    @property
    def first(self) -> ComparedRun:
        """The one that the others are like."""
        return self.runs[0]


@dataclass(frozen=True, slots=True)
class SentCounts:
    """What a run sent on one route, and the share of it that came to nothing."""

    requests: int
    error_rate: float


@dataclass(frozen=True, slots=True)
class Described:
    """One run as both sides' list names it."""

    name: str
    run_id: str
    started: str | None
    target: Any
    interrupted: bool
    routes: Mapping[str, SentCounts]


@dataclass(frozen=True, slots=True)
class Runs:
    """Two sides and what was found; `differences` are the settings in which they differ."""

    a: Side
    b: Side
    comparison: Comparison
    differences: Mapping[str, tuple[Any, Any]]
    checked: tuple[Checked, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """Each objective that is missed or has no answer, on its route."""
        return [
            f"{each.objective} {result.clause} on {each.route}: {each.measured}"
            for result in (CheckResult.MISSED, CheckResult.UNKNOWN)
            for each in self.checked
            if each.result is result
        ]

    @property
    def described(self) -> dict[str, Described]:
        """Each run by its place: `a`, `a2`, `b` and so on."""
        return {
            name if not place else f"{name}{place + 1}": _described(run)
            for name, side in (("a", self.a), ("b", self.b))
            for place, run in enumerate(side.runs)
        }

    def document(self) -> dict[str, Any]:
        """The content of `comparison.json`."""
        differences = {name: list(values) for name, values in self.differences.items()}
        return {
            **self.comparison.document(),
            "runs": document(self.described),
            "setup_differences": differences,
            "objectives": document(self.checked),
        }


def compare_runs(
    first: Sequence[Path],
    second: Sequence[Path],
    *,
    margin: float,
    seed: int = 0,
    thresholds: Sequence[str] = (),
) -> Runs:
    """Compare the runs of the second side with those of the first, route by route.

    `thresholds` are objectives on ratios. UsageError when a run or an objective cannot be read, or
    neither side shows how much runs differ, though one has several.
    """
    wanted = _wanted(thresholds)
    if max(len(first), len(second)) > 1 and max(len(first), len(second)) < SEVERAL:
        raise UsageError(
            f"expected one run a side, or {SEVERAL} and more on one: {len(first)} against "
            f"{len(second)} do not show how much runs differ anyhow"
        )
    names = (_name(first), _name(second))
    names = names if names[0] != names[1] else ("A", "B")
    a, b = (_side(paths, name) for paths, name in zip((first, second), names, strict=True))
    differences = _differences(a.first.manifest, b.first.manifest)
    unlike = [each for run in (*a.runs[1:], *b.runs) for each in _unlike(a.first, run)]
    if unlike:
        reason = f"the runs are not alike: {'; '.join(dict.fromkeys(unlike))}"
        checked = tuple(unknown(each, reason) for each in wanted)
        return Runs(a, b, Comparison(margin=margin, reason=reason), differences, checked)
    rng = np.random.default_rng(seed)
    routes = ordered_routes(a.first.rows.texts("route").present)
    pairs = [_pair(a, b, route, metric, rng) for metric in METRICS for route in routes]
    judged = judge(pairs, margin)
    if not _several(a, b):
        judged = (_beyond(pair, margin) for pair in judged)
    checked = tuple(
        _judged(bound, a, b, route, margin)
        for bound in wanted
        for route in routes
        if bound.applies_to({**dict(bound.labels), "route": route})
    )
    return Runs(a, b, Comparison(tuple(judged), margin), differences, checked)


def _several(a: Side, b: Side) -> bool:
    """Whether a side shows how much runs differ anyhow."""
    return max(len(a.runs), len(b.runs)) >= SEVERAL


def _wanted(texts: Sequence[str]) -> tuple[Objective, ...]:
    found = tuple(parse_objective(text, also=(RATIO,)) for text in texts)
    for each in found:
        if not each.of_runs:
            raise UsageError(
                f"objective: {each.text!r} is not on runs against each other; expected one such as "
                "ratio(p95(ttft)) < 1.1"
            )
    return found


def _judged(bound: Objective, a: Side, b: Side, route: str, margin: float) -> Checked:
    """One statistic of the second side over that of the first, on one route.

    Requests that failed took longer than any other. Without several runs on a side the interval is
    as much wider as runs may differ anyhow: by the margin.
    """
    before, after = ([_statistic(bound, run, route) for run in side.runs] for side in (a, b))
    for side, found in ((a, before), (b, after)):
        missing = next((each for each in found if each.value is None or each.value <= 0), None)
        if missing is not None:
            return unknown(bound, f"{side.name}: {missing.reason or 'no time'}", route)
    old, new = (np.log([each.value or math.nan for each in side]) for side in (before, after))
    if _several(a, b):
        shift = sides.welch(old, new)
        half = shift.half(0.95)
        ends = shift.shift, shift.shift - half, shift.shift + half
    else:
        low, high = _apart(before[0], after[0])
        wider = math.log1p(margin)
        ends = float(new[0] - old[0]), low - wider, high + wider
    value, low, high = (math.exp(each) for each in ends)
    result = answered(bound, route, Estimate(value, low, high, count=len(new)))
    if result.result is CheckResult.UNKNOWN:
        told = f"{figures.ratio(value)} ({figures.ratio(low)} to {figures.ratio(high)})"
        return replace(result, measured=f"{told}: more runs would tell")
    return result


def _statistic(bound: Objective, run: ComparedRun, route: str) -> Estimate:
    metric = dict(bound.labels)["metric"]
    return of_latency(bound, metric, frame.of_route(run.rows, route))


def _apart(old: Estimate, new: Estimate) -> tuple[float, float]:
    """The least and the most of the logarithm of two single runs' ratio, each within its own."""
    ends = [old.low, old.high, new.low, new.high]
    if any(end is None or end <= 0 or math.isinf(end) for end in ends):
        return -math.inf, math.inf
    logs = [math.log(end or 1.0) for end in ends]
    return logs[2] - logs[1], logs[3] - logs[0]


def _name(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0].name}{more}"


def _side(paths: Sequence[Path], name: str) -> Side:
    alone = len(paths) == 1
    return Side(name, tuple(_read(path, name if alone else path.name) for path in paths))


def _beyond(pair: PairedDifference, margin: float) -> PairedDifference:
    """The pair with a verdict only where its interval lies beyond the margin whole."""
    effect = pair.effect
    if effect is None or (pair.verdict is PairVerdict.SLOWER and effect.low > 1 + margin):
        return pair
    if pair.verdict is PairVerdict.FASTER and effect.high < 1 / (1 + margin):
        return pair
    reason = (
        "one run a side does not show how much runs differ anyhow: compare three of each "
        "(compare A1,A2,A3 B1,B2,B3)"
    )
    return replace(pair, verdict=PairVerdict.INCONCLUSIVE, reason=reason)


def _unlike(a: ComparedRun, b: ComparedRun) -> list[str]:
    """In what two runs differ that makes their latencies no like for like."""
    changed = _differences(a.manifest, b.manifest)
    told = {name: values for name, values in changed.items() if name in ALIKE}
    facts = {
        "target": (_kind(a.manifest), _kind(b.manifest)),
        "definitions": tuple(run.manifest.facts.get("metrics") for run in (a, b)),
        "routes": tuple(
            ", ".join(ordered_routes(run.rows.texts("route").present)) for run in (a, b)
        ),
    }
    told |= {name: values for name, values in facts.items() if values[0] != values[1]}
    return [
        "other definitions of the metrics"
        if name == "definitions"
        else f"{name} {figures.setting(old)} and {figures.setting(new)}"
        for name, (old, new) in told.items()
    ]


def _kind(manifest: Manifest) -> Any:
    """What kind of target a run had: `local`, `live`, or its name."""
    return manifest.target.get("name") if isinstance(manifest.target, Mapping) else manifest.target


def _read(folder: Path, name: str) -> ComparedRun:
    found = manifest.read(folder)
    rows = frame.steady(frame.frame(samples.read(folder, clocks=found.clocks)))
    of_run = rows.texts("run_id")
    rows = rows.where(~of_run.among(*(each for each in of_run.names if each != found.run_id)))
    rows = rows.where(rows.texts("scenario").among(*load_scenarios(rows)))
    if not len(rows):
        raise UsageError(f"{folder} holds no sample outside the warm-up")
    return ComparedRun(name, found, rows)


def _pair(a: Side, b: Side, route: str, metric: str, rng: np.random.Generator) -> PairedDifference:
    before, after = ([_times(run, route, metric) for run in side.runs] for side in (a, b))
    n = min(len(times) for times in (*before, *after))
    pair = PairedDifference(a.name, b.name, f"{metric}_ms", n, route)
    if n < 2:
        return replace(pair, reason=f"{n} samples in the smallest run")
    old, new = (float(np.median([np.median(each) for each in side])) for side in (before, after))
    several = max(len(before), len(after)) > 1
    effect = sides.between(before, after) if several else sides.of_two(before[0], after[0], rng)
    return replace(pair, a_median_ms=old, b_median_ms=new, effect=effect)


def _times(run: ComparedRun, route: str, metric: str) -> Floats:
    return thinned(frame.values(frame.of_route(run.rows, route), metric).data)


def _differences(a: Manifest, b: Manifest) -> dict[str, tuple[Any, Any]]:
    """Where two runs were not set up alike."""
    before = {**a.plan, "target": a.target, "settings": a.settings, "machine": a.machine}
    after = {**b.plan, "target": b.target, "settings": b.settings, "machine": b.machine}
    return {name: values for name, values in _changed(before, after) if name not in OF_NO_MATTER}


def _changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in dict.fromkeys([*before, *after]):
        values = before.get(name), after.get(name)
        if values[0] != values[1]:
            yield name, values


def _described(run: ComparedRun) -> Described:
    routes = sorted(run.rows.where(~run.rows.own).by("route").items())
    return Described(
        name=run.name,
        run_id=run.manifest.run_id,
        started=run.manifest.clock.get("started"),
        target=run.manifest.target,
        interrupted=run.manifest.interrupted,
        routes={
            route: SentCounts(len(group), 1 - float(group.ok.mean())) for route, group in routes
        },
    )
