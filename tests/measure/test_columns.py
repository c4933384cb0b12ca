"""One sample as one row."""

import numpy as np
import pytest

from harness.measure.columns import COLUMNS, MOST_GAPS, row
from harness.measure.sample import Sample
from harness.measure.timeline import Timeline

MS = 1_000_000


def sample(*outputs_ns: int) -> Sample:
    return Sample(
        run_id="r",
        worker="w",
        seq=1,
        event_id="e",
        scenario="chat",
        phase="steady",
        route="native",
        stream=True,
        outcome="ok",
        timeline=Timeline(sent_ns=0, outputs_ns=outputs_ns),
        violations=("C-1",),
    )


def test_a_row_has_every_column_in_order() -> None:
    columns = row(sample(160 * MS, 180 * MS, 181 * MS, 220 * MS))

    assert list(columns) == list(COLUMNS)
    assert columns["gap_ms"] == [20.0, 1.0, 39.0]
    assert columns["output_chunks"] == 4
    assert columns["last_output_ns"] == 220 * MS
    assert columns["violations"] == ["C-1"]
    assert columns["status"] is None


@pytest.mark.parametrize("outputs", [(), (5,)])
def test_fewer_than_two_outputs_have_no_gap(outputs: tuple[int, ...]) -> None:
    columns = row(sample(*outputs))

    assert columns["gap_ms"] == []
    assert columns["output_chunks"] == len(outputs)


def test_a_very_long_stream_keeps_a_sketch_of_its_gaps() -> None:
    gaps = np.random.default_rng(3).exponential(10 * MS, 50_000).astype(np.int64)
    outputs = np.concatenate([[0], np.cumsum(gaps)])

    columns = row(sample(*outputs.tolist()))

    kept = columns["gap_ms"]
    assert len(kept) == MOST_GAPS
    assert columns["output_chunks"] == 50_001
    assert (kept[0], kept[-1]) == (gaps.min() / MS, gaps.max() / MS)
    for q in (0.5, 0.9, 0.99):
        assert np.quantile(kept, q) == pytest.approx(np.quantile(gaps, q) / MS, rel=0.01)
