"""The columns of a run as numpy arrays, in the order in which its requests were sent.

A column is read from the files when a step asks for it, and kept while there is room, then put
aside: a run of millions of requests is never in memory as a whole. Rows that were never sent stand
where they were due, those without any time at the end.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.measure.columns import COLUMNS
from harness.report import arrays
from harness.report.arrays import NULL, Codes, Floats, Indices, Ints, Mask, constant
from harness.report.aside import Aside, arrays_of
from harness.report.gaps import COLUMNS as OF_GAPS
from harness.report.gaps import Gaps, gathered
from harness.report.packed import Packed, Packer, everywhere
from harness.report.samples import MOMENTS, Samples

ROOM = 160_000_000
"""How many bytes of columns are kept for the next step that asks for them."""
UNNAMED: Mapping[str, str] = {
    "phase": "steady",
    "scenario": "unnamed",
    "route": "unknown",
    "outcome": "unrecorded",
}
"""What a row without a text counts as."""


DUE = "scheduled_ns"
NOTHING: Mapping[int, Any] = {8: np.nan, 1: -1}
"""What an array of so many bytes for each row holds where there is nothing."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of few texts: for each row the place of its text in `names`, -1 for none."""

    codes: Codes
    names: tuple[str, ...]

    def among(self, *texts: str) -> Mask:
        """Which rows have one of these."""
        found = np.zeros(len(self.codes), dtype=bool)
        for place in [place for place, name in enumerate(self.names) if name in texts]:
            found |= self.codes == place
        return found

    @property
    def present(self) -> list[str]:
        """The texts that occur, each once."""
        return [self.names[code] for code in np.unique(self.codes).tolist() if code >= 0]

    @property
    def counts(self) -> dict[str, int]:
        """How often each occurs: commonest first, of equals the one that came first."""
        return {self.names[code]: count for code, count in counted(self.codes) if code >= 0}


def counted(codes: Codes | Ints) -> Iterator[tuple[int, int]]:
    """How often each number occurs: commonest first, of equals the one that came first."""
    each, first, counts = np.unique(codes, return_index=True, return_counts=True)
    for place in np.lexsort((first, -counts)):
        yield int(each[place]), int(counts[place])


@dataclass(frozen=True, slots=True)
class Marks:
    """A column of lists of few texts: all texts in the order of rows, and whose each is.

    `known` says of which rows there is a list, be it empty.
    """

    owner: Indices
    texts: Texts
    known: Mask

    def where(self, chosen: Mask) -> "Marks":
        """Some of the texts."""
        texts = Texts(self.texts.codes[chosen], self.texts.names)
        return Marks(self.owner[chosen], texts, self.known)


