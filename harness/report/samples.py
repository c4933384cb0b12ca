"""Reading and converting `samples/`: Arrow streams that may be cut off at any byte, and Parquet.

A worker's `NAME.arrows` is the truth and `NAME.parquet` is made from it; a Parquet file without its
stream is read itself, so a run folder can be read any number of times without counting a row twice.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.measure.columns import COLUMNS, END_OF_STREAM
from harness.report.workers import sent_for

FOLDER = "samples"
LENGTHS = ("blur_ns", "held_ns", "dns_ns", "connect_ns", "tls_ns", "rtt_ns")
FEW_VALUES = (
    *("run_id", "worker", "scenario", "phase", "route", "outcome", "finish_reason"),
    *("cache_status", "message", "violations", "odd"),
)
LISTS = tuple(name for name, kind in COLUMNS.items() if kind.startswith("list"))
FEW_TEXTS = tuple(name for name in FEW_VALUES if name not in LISTS)
BATCH = 65_536
MOST_ROWS = 4 * BATCH
BATCH_BYTES = 64_000_000
"""How many rows, and of how many bytes, are read or written together."""
PARQUET: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": list(FEW_VALUES),
    "column_encoding": {
        name: "DELTA_BINARY_PACKED" for name, kind in COLUMNS.items() if kind == "int64"
    },
}
"""How samples are packed: a dictionary sought in every column would take three times as long."""
MOMENTS = frozenset(name for name in COLUMNS if name.endswith("_ns") and not name.endswith(LENGTHS))
"""The columns that hold times of CLOCK_MONOTONIC; the others in nanoseconds are lengths."""
TYPES: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(),
    "float64": pa.float64(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "list<float64>": pa.list_(pa.float64()),
    "list<string>": pa.list_(pa.string()),
    "string": pa.string(),
}


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One file of samples: how many rows were read, and what could not be."""

    name: str
    rows: int
    loss: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a file come from: a Parquet file, or what was read of a stream.

    `later_ns` is added to each moment.
    """

    file: SampleFile
    data: pq.ParquetFile | pa.Table
    later_ns: int = 0

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of every row, in our types; a column that the file lacks is null."""
        for table in self._tables(names):
            yield from _shifted(conform(table, names), self.later_ns).to_batches()

    def _tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        if isinstance(self.data, pa.Table):
            present = [name for name in names if name in self.data.column_names]
            yield self.data.select(present or [0])
            return
        present = [name for name in names if name in self.data.schema_arrow.names]
        some = present or self.data.schema_arrow.names[:1]
        yield from _read(self.data, some)

    def only(self, name: str) -> tuple[Any, ...]:
        """The one value that a column has in every row, null as None; empty where that is not
        known without reading it."""
        if isinstance(self.data, pa.Table) or self.later_ns or name in LISTS:
            return ()
        return _only(self.data, name)


@dataclass(frozen=True, slots=True)
class Samples:
    """The rows of a run, file after file, with every column of `COLUMNS`."""

    sources: tuple[Source, ...] = ()

    def __len__(self) -> int:
        return sum(each.file.rows for each in self.sources)

    @property
    def files(self) -> tuple[SampleFile, ...]:
        """The files, also those of which nothing could be read."""
        return tuple(each.file for each in self.sources)

    @property
    def table(self) -> pa.Table:
        """Every row with every column."""
        parts = [pa.Table.from_batches([batch]).cast(schema()) for batch in self.batches(*COLUMNS)]
        return pa.concat_tables([schema().empty_table(), *parts])

    def batches(self, *names: str) -> Iterator[pa.RecordBatch]:
        """Some columns of every row; UnreadableError for a file that turns out to be broken."""
        for source in self.sources:
            try:
                yield from source.batches(names)
            except (OSError, pa.ArrowInvalid) as error:
                raise UnreadableError(source.file.name, error) from error

    def entries(self, name: str) -> int:
        """How many entries the lists of a column have at most."""
        return sum(_entries(each.data, name) for each in self.sources)

    def only(self, name: str) -> tuple[Any, ...]:
        """The one value that a column has in every row, as far as that is known unread."""
        found = [each.only(name) for each in self.sources if each.file.rows]
        return found[0] if found and all(each and each == found[0] for each in found) else ()

    def without(self, error: "UnreadableError") -> "Samples":
        """The same, but for the file that turned out to be broken."""
        return Samples(
            tuple(
                _lost(each.file.name, error.reason) if each.file.name == error.name else each
                for each in self.sources
            )
        )


