"""Writes rows to an Arrow IPC stream while the run goes on, readable after a kill -9.

Parquet would not do: a file without its footer is lost. Rows are gathered and turned into columns
in batches, with room for others between two columns: a batch costs as much in itself as all of its
rows, so that many small ones would take more of the processor than the requests do.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.load.breath import Breathe, without_rest
from harness.load.rows import PLACE, Row
from harness.measure.columns import COLUMNS, END_OF_STREAM

BATCH_ROWS = 256
BATCH_GAPS = 4_000
"""What a batch holds at most, so that no column of it takes long."""

_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "float64": pa.float64(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "list<float64>": pa.list_(pa.float64()),
    "list<string>": pa.list_(pa.string()),
    "string": pa.string(),
}

_GAPS = PLACE["gap_ms"]
_FIELDS = tuple((name, _TYPES[kind]) for name, kind in COLUMNS.items())
SCHEMA = pa.schema(_FIELDS)

SPOKEN = ("finish_reason", "cache_status", "log_id", "cf_ray", "message")
"""Columns that hold a text of the target."""
MESSAGE_CHARACTERS = 200


class Recorder:
    """Appends rows to one file; `flush` at least once a second, `close` at the end.

    Each batch is one write, without a buffer that could be lost. The file is for its owner alone,
    and one that holds rows already is never written over. `redact` takes secrets out of a target's
    texts. Any method may raise OSError when the disk takes no more.
    """

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self.written = 0
        self._waiting: list[Row] = []
        self._redact = redact
        self._file = _open(path)
        try:
            self._append(SCHEMA.serialize())
        except OSError:
            self._file.close()
            raise

    def rehearse(self) -> pa.RecordBatch:
        """A batch of an empty row: the first one takes twenty milliseconds, the others one."""
        batch = _batch({name: [None] for name in COLUMNS}, without_rest)
        batch.serialize()
        return batch

    @property
    def waiting(self) -> int:
        """How many rows are not written yet."""
        return len(self._waiting)

    def add(self, row: Row) -> None:
        """Take one row."""
        self._waiting.append(row)

    def flush(self, breathe: Breathe = without_rest) -> pa.RecordBatch | None:
        """Hand the oldest rows to the kernel, one batch of them; None when there are none.

        Rows may be added while it breathes; they are for the next batch.
        """
        if not self._waiting:
            return None
        count = _batch_size(self._waiting)
        rows, self._waiting = self._waiting[:count], self._waiting[count:]
        columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        for name in SPOKEN:
            columns[name] = self._clean(columns[name])
            breathe()
        batch = _batch(columns, breathe)
        self._append(batch.serialize())
        self.written += len(rows)
        return batch

    def close(self) -> None:
        """Write the rest and the end of the stream."""
        with self._file:
            while self.flush() is not None:
                pass
            self._file.write(END_OF_STREAM)

    def _clean(self, texts: list[Any]) -> list[Any]:
        """Texts without a secret; one look at all of them together is enough where there is none.

        A secret that is cut in two by the end of a text is not put together by this look.
        """
        if texts.count(None) == len(texts):
            return texts
        told = [text for text in texts if text is not None]
        joined = "\n".join(told)
        if self._redact(joined) != joined:
            texts = [None if text is None else self._redact(text) for text in texts]
        return [text and text[:MESSAGE_CHARACTERS] for text in texts]

    def _append(self, message: pa.Buffer) -> None:
        view = memoryview(message)
        while view:
            view = view[self._file.write(view) :]


def _batch_size(rows: list[Row]) -> int:
    """How many of the rows make one batch."""
    gaps = 0
    for count, row in enumerate(rows[:BATCH_ROWS], 1):
        gaps += len(row[_GAPS])
        if gaps > BATCH_GAPS:
            return count
    return min(len(rows), BATCH_ROWS)


def _open(path: Path) -> Any:
    """The file, new, or one that was empty."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    if os.fstat(descriptor).st_size:
        os.close(descriptor)
        raise FileExistsError(f"{path} holds samples already")
    return os.fdopen(descriptor, "wb", buffering=0)


def _batch(columns: dict[str, list[Any]], breathe: Breathe) -> pa.RecordBatch:
    arrays = []
    for name, kind in _FIELDS:
        arrays.append(_array(columns.get(name, []), kind))
        breathe()
    return pa.record_batch(arrays, schema=SCHEMA)


def _array(cells: list[Any], kind: pa.DataType) -> "pa.Array[Any]":
    """The column; a cell that does not fit, such as half of a character, is null alone."""
    try:
        return pa.array(cells, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError):
        return pa.array([_fitting(cell, kind) for cell in cells], kind)


def _fitting(cell: Any, kind: pa.DataType) -> Any:
    if isinstance(cell, str):
        return cell.encode("utf-8", "backslashreplace").decode()
    try:
        pa.array([cell], kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError):
        return None
    return cell
