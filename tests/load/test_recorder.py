"""Samples on disk, whole or cut off."""

import io
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.recorder import BATCH_ROWS, SCHEMA, SPOKEN, Recorder
from harness.measure.columns import COLUMNS
from harness.settings import Secrets
from tests.load.samples import row


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
    recorder = Recorder(tmp_path / "w.arrows", str)
    for seq in range(BATCH_ROWS + 3):
        recorder.add(row(seq, prompt_tokens=5, violations=("a", "b")))
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
    recorder = Recorder(tmp_path / "w.arrows", str)
    recorder.add(row(1))
    recorder.flush()

    assert read((tmp_path / "w.arrows").read_bytes()) == [1]
    recorder.close()


@pytest.fixture(name="stream", scope="module")
def _stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A stream of five batches of one row."""
    path = tmp_path_factory.mktemp("samples") / "w.arrows"
    recorder = Recorder(path, str)
    for seq in range(5):
        recorder.add(row(seq))
        recorder.flush()
    recorder.close()
    return path.read_bytes()


@given(data=st.data())
def test_a_stream_cut_anywhere_keeps_its_whole_batches(stream: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(stream)))

    found = read(stream[:length])

    assert found == list(range(len(found)))
    assert len(found) == 5 or length < len(stream)


def test_a_cell_that_fits_no_column_costs_itself_alone(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "w.arrows", str)
    recorder.add(row(0, finish_reason="st\ud800p", prompt_tokens=5))
    recorder.add(row(1, finish_reason="stop", prompt_tokens=2**64))
    recorder.close()

    with pa.ipc.open_stream((tmp_path / "w.arrows").read_bytes()) as reader:
        rows = reader.read_all().to_pylist()
    assert [(one["finish_reason"], one["prompt_tokens"]) for one in rows] == [
        ("st\\ud800p", 5),
        ("stop", None),
    ]


@pytest.mark.parametrize("name", SPOKEN)
def test_a_secret_in_a_text_of_the_target_is_withheld(tmp_path: Path, name: str) -> None:
    secrets = Secrets([("BASETEN_API_KEY", "bst-9f2c77aa41d0")])
    recorder = Recorder(tmp_path / "w.arrows", secrets.redact)
    recorder.add(row(0, **{name: "saw bst-9f2c77aa41d0"}))
    recorder.add(row(1, **{name: "saw nothing"}))
    recorder.close()

    data = (tmp_path / "w.arrows").read_bytes()
    with pa.ipc.open_stream(data) as reader:
        texts = reader.read_all().column(name).to_pylist()
    assert texts == ["saw $BASETEN_API_KEY", "saw nothing"]
    assert b"9f2c77" not in data


def test_samples_are_their_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "w.arrows"
    Recorder(path, str).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError, match="holds samples already"):
        Recorder(path, str)


def test_a_full_disk_is_an_error_at_once(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.fail("this system has no /dev/full")
    (tmp_path / "w.arrows").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        Recorder(tmp_path / "w.arrows", str)
