"""Samples on disk, whole or cut off."""

import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.recorder import BATCH_ROWS, SCHEMA, Recorder
from harness.measure.columns import COLUMNS
from tests.load.samples import sample


def read(data: bytes) -> list[int]:
    """The `seq` of every row of the whole batches in `data`."""
    found: list[int] = []
    try:
        with pa.ipc.open_stream(io.BytesIO(data)) as reader:
            for batch in reader:
                found += [row["seq"] for row in batch.to_pylist()]
    except (pa.ArrowInvalid, OSError):
        pass
    return found


def test_the_schema_is_the_table_of_columns() -> None:
    assert SCHEMA.names == list(COLUMNS)


def test_what_was_added_is_read_again(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "w.arrows")
    for seq in range(BATCH_ROWS + 3):
        recorder.add(sample(seq, prompt_tokens=5, violations=("a", "b")))
    recorder.close()

    with pa.ipc.open_stream((tmp_path / "w.arrows").read_bytes()) as reader:
        rows = reader.read_all().to_pylist()
    assert [row["seq"] for row in rows] == list(range(BATCH_ROWS + 3))
    assert rows[0]["gap_ms"] == [10.0, 10.0]
    assert (rows[0]["output_chunks"], rows[0]["prompt_tokens"]) == (3, 5)
    assert rows[0]["violations"] == ["a", "b"]
    assert rows[0]["scheduled_ns"] is None
    assert recorder.written == BATCH_ROWS + 3


def test_a_flushed_row_is_readable_while_the_file_is_open(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "w.arrows")
    recorder.add(sample(1))
    recorder.flush()

    assert read((tmp_path / "w.arrows").read_bytes()) == [1]
    recorder.close()


@pytest.fixture(name="stream", scope="module")
def _stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A stream of five batches of one row."""
    path = tmp_path_factory.mktemp("samples") / "w.arrows"
    recorder = Recorder(path)
    for seq in range(5):
        recorder.add(sample(seq))
        recorder.flush()
    recorder.close()
    return path.read_bytes()


@given(data=st.data())
def test_a_stream_cut_anywhere_keeps_its_whole_batches(stream: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(stream)))

    found = read(stream[:length])

    assert found == list(range(len(found)))
    assert len(found) == 5 or length < len(stream)


def test_a_request_that_was_dropped_has_no_time_of_sending(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "w.arrows")
    recorder.add(sample(0, outcome="dropped"))
    recorder.close()

    with pa.ipc.open_stream((tmp_path / "w.arrows").read_bytes()) as reader:
        assert reader.read_all().column("sent_ns").to_pylist() == [None]


def test_a_full_disk_is_an_error_at_once(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.fail("this system has no /dev/full")
    (tmp_path / "w.arrows").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        Recorder(tmp_path / "w.arrows")