class Columns:
    """Every column of samples; what is handed out is shared, and read-only."""

    def __init__(self, found: Samples) -> None:
        self._samples, self._length = found, len(found)
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._aside = Aside()
        self._told: dict[str, frozenset[int]] = {}
        self._places: Codes | None = None
        sent, due = (self._moments(name) for name in ("sent_ns", "scheduled_ns"))
        begun = np.where(sent == NULL, due, sent) if (sent == NULL).any() else sent
        self._places = _places(begun)
        self.begun = self._placed(begun)

    def __len__(self) -> int:
        return self._length

    def packed(self, name: str) -> Packed:
        """A column of whole numbers; of moments by how long after its begin each request had it."""
        found: Packed = self._column(name)
        return found

    def floats(self, name: str) -> Floats:
        """A column of other numbers, NaN where there is none."""
        found: Floats = self._column(name)
        return found

    def flags(self, name: str) -> Any:
        """A column of yes and no as 1, 0 and -1 where nobody knows."""
        return self._column(name)

    def told(self, name: str) -> frozenset[int]:
        """Which of 1, 0 and -1 a column of yes and no has."""
        if name not in self._told:
            flags = self.flags(name)
            self._told[name] = frozenset(
                np.unique(flags[:1] if constant(flags) else flags).tolist()
            )
        return self._told[name]

    def texts(self, name: str) -> Texts:
        """A column of few texts."""
        found: Texts = self._column(name)
        return found

    def marks(self, name: str) -> Marks:
        """A column of lists of few texts."""
        found: Marks = self._column(name)
        return found

    def gaps(self) -> Gaps:
        """The gaps of every stream, with their bounds."""
        found: Gaps = self._column("gap_ms")
        return found

    @property
    def filed(self) -> Indices:
        """Where each row stands in the files."""
        if self._places is None:
            return np.arange(self._length)
        return np.argsort(self._places)

    def batches(self, *names: str) -> Iterator[tuple[Any, pa.RecordBatch]]:
        """Columns as they are in the files, batch by batch, with the place of each row."""
        done = 0
        for batch in self._samples.batches(*names):
            end = done + batch.num_rows
            yield self._at(done, end), batch
            done = end

    def _at(self, start: int, end: int) -> Any:
        return slice(start, end) if self._places is None else self._places[start:end]

    def _column(self, name: str) -> Any:
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        return self._keep(name, self._aside.get(name) if name in self._aside else self._read(name))

    def _keep(self, name: str, column: Any) -> Any:
        for array in arrays_of(column):
            array.setflags(write=False)
        self._kept[name] = column
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > ROOM:
            self._aside.put(*self._kept.popitem(last=False))
        return column

    def _read(self, name: str) -> Any:
        kind = COLUMNS[name]
        if kind == "string":
            return self._texts(name)
        if kind == "list<string>":
            return self._marks(name)
        if kind == "list<float64>":
            return gathered(self._length, self.batches(*OF_GAPS), most=self._samples.entries(name))
        if kind in ("float64", "bool"):
            return self._numbers(name, np.dtype(np.float64 if kind == "float64" else np.int8))
        return self._packed(name)

    def _packed(self, name: str) -> Packed:
        only, moment = self._samples.only(name), name in MOMENTS
        if only and (only[0] is None or not moment):
            return everywhere(NULL if only[0] is None else int(only[0]), self._length)
        packer = Packer(self._length)
        for at, batch in self.batches(name):
            numbers = arrays.plain(batch.column(0), NULL, np.dtype(np.int64))
            packer.put(at, after(numbers, self.begun[at], name) if moment else numbers)
        return packer.packed

    def _moments(self, name: str) -> Ints:
        """The moments of all rows as they stand in the files."""
        found, done = np.empty(self._length, dtype=np.int64), 0
        for batch in self._samples.batches(name):
            end = done + batch.num_rows
            found[done:end] = arrays.plain(batch.column(0), NULL, np.dtype(np.int64))
            done = end
        return found

    def _numbers(self, name: str, kind: np.dtype[Any]) -> Any:
        nothing = NOTHING[kind.itemsize]
        only = self._samples.only(name)
        if only:
            value = nothing if only[0] is None else only[0]
            return np.broadcast_to(np.array(value, dtype=kind), self._length)
        found = np.empty(self._length, dtype=kind)
        for at, batch in self.batches(name):
            found[at] = arrays.plain(batch.column(0), nothing, kind)
        return found

    def _placed(self, column: Any) -> Any:
        """A column that was read before the order was known."""
        if self._places is None or constant(column):
            return column
        found = np.empty_like(column)
        found[self._places] = column
        return found

    def _texts(self, name: str) -> Texts:
        known: dict[str, int] = {}
        only = self._samples.only(name)
        if only:
            code = np.int8(_place(only[0], known, UNNAMED.get(name)))
            return Texts(np.broadcast_to(code, self._length), tuple(known))
        codes = np.empty(self._length, dtype=np.int32)
        for at, batch in self.batches(name):
            codes[at] = _codes(batch.column(0), known, UNNAMED.get(name))
        kind = np.int8 if len(known) < np.iinfo(np.int8).max else np.int32
        return Texts(codes.astype(kind), tuple(known))

    def _marks(self, name: str) -> Marks:
        known: dict[str, int] = {}
        there = np.empty(self._length, dtype=bool)
        owners, codes = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.int32)]
        for at, batch in self.batches(name):
            column: Any = batch.column(0)
            there[at] = arrays.valid(column)
            lengths = arrays.lengths(column)
            if lengths.any():
                places = np.arange(at.start, at.stop) if isinstance(at, slice) else at
                owners.append(np.repeat(places, lengths))
                codes.append(_codes(column.flatten(), known, None))
        owner, code = np.concatenate(owners), np.concatenate(codes)
        order = np.argsort(owner, kind="stable")
        names = tuple(known)
        return Marks(owner[order], Texts(code[order], names), there)


def after(numbers: Ints, begun: Ints, name: str) -> Ints:
    """How long after its begin each request had a moment; what it was due at counts down."""
    found = numbers - np.where(begun == NULL, 0, begun)
    return np.where(numbers == NULL, NULL, -found if name == DUE else found)


def before(numbers: Ints, begun: Ints, name: str) -> Ints:
    """The moments themselves again, in the place of the numbers."""
    nothing = numbers == NULL
    if name == DUE:
        np.negative(numbers, out=numbers)
    numbers += begun if not (begun == NULL).any() else np.where(begun == NULL, 0, begun)
    numbers[nothing] = NULL
    return numbers


def _places(begun: Ints) -> Codes | None:
    """Where each row stands in the order of sending; None where it stands there already."""
    unknown = begun == NULL
    if unknown.any():
        begun = np.where(unknown, np.iinfo(np.int64).max, begun)
    if not (begun[1:] < begun[:-1]).any():
        return None
    order = np.argsort(begun, kind="stable")
    places = np.empty(len(begun), dtype=np.int32)
    places[order] = np.arange(len(begun), dtype=np.int32)
    return places


def _codes(column: Any, known: dict[str, int], unnamed: str | None) -> Codes:
    """The places of texts among those that are known, to which new ones are added."""
    keyed = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    names = keyed.dictionary.to_pylist()
    places = [_place(name, known, unnamed) for name in (*names, None)]
    keys = arrays.plain(keyed.indices, -1, np.dtype(np.int32))
    found: Codes = np.array(places, dtype=np.int32)[keys]
    return found


def _place(name: str | None, known: dict[str, int], unnamed: str | None) -> int:
    name = unnamed if name is None else name
    return -1 if name is None else known.setdefault(name, len(known))


def _bytes(column: Any) -> int:
    return sum(8 if constant(array) else array.nbytes for array in arrays_of(column))
