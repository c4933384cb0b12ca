"""Whether the records add up: every request that was sent is there, once, and nothing else is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.report.frame import Frame
from harness.report.repeats import repeated
from harness.report.samples import SampleFile
from harness.report.workers import FOLDER, Workers

COUNT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Shares:
    """What one worker says that it sent, and how much of it is recorded; `sent` is None unsaid."""

    worker: str
    sent: int | None
    recorded: int
    closed: bool

    @property
    def missing(self) -> int | None:
        """Requests that were sent and are not recorded; negative where more are."""
        return None if self.sent is None else self.sent - self.recorded

    def document(self) -> dict[str, Any]:
        """One entry of `records.workers` in `summary.json`."""
        return {"sent": self.sent, "recorded": self.recorded, "closed": self.closed}


@dataclass(frozen=True, slots=True)
class Recorded:
    """The numbers of `Records`: what was recorded of what the senders counted, and what else."""

    recorded: int
    expected: int | None
    foreign: Mapping[str, int]
    repeated: int
    workers: Mapping[str, Shares]


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of a run that count, and what is wrong with its records.

    `foreign` counts rows by the run they are of, `repeated` those that are there twice; neither is
    among the rows. `going_on` says that its workers may be at work still.
    """

    rows: Frame
    foreign: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    expected: int | None = None
    shares: tuple[Shares, ...] = ()
    losses: tuple[str, ...] = ()
    going_on: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each thing that does not add up."""
        return tuple(_problems(self))

    @property
    def counts(self) -> Recorded:
        """The same in numbers, without the rows."""
        return Recorded(
            recorded=len(self.rows),
            expected=self.expected,
            foreign=dict(self.foreign),
            repeated=self.repeated,
            workers={each.worker: each for each in self.shares},
        )


def records(
    rows: Frame,
    folder: Path,
    *,
    run_id: str,
    workers: Workers,
    files: Sequence[SampleFile],
    expected: int | None,
    going_on: bool = False,
) -> Records:
    """Take apart what the files of a run hold."""
    of_run = rows.texts("run_id")
    foreign = of_run.among(*(name for name in of_run.names if name != run_id))
    own = rows.where(~foreign)
    twice = repeated(own)
    kept = own.where(~twice)
    shares = tuple(_shares(kept, folder, workers))
    told = {each.worker for each in shares if each.missing and not each.closed}
    losses = tuple(
        f"{each.name}: {each.loss}" for each in files if each.loss and _stem(each) not in told
    )
    counts = rows.where(foreign).texts("run_id").counts if foreign.any() else {}
    return Records(kept, counts, int(twice.sum()), expected, shares, losses, going_on)


def _stem(file: SampleFile) -> str:
    return file.name.rpartition(".")[0]


def _shares(rows: Frame, folder: Path, workers: Workers) -> Iterator[Shares]:
    """Each worker that left a report or a count: a count survives what a report does not."""
    recorded = rows.where(rows.known("sent_ns")).texts("worker").counts
    said = {one.worker: one for one in workers.reports}
    counted = {path.stem: _count(path) for path in (folder / FOLDER).glob("*.sent")}
    for name in sorted({*said, *counted}):
        report = said.get(name)
        closed = report is not None and report.closed
        sent = counted.get(name)
        if sent is None and report is not None and closed:  # an open one is older than its records
            sent = report.sent
        yield Shares(name, sent, recorded.get(name, 0), closed)


def _count(path: Path) -> int | None:
    """How many requests a worker had begun to send, as it wrote before each."""
    content = path.read_bytes()[:COUNT_BYTES]
    return int.from_bytes(content, "little") if len(content) == COUNT_BYTES else None


def _problems(found: Records) -> Iterator[str]:
    for run_id, count in found.foreign.items():
        yield f"{_rows(count)} of another run ({run_id}) among the samples, left out of all figures"
    if found.repeated:
        yield f"{_rows(found.repeated)} there twice (same worker and number, or same event id)"
    yield from (text for each in found.shares for text in _of_worker(each, found))
    yield from (f"records are missing: {loss}" for loss in found.losses)
    if found.expected is None or any(each.missing for each in found.shares):
        return
    ended, recorded = f"{found.expected:,} requests ended", len(found.rows)
    if recorded < found.expected:
        yield f"records are missing: {ended}, {recorded:,} are recorded"
    elif recorded > found.expected and all(each.closed for each in found.shares):
        yield f"more is recorded than was sent: {ended}, {recorded:,} are recorded"


def _of_worker(each: Shares, found: Records) -> Iterator[str]:
    name, lost = f"worker {each.worker}", each.missing
    if not each.closed:
        name += " is still at work" if found.going_on else " was killed"
    if lost is None:
        if not each.closed:
            yield f"{name}: how many of its requests are not recorded is not known"
    elif lost < 0:
        yield f"{name}: {-lost:,} more requests are recorded than the {each.sent:,} it sent"
    elif lost:
        yield f"{name}: {lost:,} of {each.sent:,} requests that it sent are not recorded"
    elif not each.closed:
        yield f"{name}: all {each.sent:,} requests that it sent are recorded"


def _rows(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
