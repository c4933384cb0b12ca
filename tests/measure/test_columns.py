"""What a row keeps of a long stream."""

import numpy as np
import pytest

from harness.measure.columns import MOST_GAPS, sketch


def test_gaps_of_a_usual_stream_stay_as_they_are() -> None:
    gaps = np.array([20.0, 1.0, 39.0])

    assert sketch(gaps).tolist() == [20.0, 1.0, 39.0]


def test_a_very_long_stream_keeps_a_sketch_of_its_gaps() -> None:
    gaps = np.random.default_rng(3).exponential(10.0, 50_000)

    kept = sketch(gaps)

    assert len(kept) == MOST_GAPS
    assert (kept[0], kept[-1]) == (gaps.min(), gaps.max())
    for q in (0.5, 0.9, 0.99):
        assert np.quantile(kept, q) == pytest.approx(np.quantile(gaps, q), rel=0.01)
