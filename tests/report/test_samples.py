from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.measure.columns import COLUMNS
from harness.report import samples
from tests.report.folders import answered, mixed, table, write_stream

ROWS = mixed(120)


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "samples" / "load-0.arrows"
    write_stream(path, ROWS, batch=30)
    return path


def test_a_whole_stream_gives_every_row_with_every_column(stream: Path) -> None:
    found = samples.read(stream.parent.parent)

    assert found.table.num_rows == len(ROWS)
    assert found.table.column_names == list(COLUMNS)
    assert [file.loss for file in found.files] == [None]


def test_a_stream_cut_at_any_byte_gives_its_complete_batches(stream: Path) -> None:
    whole = stream.read_bytes()
    read = []
    for cut in sorted({*range(0, len(whole), 97), *range(len(whole) - 12, len(whole))}):
        stream.write_bytes(whole[:cut])
        found = samples.read(stream.parent.parent)
        read.append(found.table.num_rows)
        assert found.files[0].loss, cut

    assert set(read) == {0, 30, 60, 90, 120}
    assert read == sorted(read)


def test_a_cut_stream_says_how_much_was_lost(stream: Path) -> None:
    stream.write_bytes(stream.read_bytes()[:-40])

    (file,) = samples.read(stream.parent.parent).files

    assert file.loss
    assert file.loss.startswith("cut off: 90 rows read, the last ")


def test_a_stream_without_its_end_says_that_rows_may_be_missing(stream: Path) -> None:
    stream.write_bytes(stream.read_bytes()[:-8])

    found = samples.read(stream.parent.parent)

    assert found.table.num_rows == len(ROWS)
    assert found.files[0].loss == "its end is missing: rows after the last flush are lost"


def test_a_converted_stream_is_not_counted_twice(stream: Path) -> None:
    folder = stream.parent.parent

    made = samples.convert(folder)
    again = samples.convert(folder)

    assert made == again == (stream.with_suffix(".parquet"),)
    assert samples.read(folder).table.num_rows == len(ROWS)


def test_a_parquet_file_is_read_where_its_stream_is_gone(stream: Path) -> None:
    samples.convert(stream.parent.parent)
    stream.unlink()

    found = samples.read(stream.parent.parent)

    assert found.table.num_rows == len(ROWS)
    assert [file.name for file in found.files] == ["load-0.parquet"]


def test_an_unreadable_parquet_file_is_a_loss_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "load-0.parquet").write_bytes(b"PAR1 without a footer")

    found = samples.read(tmp_path)

    assert found.table.num_rows == 0
    assert "unreadable, all its rows are lost" in str(found.files[0].loss)


def test_parquet_read_as_the_documents_say_keeps_nulls_and_integers(stream: Path) -> None:
    (made,) = samples.convert(stream.parent.parent)

    rows = pd.read_parquet(made, dtype_backend="pyarrow")

    assert str(rows["sent_ns"].dtype) == "int64[pyarrow]"
    assert str(rows["scheduled_ns"].dtype) == "int64[pyarrow]"
    assert rows["scheduled_ns"].isna().all()


def test_a_file_of_an_older_version_has_nulls_for_columns_that_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    older = table([answered()]).drop_columns(["cached_tokens", "coalesced"])
    pq.write_table(older, tmp_path / "samples" / "old.parquet")

    found = samples.read(tmp_path)

    assert found.table["cached_tokens"].null_count == 1
    assert found.table["route"].to_pylist() == ["native"]


def test_the_streams_of_several_workers_are_read_together(tmp_path: Path) -> None:
    for worker in range(3):
        write_stream(tmp_path / "samples" / f"load-{worker}.arrows", [answered(worker)])

    assert samples.read(tmp_path).table.num_rows == 3


def test_a_folder_without_samples_has_no_rows(tmp_path: Path) -> None:
    found = samples.read(tmp_path)

    assert (found.files, found.table) == ((), samples.schema().empty_table())