class UnreadableError(Exception):
    """A file of samples that could be opened and not be read."""

    def __init__(self, name: str, reason: Exception) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


def of_table(table: pa.Table) -> Samples:
    """The rows of a table."""
    return Samples((Source(SampleFile("rows", table.num_rows), table),))


def schema() -> pa.Schema:
    """The columns as an Arrow schema, all nullable."""
    return pa.schema([(name, TYPES[text]) for name, text in COLUMNS.items()])


def read(
    folder: Path, *, clocks: Mapping[str, int] | None = None, load: str | None = None
) -> Samples:
    """Every sample of a run folder; what is unreadable is said of its file, never raised.

    `clocks` says for which files, by name without its end, so many nanoseconds have to be added to
    each time: they are of a machine with another CLOCK_MONOTONIC. With `load` it is only those of
    the workers that sent for it.
    """
    paths = _sources(folder / FOLDER)
    if load is not None:
        paths = [path for path in paths if sent_for(load, path.name)]
    return Samples(tuple(_later(_opened(path), path, clocks) for path in paths))


def pack(folder: Path, *, clocks: Mapping[str, int] | None = None) -> Samples:
    """The same, with every stream first made a Parquet file beside it, which is read instead."""
    found = []
    for path in _sources(folder / FOLDER):
        source = _opened(path) if path.suffix == ".parquet" else _packed(path)
        found.append(_later(source, path, clocks))
    return Samples(tuple(found))


def convert(folder: Path) -> tuple[Path, ...]:
    """Write `NAME.parquet` beside each `NAME.arrows`, replacing one made before."""
    streams = sorted((folder / FOLDER).glob("*.arrows"))
    for path in streams:
        _packed(path)
    return tuple(path.with_suffix(".parquet") for path in streams)


def _sources(folder: Path) -> list[Path]:
    streams = {path.stem: path for path in folder.glob("*.arrows")}
    parquet = {path.stem: path for path in folder.glob("*.parquet") if path.name[0] != "."}
    return [path for _, path in sorted((parquet | streams).items())]


def _later(source: Source, path: Path, clocks: Mapping[str, int] | None) -> Source:
    return replace(source, later_ns=(clocks or {}).get(path.stem, 0))


def _opened(path: Path) -> Source:
    """The rows of a file: of a stream every complete batch, read at once."""
    if path.suffix == ".arrows":
        stream = ArrowStream(path, in_place=True)
        batches = list(stream)
        table = pa.Table.from_batches(batches) if batches else schema().empty_table()
        return Source(SampleFile(path.name, table.num_rows, stream.loss), table)
    try:
        return _parquet(path, SampleFile(path.name, 0))
    except (OSError, pa.ArrowInvalid) as error:
        return _lost(path.name, error)


def _parquet(path: Path, file: SampleFile) -> Source:
    data = pq.ParquetFile(path, read_dictionary=list(FEW_TEXTS))
    return Source(replace(file, rows=data.metadata.num_rows), data)


def _lost(name: str, error: Exception) -> Source:
    told = f"unreadable, all its rows are lost ({_short(error)})"
    return Source(SampleFile(name, 0, told), schema().empty_table())


