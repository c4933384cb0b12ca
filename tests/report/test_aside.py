"""Columns beyond the room for them are put into a file, and read from the samples once."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from harness.report import columns, frame, samples
from harness.report.aside import Aside, arrays_of
from harness.report.build import build_report
from harness.report.columns import Texts
from harness.report.gaps import Gaps
from tests.bench.scale import Case, make

DERIVED = ("summary.json", "summary.csv", "comparison.json", "report.md", "report.html")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make(tmp_path / "run", Case(3000, gaps=5, files=2))


def files_of(folder: Path) -> list[bytes]:
    build_report(folder)
    return [(folder / name).read_bytes() for name in DERIVED]


def test_a_report_with_room_for_one_column_is_that_of_one_with_room_for_all(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room = files_of(run)
    monkeypatch.setattr(columns, "ROOM", 1)

    assert files_of(run) == with_room


def test_each_column_is_read_from_the_samples_once(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "ROOM", 1)
    rows = frame.frame(samples.read(run))
    first = [rows.texts("route"), rows.columns.gaps(), rows.since("done_ns")]
    for path in (run / "samples").glob("*.parquet"):
        path.write_bytes(b"")

    again = [rows.texts("route"), rows.columns.gaps(), rows.since("done_ns")]

    for one, other in zip(first, again, strict=True):
        for before, after in zip(arrays_of(one), arrays_of(other), strict=True):
            assert np.array_equal(before, after, equal_nan=before.dtype.kind == "f")


def test_what_was_put_aside_is_the_same_and_cannot_be_changed() -> None:
    aside, texts = Aside(), Texts(np.array([0, 1, 0], dtype=np.int8), ("a", "b"))

    aside.put("route", texts)
    found = aside.get("route")

    assert found.names == texts.names
    assert found.codes.tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="read-only"):
        found.codes[0] = 1


def test_arrays_without_a_row_and_of_one_value_need_no_file() -> None:
    aside, gone = Aside(), Path(f"/proc/{os.getpid()}/fd")
    before = len(list(gone.iterdir()))

    aside.put("status", np.broadcast_to(np.int64(200), 5))
    aside.put("seq", np.empty(0))

    assert aside.get("status").tolist() == [200] * 5
    assert len(list(gone.iterdir())) == before


def test_a_disk_without_room_means_that_samples_are_read_again() -> None:
    aside, number = Aside(), np.arange(100_000)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, most[1]))
    try:
        aside.put("seq", number)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)

    assert "seq" not in aside
    aside.put("seq", number[:10])
    assert "seq" not in aside


def test_every_array_of_gaps_is_counted(run: Path) -> None:
    gaps: Gaps = frame.frame(samples.read(run)).columns.gaps()

    assert {id(each) for each in arrays_of(gaps)} >= {id(gaps.low.values), id(gaps.high.rows)}
    assert not gaps.low.values.flags.writeable
