"""Some requests of a run, one row for each, and the metrics of each as arrays.

The metrics are those of `harness.measure`, written over whole columns: milliseconds, NaN where a
moment did not happen. Beside each stands the least and the most that it can have been, by how
uncertain the client says its times are. A failed request has no latency here; it is counted in the
rates instead.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from harness.measure.columns import COLUMNS, MOST_GAPS
from harness.measure.metrics import METRICS, SCHEDULED
from harness.measure.odd import Odd
from harness.measure.outcome import Outcome, own_outcomes
from harness.report.arrays import NULL, Codes, Floats, Indices, Ints, Mask, as_floats, constant
from harness.report.columns import DUE, Columns, Marks, Texts, before
from harness.report.gaps import guessed
from harness.report.ordered import Ascending, Ranked
from harness.report.pooled import Pooled, Streams
from harness.report.quantile import worth
from harness.report.samples import MOMENTS, Samples, of_table

MS = 1e6
LOW, HIGH = "_low", "_high"
"""What the columns of a metric's least and most end with."""


class Frame:
    """Rows of a run in the order in which the requests were sent or, unsent, were due.

    What it hands out is in that order, and read-only where it is the whole column of a run.
    """

    __slots__ = ("_columns", "_places")

    def __init__(self, columns: Columns, places: Codes | None = None) -> None:
        self._columns, self._places = columns, places

    def __len__(self) -> int:
        return len(self._columns) if self._places is None else len(self._places)

    @property
    def columns(self) -> Columns:
        """The columns of the run that these rows are of."""
        return self._columns

    @property
    def places(self) -> Codes:
        """Which rows of the run these are."""
        if self._places is None:
            return np.arange(len(self._columns), dtype=np.int32)
        return self._places

    def where(self, chosen: Mask) -> "Frame":
        """Some of the rows."""
        if chosen.all():
            return self
        if self._places is None:
            return Frame(self._columns, np.flatnonzero(chosen).astype(np.int32))
        return Frame(self._columns, self._places[chosen])

    def by(self, name: str) -> dict[str, "Frame"]:
        """The rows for each text of a column that occurs."""
        texts = self.texts(name)
        return {each: self.where(texts.among(each)) for each in texts.present}

    def ints(self, name: str) -> Ints:
        """A column of whole numbers, `NULL` where there is none; `begun_ns` is one too."""
        begun: Ints = self._of(self._columns.begun)
        if name == "begun_ns":
            return begun
        packed = self._columns.packed(name)
        if name not in MOMENTS:
            return packed.wide(self._places)
        return before(packed.wide(self._places), begun, name)

    def after(self, name: str) -> Ints:
        """How long after its begin each request had a moment, in nanoseconds."""
        found = self._columns.packed(name).wide(self._places)
        return np.where(found == NULL, found, -found) if name == DUE else found

    def since(self, name: str) -> Floats:
        """The same as floats, NaN for a moment that did not happen."""
        found = self._columns.packed(name).floats(self._places)
        return np.negative(found, out=found) if name == DUE else found

    def numbers(self, name: str, *, nothing: float = np.nan) -> Floats:
        """A column of whole numbers, and of no moments, as floats."""
        return self._columns.packed(name).floats(self._places, nothing=nothing)

    def floats(self, name: str) -> Floats:
        """A column of numbers as floats, NaN where there is none."""
        if COLUMNS[name] != "float64":
            return as_floats(self.ints(name))
        found: Floats = self._of(self._columns.floats(name))
        return found

    def known(self, name: str) -> Mask:
        """Whether each row has a number in a column."""
        if name == "begun_ns":
            found: Mask = self.ints(name) != NULL
            return found
        return self._columns.packed(name).known(self._places)

    def flags(self, name: str) -> Mask:
        """A column of yes and no; what nobody knows is no."""
        found: Mask = self._of(self._columns.flags(name)) == 1
        return found

    def told(self, name: str) -> Mask:
        """Whether a column says yes or no of each row."""
        found: Mask = self._of(self._columns.flags(name)) >= 0
        return found

    def texts(self, name: str) -> Texts:
        """A column of few texts."""
        texts = self._columns.texts(name)
        return Texts(self._of(texts.codes), texts.names)

    def marks(self, name: str) -> Marks:
        """A column of lists of few texts."""
        marks = self._columns.marks(name)
        if self._places is None:
            return marks
        at = np.searchsorted(self._places, marks.owner)
        at[at == len(self._places)] = 0
        ours = self._places[at] == marks.owner if len(self._places) else np.zeros(0, dtype=bool)
        texts = Texts(marks.texts.codes[ours], marks.texts.names)
        return Marks(at[ours], texts, marks.known[self._places])

    @property
    def ok(self) -> Mask:
        """Which requests succeeded."""
        return self.texts("outcome").among(Outcome.OK)

    @property
    def own(self) -> Mask:
        """What the client did itself."""
        return self.texts("outcome").among(*own_outcomes(interrupted=False))

    @property
    def failed(self) -> Mask:
        """What the target did."""
        return ~self.texts("outcome").among(Outcome.OK, *own_outcomes(interrupted=False))

    @property
    def streaming(self) -> Mask:
        """Whether the first output of each has a time of its own: in a run that asks for streams
        and for whole answers the latter have none, elsewhere all count.
        """
        if {0, 1} <= self._columns.told("stream"):
            found: Mask = self._of(self._columns.flags("stream")) != 0
            return found
        return np.ones(len(self), dtype=bool)

    @property
    def broken(self) -> Indices:
        """How many violations each answer has; older files count `no_done`, which is only odd."""
        marks = violations(self)
        return np.bincount(marks.owner, minlength=len(self))

    def _of(self, column: Any) -> Any:
        if self._places is None:
            return column
        if constant(column):
            return np.broadcast_to(column[:1], len(self))
        return column[self._places]


