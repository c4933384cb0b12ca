"""Reading and converting `samples/`: Arrow streams that may be cut off at any byte, and Parquet.

A worker's `NAME.arrows` is the truth and `NAME.parquet` is made from it; a Parquet file without its
stream is read itself, so a run folder can be read any number of times without counting a row twice.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.measure.columns import COLUMNS

FOLDER = "samples"
# An IPC stream ends in a continuation marker and a length of zero (Arrow columnar format, "IPC
# Streaming Format"); without it the writer did not come to close the file.
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
LENGTHS = ("blur_ns", "held_ns", "dns_ns", "connect_ns", "tls_ns", "rtt_ns")
FEW_VALUES = (
    *("run_id", "worker", "scenario", "phase", "route", "outcome", "finish_reason"),
    *("cache_status", "message", "violations", "odd"),
)
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
class Samples:
    """All rows of a run, with every column of `COLUMNS`, and the files that they came from."""

    table: pa.Table
    files: tuple[SampleFile, ...] = ()


def schema() -> pa.Schema:
    """The columns as an Arrow schema, all nullable."""
    return pa.schema([(name, TYPES[text]) for name, text in COLUMNS.items()])


def read(folder: Path, *, clocks: Mapping[str, int] | None = None, only: str = "") -> Samples:
    """Read every sample of a run folder; what is unreadable is said of its file, never raised.

    `clocks` says for which files, by name without its end, so many nanoseconds have to be added to
    each time: they are of a machine with another CLOCK_MONOTONIC. `only` reads the files whose name
    begins so.
    """
    tables, files = [schema().empty_table()], []
    for path in _sources(folder / FOLDER):
        if not path.name.startswith(only):
            continue
        table, loss = _read_file(path)
        tables.append(_shifted(table, (clocks or {}).get(path.stem, 0)))
        files.append(SampleFile(path.name, table.num_rows, loss))
    return Samples(pa.concat_tables(tables), tuple(files))


def convert(folder: Path) -> tuple[Path, ...]:
    """Write `NAME.parquet` beside each `NAME.arrows`, replacing one made before."""
    made = []
    for path in sorted((folder / FOLDER).glob("*.arrows")):
        target = path.with_suffix(".parquet")
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        draft.touch(mode=0o600)  # its owner's alone, as the stream is
        pq.write_table(_read_file(path)[0], draft, **PARQUET)
        draft.replace(target)
        made.append(target)
    return tuple(made)


def _sources(folder: Path) -> list[Path]:
    streams = {path.stem: path for path in folder.glob("*.arrows")}
    parquet = {path.stem: path for path in folder.glob("*.parquet") if path.name[0] != "."}
    return [path for _, path in sorted((parquet | streams).items())]


def _read_file(path: Path) -> tuple[pa.Table, str | None]:
    """Every complete batch of a file as one table, and what is missing from it."""
    if path.suffix == ".arrows":
        return _read_stream(path)
    try:
        return conform(pq.read_table(path)), None
    except (OSError, pa.ArrowInvalid) as error:
        return schema().empty_table(), f"unreadable, all its rows are lost ({_short(error)})"


def _read_stream(path: Path) -> tuple[pa.Table, str | None]:
    batches: list[pa.RecordBatch] = []
    whole = 0
    source = pa.memory_map(str(path)) if path.stat().st_size else pa.BufferReader(b"")
    with source:
        try:
            with pa.ipc.open_stream(source) as reader:
                for batch in reader:
                    batch.validate(full=True)
                    batches.append(batch)
                    whole = source.tell()
        except (OSError, pa.ArrowInvalid):
            return _table(batches), _loss(path, whole, rows=sum(map(len, batches)))
        table = _table(batches)
    return table, None if _ended(path) else "its end is missing: rows after the last flush are lost"


def _ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-len(END_OF_STREAM), os.SEEK_END)
        return file.read() == END_OF_STREAM


def _loss(path: Path, whole: int, *, rows: int) -> str:
    lost = path.stat().st_size - whole
    return f"cut off: {rows:,} rows read, the last {lost:,} bytes hold no complete batch"


def _table(batches: list[pa.RecordBatch]) -> pa.Table:
    return conform(pa.Table.from_batches(batches)) if batches else schema().empty_table()


def conform(table: pa.Table) -> pa.Table:
    """The table with exactly our columns, in their types; missing ones are null."""
    wanted = schema()
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in wanted
    ]
    return pa.table(columns, schema=wanted)


def _shifted(table: pa.Table, by_ns: int) -> pa.Table:
    if not by_ns:
        return table
    columns = [
        pc.add(table[name], by_ns) if name in MOMENTS else table[name]
        for name in table.column_names
    ]
    return pa.table(columns, schema=table.schema)


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
