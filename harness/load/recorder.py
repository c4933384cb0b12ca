"""Writes samples to an Arrow IPC stream while the run goes on, readable after a kill -9.

Parquet would not do: a file without its footer is lost. A row is written within a second; rows go
in small batches, because to build a batch of thousands would hold up every answer being received.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.measure.columns import COLUMNS, row
from harness.measure.outcome import Outcome
from harness.measure.sample import Sample

BATCH_ROWS = 64

_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "list<float64>": pa.list_(pa.float64()),
    "list<string>": pa.list_(pa.string()),
    "string": pa.string(),
}

_FIELDS = tuple((name, _TYPES[kind]) for name, kind in COLUMNS.items())
SCHEMA = pa.schema(_FIELDS)


END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Arrow columnar format, "IPC Streaming Format"."""


class Recorder:
    """Appends samples to one file; `flush` at least once a second, `close` at the end.

    Each batch is one write, without a buffer that could be lost. Any method may raise OSError when
    the disk takes no more.
    """

    def __init__(self, path: Path) -> None:
        self.written = 0
        # The first conversion imports pandas, which takes a quarter of a second: not in the load.
        _batch([])
        self._waiting: list[dict[str, Any]] = []
        self._file = path.open("wb", buffering=0)
        try:
            self._append(SCHEMA.serialize())
        except OSError:
            self._file.close()
            raise

    def add(self, sample: Sample) -> None:
        """Take one sample; it may be written at once."""
        cells = row(sample)
        if sample.outcome == Outcome.DROPPED:
            cells["sent_ns"] = None
        self._waiting.append(cells)
        if len(self._waiting) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand everything taken so far to the kernel."""
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        self._append(_batch(rows).serialize())
        self.written += len(rows)

    def close(self) -> None:
        """Write the rest and the end of the stream."""
        with self._file:
            self.flush()
            self._file.write(END_OF_STREAM)

    def _append(self, message: pa.Buffer) -> None:
        view = memoryview(message)
        while view:
            view = view[self._file.write(view) :]


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    arrays = [pa.array([one[name] for one in rows], kind) for name, kind in _FIELDS]
    return pa.record_batch(arrays, schema=SCHEMA)
