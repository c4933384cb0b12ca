"""Writes samples to an Arrow IPC stream while the run goes on, readable after a kill -9.

Parquet would not do: a file without its footer is lost. A row is written within a second; rows go
in small batches, because to build a batch of thousands would hold up every answer being received.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.measure.columns import COLUMNS, row
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

SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in COLUMNS.items()])


class Recorder:
    """Appends samples to one file; `flush` at least once a second, `close` at the end.

    Any method may raise OSError when the disk takes no more.
    """

    def __init__(self, path: Path) -> None:
        self.written = 0
        self._file = path.open("wb")
        self._writer = pa.ipc.new_stream(self._file, SCHEMA)
        self._file.flush()
        self._waiting: list[dict[str, Any]] = []
        # The first conversion imports pandas, which takes a quarter of a second: not in the load.
        _batch([])

    def add(self, sample: Sample) -> None:
        """Take one sample; it may be written at once."""
        self._waiting.append(row(sample))
        if len(self._waiting) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand everything taken so far to the kernel."""
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        self._writer.write_batch(_batch(rows))
        self._file.flush()
        self.written += len(rows)

    def close(self) -> None:
        """Write the rest and the end of the stream."""
        try:
            self.flush()
            self._writer.close()
        finally:
            self._file.close()


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    arrays = [pa.array([one[field.name] for one in rows], field.type) for field in SCHEMA]
    return pa.record_batch(arrays, schema=SCHEMA)