def frame(found: pa.Table | Samples) -> Frame:
    """All rows of samples, or of a table of them."""
    return Frame(Columns(of_table(found) if isinstance(found, pa.Table) else found))


def steady(rows: Frame) -> Frame:
    """The rows that count: all but the warm-up."""
    return rows.where(~rows.texts("phase").among("warmup"))


def of_route(rows: Frame, route: str) -> Frame:
    """The rows of one route."""
    return rows.where(rows.texts("route").among(route))


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one metric in milliseconds, and the least and the most that each can have been.

    They are in the order of sending. `owner` says which request each is of, by its place in that
    order, for a metric that one request has many of; those values keep together.
    """

    data: Floats
    low: Floats
    high: Floats
    owner: Indices | None = None

    def __len__(self) -> int:
        return len(self.data)

    @property
    def of(self) -> Indices | None:
        """Whose each value is, for `interval.mean`."""
        return self.owner

    @property
    def exact(self) -> bool:
        """Whether none has bounds but itself."""
        return self.low is self.high or np.array_equal(self.low, self.high)

    @property
    def endless(self) -> int:
        """How many have no end."""
        return int(np.isinf(self.data).sum())

    def ordered(self) -> tuple[Ranked, Ranked, Ranked]:
        """The values, and what they are at least and at most, each sorted by itself."""
        data = np.sort(self.data)
        low, high = (
            data if column is self.data else np.sort(column) for column in (self.low, self.high)
        )
        return data, low, high

    def worth(self, value: float) -> float:
        """How many independent values they are worth, for the percentile that is `value`."""
        return worth(self.data, value, self.owner)


def values(rows: Frame, metric: str, *, failures: bool = False) -> Values | Pooled:
    """The values of one metric over the requests that succeeded.

    With `failures` also one without end for each that the target failed: it took longer than
    anything that was measured.
    """
    rows = counted(rows, metric, failures=failures)
    failed = rows.failed if failures else np.zeros(len(rows), dtype=bool)
    if METRICS[metric].many:
        return _gaps(rows.where(~failed), failed)
    found = latency(rows, metric)
    if failed.any():
        found = _each(found, lambda column: np.where(failed, np.inf, column))
    known = ~np.isnan(found.data)
    return found if known.all() else _each(found, lambda column: column[known])


def of_first_output(metric: str) -> bool:
    """Whether a metric is about the first output, which a whole answer has with all others."""
    return metric.removesuffix(SCHEDULED) in ("ttft", "ttfo")


def ascending(rows: Frame, metric: str) -> Ascending:
    """The same values over the requests that succeeded, sorted, and not what they can have been."""
    rows = counted(rows, metric)
    if METRICS[metric].many:
        return Ascending(np.sort(rows.columns.gaps().of(rows.places)))
    found = latency(rows, metric).data
    return Ascending(np.sort(found[~np.isnan(found)]))


def counted(rows: Frame, metric: str, *, failures: bool = False) -> Frame:
    """The rows that a metric is of: those that succeeded, with `failures` those that failed too."""
    rows = rows.where(rows.ok | rows.failed if failures else rows.ok)
    if of_first_output(metric):
        rows = rows.where(rows.streaming)
    return rows.where(rows.known("scheduled_ns")) if METRICS[metric].scheduled else rows


def latency(rows: Frame, metric: str) -> Values:
    """A metric of every row that has at most one; NaN where it is not defined."""
    of = METRICS[metric]
    if of.start is None or of.stop is None:
        return _tpot(rows)
    found = elapsed(rows, of.start, of.stop)
    if of_first_output(metric):
        found[~rows.streaming] = np.nan
    below = [blur for name in (of.stop, of.start) if (blur := _blur(rows, name)) is not None]
    return Values(found, _least(found, *below) if below else found, found)


def bound(rows: Frame, metric: str, end: str) -> Floats:
    """A metric of every row, or what it can have been: `end` is "", `LOW` or `HIGH`."""
    found = latency(rows, metric)
    return {"": found.data, LOW: found.low, HIGH: found.high}[end]


def elapsed(rows: Frame, start: str, stop: str) -> Floats:
    """Milliseconds from one moment to another; NaN where one of them did not happen."""
    found = rows.since(stop)
    if not rows.columns.packed(start).zero:
        found -= rows.since(start)
    found /= MS
    return found


def named(rows: Frame, kind: str) -> Mask:
    """Whether each answer is odd in this way; older files say so among the violations."""
    found = np.zeros(len(rows), dtype=bool)
    for column in ("odd", "violations"):
        marks = rows.marks(column)
        found[marks.owner[marks.texts.among(kind)]] = True
    return found


def violations(rows: Frame) -> Marks:
    """The clauses that answers broke; what is only odd is none."""
    marks = rows.marks("violations")
    return marks.where(~marks.texts.among(*Odd))


def weights(rows: Frame) -> Floats:
    """How many answers each row stands for where clauses are counted (Horvitz and Thompson, JASA
    47, 1952): one that was drawn for a check with a known chance for all that could have been.

    Rows of a run that knows of no checks stand for themselves.
    """
    if not rows.told("checked").any():
        return np.ones(len(rows))
    shares = np.nan_to_num(rows.floats("check_share"), nan=1.0)
    return np.where(rows.flags("checked"), 1.0 / shares, 0.0)


def whole(weights: Floats) -> float:
    """The sum of weights, correctly rounded; most are 0."""
    return math.fsum(weights[weights != 0])


def _tpot(rows: Frame) -> Values:
    tokens, chunks = rows.ints("completion_tokens"), rows.ints("output_chunks")
    steps = np.where((tokens > 1) & (chunks > 1), tokens - 1, np.nan)
    found = elapsed(rows, "first_output_ns", "last_output_ns") / steps
    low = high = found
    if (last := _blur(rows, "last_output_ns")) is not None:
        low = _least(found, last / steps)
    if (first := _blur(rows, "first_output_ns")) is not None:
        high = found + first / steps
    return Values(found, low, high)


def _least(found: Floats, *below: Floats) -> Floats:
    """The least of a metric; no time is less than nothing."""
    least: Floats = np.subtract(found, below[0] if len(below) == 1 else below[0] + below[1])
    np.maximum(least, 0.0, out=least)
    return np.minimum(least, found, out=least)


def _blur(rows: Frame, moment: str) -> Floats | None:
    """How uncertain a moment is, in milliseconds, 0 where nothing says so; None if always exact."""
    if moment == "scheduled_ns":
        return None
    name = f"{moment.removesuffix('_ns').replace('sent', 'send')}_blur_ns"
    if rows.columns.packed(name).nothing:
        return None
    blur = rows.numbers(name, nothing=0.0)
    blur /= MS
    return blur


def _gaps(rows: Frame, failed: Mask) -> Values | Pooled:
    """All gaps of some streams, and one without end for each request that failed."""
    gaps, places = rows.columns.gaps(), rows.places
    of = Streams(gaps.lengths[places], failed)
    bounds = (gaps.changes(bounds, places) for bounds in (gaps.low, gaps.high))
    found = Pooled(gaps.of(places), of, *bounds)
    unstated = ~rows.known("blur_ns")
    return _guessed(rows, found, unstated) if unstated.any() else found


def _guessed(rows: Frame, found: Pooled, unstated: Mask) -> Values:
    """The gaps with bounds where the file has none."""
    stated, owner = replace(found, of=Streams(found.of.lengths, unstated & False)), found.owner
    of = np.repeat(np.arange(len(rows)), found.of.lengths)
    first_ms = np.nan_to_num(elapsed(rows, "sent_ns", "first_output_ns"))
    sketched = rows.ints("output_chunks") > MOST_GAPS + 1
    least, most = guessed(stated.data, of, first_ms=first_ms, sketched=sketched)
    low = np.minimum(np.where(unstated[of], least, stated.low), stated.data)
    high = np.maximum(np.where(unstated[of], most, stated.high), stated.data)
    endless = np.full(found.endless, np.inf)
    data, low, high = (np.concatenate([each, endless]) for each in (stated.data, low, high))
    return Values(data, low, high, owner)


def _each(found: Values, change: Callable[[Floats], Floats]) -> Values:
    """The values with a change to each column; what was one column stays one."""
    data = change(found.data)
    low, high = (
        data if column is found.data else change(column) for column in (found.low, found.high)
    )
    return Values(data, low, high)
