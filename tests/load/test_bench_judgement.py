"""The bench's own arithmetic: what it would say of figures that are known."""

import numpy as np
import pytest

from tests.bench import table
from tests.bench.contention import Interval
from tests.bench.soak import STREAMS, Look, judge
from tests.bench.streams import Streams, errors
from tests.bench.truth import FIELDS, Record

MB = 1_000_000


def looks(*, grown: int = 0, files: int = 0) -> list[Look]:
    """A minute of a client that is there from the third second on."""
    quiet = [Look(second, 100 * MB, STREAMS + 7) for second in range(3, 50)]
    return [Look(1.0, MB, 5), *quiet, Look(50.0, 100 * MB + grown, STREAMS + 7 + files)]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (looks(), []),
        (looks(grown=4 * MB), []),
        (looks(grown=6 * MB), ["memory grew from 100.0 to 106.0 MB"]),
        (looks(files=1), [f"descriptors grew from {STREAMS + 7} to {STREAMS + 8}"]),
        (looks()[:1], [f"the client never had {STREAMS} connections"]),
        (looks()[:10], ["the load was too short to be judged"]),
    ],
)
def test_a_soak_names_what_has_grown(seen: list[Look], said: list[str]) -> None:
    assert judge(seen, seconds=60.0) == said


def test_a_bar_is_an_upper_limit_on_the_median_of_the_rounds() -> None:
    assert table.under("x", [0.1, 9.0, 0.2], 0.3).met is True
    assert table.under("x", [0.3, 0.1, 0.3], 0.3).met is False


def test_a_bar_that_could_not_be_measured_is_not_met() -> None:
    assert table.exit_code([table.under("x", [0.1], 1), table.unknown("y", "no nginx")]) == 1


def test_bounds_that_leave_out_the_truth_do_not_touch_it() -> None:
    truth = Interval(10.0, 10.2)

    assert Interval(9.0, 10.0).touches(truth)
    assert Interval(10.1, 10.1).touches(truth)
    assert not Interval(10.3, 11.0).touches(truth)
    assert not Interval(9.0, 9.9).touches(truth)


def test_the_errors_of_a_client_are_held_against_the_same_requests() -> None:
    ms = 1_000_000
    ended = np.array([50, 60, 70, 150, 160, 170]) * ms
    rows = {name: np.zeros(2, dtype=np.int64) for name in FIELDS}
    rows |= {"rid": np.array([7, 8]), "received": np.array([0, 100]) * ms}
    rows |= {"first": ended[[0, 3]], "offset": np.array([0, 3]), "chunks": np.array([3, 3])}
    client = Streams(
        rid=np.array([8, 7]),
        sent=np.array([100, 0]) * ms,
        first=np.array([152, 52]) * ms,
        gaps=[np.array([10.0, 13.0]), np.array([10.0, 13.0])],
    )

    found = errors(client, Record(rows, ended, ended))

    assert found.ttft_p50 == found.ttft_p99 == pytest.approx(2.0)
    assert found.gap_p99 == found.each_gap_p99 == pytest.approx(3.0, abs=0.1)
