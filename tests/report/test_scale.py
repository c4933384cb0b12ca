"""The report of a large run takes memory by what a step needs of it, not by all that it holds."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.report import samples
from harness.report.arrays import NULL
from harness.report.build import build_report
from harness.report.ordered import Ascending, reach_ns, replaced
from harness.report.packed import Packer
from tests.bench.scale import BUILD, Case, make

MOST_BYTES_PER_ROW = 1500
"""A row with twenty gaps and their bounds has 480 bytes of them; as a frame it took 4,800."""
DERIVED = ("summary.json", "summary.csv", "comparison.json", "report.md", "report.html")


def peak_of(folder: Path, rows: int) -> float:
    make(folder, Case(rows, gaps=20))
    made = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], check=True, capture_output=True, text=True
    )
    return float(json.loads(made.stdout)["peak_mb"]) * 1e6


def test_memory_grows_by_less_than_a_row_of_samples_takes(tmp_path: Path) -> None:
    few, many = (peak_of(tmp_path / str(rows), rows) for rows in (60_000, 140_000))

    assert (many - few) / 80_000 < MOST_BYTES_PER_ROW


def test_many_files_give_the_report_of_one_with_the_same_rows(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    make(whole, Case(3000, gaps=5, files=3))
    make(parts, Case(3000, gaps=5, files=3))
    joined = samples.read(whole).table
    for path in (whole / "samples").glob("*.parquet"):
        path.unlink()
    pq.write_table(
        joined.take(pc.sort_indices(joined["done_ns"])), whole / "samples/load-0.parquet"
    )

    one, many = (build_report(folder).summary for folder in (whole, parts))

    assert one.routes == many.routes
    assert one.timeline == many.timeline


def test_streams_and_their_parquet_files_give_the_same_report(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", Case(2000, gaps=5, files=2), streams=True)
    build_report(folder)
    first = [(folder / name).read_bytes() for name in DERIVED]

    build_report(folder)

    assert [(folder / name).read_bytes() for name in DERIVED] == first
    assert len(samples.read(folder)) == 2000


def test_a_parquet_file_that_is_broken_inside_is_a_loss_and_no_error(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", Case(2000, gaps=5, files=2))
    path = folder / "samples" / "load-1.parquet"
    content = bytearray(path.read_bytes())
    content[1000:60_000] = bytes(59_000)
    path.write_bytes(content)

    report = build_report(folder)

    losses = [file.loss or "" for file in report.files]
    assert losses[0] == ""
    assert losses[1].startswith("unreadable, all its rows are lost")
    assert report.verdict == "unknown"


@given(
    st.lists(
        st.lists(st.just(NULL) | st.integers(-5, 300) | st.integers(0, 2**45), max_size=9),
        min_size=1,
        max_size=4,
    )
)
def test_a_column_in_few_bytes_is_the_same_column(parts: list[list[int]]) -> None:
    numbers = [number for part in parts for number in part]
    packer, done = Packer(len(numbers)), 0
    for part in parts:
        packer.put(slice(done, done + len(part)), np.array(part, dtype=np.int64))
        done += len(part)

    assert packer.packed.wide(None).tolist() == numbers
    assert packer.packed.known(None).tolist() == [number != NULL for number in numbers]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=40),
    st.integers(0, 3),
)
def test_values_with_some_replaced_are_in_order(
    rows: list[tuple[int, int, bool]], endless: int
) -> None:
    base = Ascending(np.sort(np.array([old for old, _, _ in rows], dtype=np.uint32)), endless)
    taken = np.array([old / 1e6 for old, _, changed in rows if changed])
    put = np.array([new / 1e6 for _, new, changed in rows if changed])

    found = replaced(base, taken, put)

    expected = sorted((new if changed else old) / 1e6 for old, new, changed in rows)
    whole = [*expected, *[float("inf")] * endless]
    assert [found[place] for place in range(len(found))] == whole


@pytest.mark.parametrize("whole_ns", [0, 1, 999, 123_456_789, 2**32 - 1])
def test_a_whole_number_of_nanoseconds_reaches_itself(whole_ns: int) -> None:
    assert reach_ns(whole_ns / 1e6) == whole_ns
    assert reach_ns(np.nextafter(whole_ns / 1e6, -1)) == whole_ns - 1
