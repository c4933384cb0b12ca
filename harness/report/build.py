"""From a run folder to everything that is made of it; the same folder gives the same files.

samples -> frame -> summary -> comparison -> verdict -> json, csv, markdown, html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.measure.objective import RATIO, Objective, parse_objectives
from harness.measure.outcome import Outcome
from harness.report import conformance, files, frame, load_generator, manifest, samples
from harness.report.capacity.level import rows_of
from harness.report.capacity.result import Capacity, of_run, range_of, tried
from harness.report.capacity.search import SearchRange
from harness.report.comparison import AT_EACH_LOOK, MARGIN, compare
from harness.report.frame import Frame
from harness.report.groups import parts
from harness.report.manifest import Command, Manifest
from harness.report.pacing import pacing
from harness.report.quota import quota
from harness.report.ratios import between_routes
from harness.report.records import Records, records
from harness.report.report import Report, Summary, of_load
from harness.report.series import timeline
from harness.report.tally import summarise
from harness.report.thresholds import Checked, Doubts, check, check_stages, good
from harness.report.verdict import Grounds, decide
from harness.report.workers import CalibrationResult, Workers, read_floor, read_workers


def build_report(folder: Path) -> Report:
    """Read a run folder, write every derived file beside the samples, and return what they say."""
    run = manifest.read(folder)
    report = _assembled(folder, run, samples.pack(folder, clocks=run.clocks))
    files.write_report(report)
    return report


def assemble(folder: Path, *, thresholds: Sequence[str] | None = None) -> Report:
    """Read a run folder and judge it, by other objectives if given, without writing anything."""
    run = manifest.read(folder)
    return _assembled(folder, run, samples.read(folder, clocks=run.clocks), thresholds)


def _assembled(
    folder: Path, run: Manifest, found: samples.Samples, thresholds: Sequence[str] | None = None
) -> Report:
    """The report of these samples, without any file that turns out to be broken."""
    try:
        return _judged(folder, run, found, thresholds)
    except samples.UnreadableError as error:
        return _assembled(folder, run, found.without(error), thresholds)


def _judged(
    folder: Path, run: Manifest, found: samples.Samples, thresholds: Sequence[str] | None
) -> Report:
    workers = read_workers(folder)
    kept = _records(folder, run, found, workers)
    rows = kept.rows
    texts = run.thresholds if thresholds is None else thresholds
    wanted = parse_objectives(texts, ratios=True)
    searched = _capacity(run, rows, wanted)
    if searched is not None and searched.best is not None:
        rows, workers = rows_of(rows, searched.best.name), workers.of(searched.best.name)
    cancelled = 0
    if run.interrupted or run.aborted:
        given_up = rows.texts("outcome").among(Outcome.CANCELLED)
        rows, cancelled = rows.where(~given_up), int(given_up.sum())
    tally = summarise(rows, good(wanted), least_s=_held_to_its_end_s(run, workers))
    loaded = of_load(rows, tally.routes_of)
    measured = Summary(
        requests=tally.requests,
        warmup_requests=tally.warmup_requests,
        routes_of=tally.routes_of,
        routes=tally.routes,
        scenarios=tally.scenarios,
        parts=parts(loaded, run.asked, good(wanted)),
        cancelled=cancelled,
        records=kept.counts,
        pacing=pacing(loaded, run.asked),
        quota=quota(loaded, run.asked, workers.reports),
        client=load_generator.describe(workers, loaded, clocks=run.clocks, noise_floor=_floor(run)),
        timeline=timeline(rows, good(wanted)),
    )
    compared = compare(
        rows,
        margin=run.asked.margin or MARGIN,
        looks=run.asked.looks or 1,
        cold=bool(run.asked.cold),
        prices=run.asked.caps,
    )
    contract = conformance.of_run(folder)
    checked: tuple[Checked, ...] = ()
    if searched is None:  # each level of a search is judged by itself
        checked = (
            *_of_latency_and_errors(run, wanted, loaded, measured),
            *(between_routes(each, compared) for each in wanted if each.metric == RATIO),
        )
    decision = decide(Grounds(run, measured, compared, contract, checked, kept, searched))
    return Report(
        folder, run, decision, measured, compared, contract, checked, found.files, rows, searched
    )


def _of_latency_and_errors(
    run: Manifest, wanted: Sequence[Objective], loaded: Frame, measured: Summary
) -> Iterator[Checked]:
    """The objectives on single routes, over the whole load and in each of its stages."""
    plain = [each for each in wanted if each.metric != RATIO]
    asked = run.asked
    in_flight = asked.in_flight if asked.rate else None
    yield from check(
        plain,
        loaded,
        measured.routes,
        command=run.command,
        doubts=Doubts.of(
            measured.routes,
            pacing=measured.pacing,
            noise_floor=measured.client.noise_floor,
            paced=measured.quota,
            in_flight=in_flight,
        ),
        confidence=1 - AT_EACH_LOOK[asked.extend or 1],
    )
    yield from check_stages(
        plain,
        loaded,
        asked,
        command=run.command,
        noise_floor=measured.client.noise_floor,
        in_flight=in_flight,
    )


def _records(folder: Path, run: Manifest, found: samples.Samples, workers: Workers) -> Records:
    said = [worker.records for worker in workers.reports]
    expected = run.facts.get("expected_records", sum(said) if said else None)
    return records(
        frame.frame(found),
        folder,
        run_id=run.run_id,
        workers=workers,
        files=found.files,
        expected=expected if isinstance(expected, int) else None,
        going_on=run.going_on,
    )


def _capacity(run: Manifest, rows: Frame, wanted: Sequence[Objective]) -> Capacity | None:
    """The search for the capacity that a run was; None where it was none."""
    if run.command != Command.CAPACITY:
        return None
    return of_run(
        rows,
        _search(run),
        tried(run.facts.get("tried")),
        wanted,
        noise_floor=_floor(run),
        ended=run.facts.get("ended_early"),
    )


def _search(run: Manifest) -> SearchRange:
    """Where a capacity was searched."""
    if run.asked.search is None:
        raise UsageError(f"run.json: plan: expected search in the run {run.run_id} of capacity")
    return range_of(run.asked.search)


def _floor(run: Manifest) -> CalibrationResult | None:
    """What a calibration found that no worker tells of."""
    return read_floor(run.facts.get("noise_floor"), "run.json: noise_floor")


def _held_to_its_end_s(run: Manifest, workers: Workers) -> float:
    """How long a load lasted whose last requests a quota never let leave; 0 of any other."""
    never = any(each.never_sent for each in workers.reports)
    cut = run.interrupted or run.aborted or run.exhausted
    return float(run.asked.duration_s or 0.0) if never and not cut else 0.0