def _packed(path: Path) -> Source:
    """A stream made a Parquet file, and the rows of that; few rows are held at a time."""
    target, stream = path.with_suffix(".parquet"), ArrowStream(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.touch(mode=0o600)  # its owner's alone, as the stream is
    with pq.ParquetWriter(draft, schema(), **PARQUET) as writer:
        for batches in _gathered(stream):
            writer.write_table(conform(pa.Table.from_batches(batches)))
    draft.replace(target)
    return _parquet(target, SampleFile(path.name, 0, stream.loss))


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Small batches together, as many as make a row group."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= BATCH or size >= BATCH_BYTES:
            yield waiting
            waiting, rows, size = [], 0, 0
    if waiting:
        yield waiting


class ArrowStream:
    """Every complete batch of an Arrow stream, in order; `loss` then says what is missing from it.

    `in_place` maps the file into memory, for batches that are kept.
    """

    def __init__(self, path: Path, *, in_place: bool = False) -> None:
        self.loss: str | None = None
        self._path, self._in_place = path, in_place

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        whole = rows = 0
        with self._opened() as source:
            try:
                with pa.ipc.open_stream(source) as reader:
                    for batch in reader:
                        batch.validate(full=True)
                        whole, rows = source.tell(), rows + batch.num_rows
                        yield batch
            except (OSError, pa.ArrowInvalid):
                self.loss = _loss(self._path, whole, rows=rows)
                return
        if not _ended(self._path):
            self.loss = "its end is missing: rows after the last flush are lost"

    def _opened(self) -> Any:
        if not self._path.stat().st_size:
            return pa.BufferReader(b"")
        return (
            pa.memory_map(str(self._path)) if self._in_place else pa.OSFile(str(self._path), "rb")
        )


def _ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-len(END_OF_STREAM), os.SEEK_END)
        return file.read() == END_OF_STREAM


def _loss(path: Path, whole: int, *, rows: int) -> str:
    lost = path.stat().st_size - whole
    return f"cut off: {rows:,} rows read, the last {lost:,} bytes hold no complete batch"


def conform(table: pa.Table, names: Sequence[str] = tuple(COLUMNS)) -> pa.Table:
    """The table with exactly these of our columns, in their types; missing ones are null.

    A text may stay the key of a dictionary.
    """
    columns = {name: _column(table, name) for name in names}
    return pa.table(columns)


def _column(table: pa.Table, name: str) -> Any:
    wanted: Any = TYPES[COLUMNS[name]]
    if name not in table.column_names:
        return pa.nulls(table.num_rows, wanted)
    column = table[name]
    return column if pa.types.is_dictionary(column.type) else column.cast(wanted)


def _shifted(table: pa.Table, by_ns: int) -> pa.Table:
    if not by_ns:
        return table
    moved: dict[str, Any] = {
        name: pc.add(table[name], by_ns) if name in MOMENTS else table[name]
        for name in table.column_names
    }
    return pa.table(moved)


def _read(file: pq.ParquetFile, names: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of a Parquet file: by row groups, which takes half the time for lists, or by batches
    where row groups are large."""
    groups = range(file.num_row_groups)
    if max((file.metadata.row_group(n).num_rows for n in groups), default=0) > MOST_ROWS:
        for batch in file.iter_batches(BATCH, columns=list(names), use_threads=False):
            yield pa.Table.from_batches([batch])
        return
    for group in groups:
        yield file.read_row_group(group, columns=list(names), use_threads=False)


def _only(file: pq.ParquetFile, name: str) -> tuple[Any, ...]:
    """The one value of a column by the statistics of its row groups."""
    if name not in file.schema_arrow.names:
        return (None,)
    place = file.schema_arrow.names.index(name)
    found = {_constant(file.metadata.row_group(n), place) for n in range(file.num_row_groups)}
    return found.pop() if len(found) == 1 else ()


def _entries(data: pq.ParquetFile | pa.Table, name: str) -> int:
    if isinstance(data, pa.Table):
        return len(pc.list_flatten(data[name])) if name in data.column_names else 0
    if name not in data.schema_arrow.names:
        return 0
    place, groups = data.schema_arrow.names.index(name), range(data.num_row_groups)
    return sum(data.metadata.row_group(n).column(place).num_values for n in groups)


def _constant(group: Any, place: int) -> tuple[Any, ...]:
    said = group.column(place).statistics
    if said is None or not said.has_null_count:
        return ()
    if said.null_count == group.num_rows:
        return (None,)
    if said.null_count or not said.has_min_max or said.min != said.max:
        return ()
    return (said.min,)


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
