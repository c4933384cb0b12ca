"""A search finds what a target with a known capacity carries, and says what it does not know."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import Table

from harness.report import figures, frame
from harness.report.build import build_report
from harness.report.capacity import words
from harness.report.capacity.backlog import backlog
from harness.report.capacity.level import judge
from harness.report.capacity.result import Capacity
from harness.report.capacity.search import LevelResult, SearchRange, SearchTrial, bracket, next_step
from harness.report.charts.curve import load_latency
from tests.report.queueing import Target, arrivals, searched, waits, write_search
from tests.report.queueing import rows as level_rows
from tests.schemas import problems, problems_in

SLO = "p95(e2e) < 200ms"


@cache
def truly_carried(slots: int = 8, service_s: float = 0.1, limit_s: float = 0.2) -> float:
    """The Poisson rate at which p95 of M/D/c reaches a limit, by a long simulation."""
    target = Target(slots, service_s)
    low, high = 0.5 * slots / service_s, slots / service_s
    for _ in range(8):
        rate = (low + high) / 2
        times = waits(arrivals(rate, 4000, np.random.default_rng(7)), target) + service_s
        low, high = (rate, high) if np.percentile(times, 95) < limit_s else (low, rate)
    return low


@cache
def known() -> Capacity:
    """One search, for what is said of it."""
    return searched(Target(), SLO, least=16.0, goal=60.0)


def test_constant_arrivals_show_slots_over_service_time() -> None:
    found = searched(Target(slots=8, service_s=0.1), least=10.0)

    assert found.carried.value == pytest.approx(80, rel=0.05)
    ends = [each or 0.0 for each in (found.carried.low, found.carried.value, found.carried.high)]
    assert 0 < ends[0] <= ends[1] <= ends[2] <= ends[0] * 1.06
    assert found.limited_by == "backlog"
    assert found.verdict == "pass"
    assert found.used().seconds < 120


def test_poisson_arrivals_agree_with_the_queue_that_they_load() -> None:
    found = searched(Target(slots=8, service_s=0.1), SLO, seed=1)

    assert found.carried.value == pytest.approx(truly_carried(), rel=0.1)
    assert found.limited_by == SLO


def test_a_target_that_never_gives_way_has_a_floor() -> None:
    found = searched(Target(slots=1000), SLO, most=64)

    assert (found.carried.low, found.carried.high) == (64, None)
    assert found.limited_by == "nothing"
    assert "a floor" in found.sentence
    assert found.verdict == "pass"


def test_a_quota_is_no_capacity() -> None:
    found = searched(Target(slots=1000, limit=40), "error_rate < 1%", least=20.0)

    assert found.limited_by == "quota"
    assert found.carried.value == pytest.approx(40, rel=0.05)
    assert found.sentence.startswith("a quota was reached at")


def test_a_target_rate_decides_the_verdict() -> None:
    met, missed = known(), searched(Target(), SLO, least=30.0, goal=120.0)

    for found, goal, verdict in ((met, 60.0, "pass"), (missed, 120.0, "fail")):
        assert found.verdict == verdict
        assert any(level.asked == goal for level in found.levels)
        assert found.headroom == pytest.approx(80 / goal - 1, abs=0.1)


def test_a_target_that_carries_nothing_fails() -> None:
    found = searched(Target(slots=1, service_s=5.0), "p50(e2e) < 100ms", least=2.0)

    assert found.carried.low is None
    assert found.verdict == "fail"
    assert found.sentence.startswith("not even 2.00/s are carried")
    assert max(level.asked for level in found.levels) <= 8


def test_what_was_found_can_be_shown_and_has_its_schema() -> None:
    found = known()

    table = words.table(found)
    assert len(table.rows) == len(found.levels)
    assert all(len(row) == len(table.head) and all(row) for row in table.rows)
    assert any("within" in each for each in words.told(found))
    assert f"{figures.digits(found.carried.value)}/s" in str(load_latency("Load", found))
    assert problems("capacity", found.document()) == []


def test_the_frontier_is_what_certainly_keeps_each_bound() -> None:
    found = known()

    bounds, carried = zip(*((each.bound_ms, each.carried) for each in found.frontier), strict=True)
    assert list(bounds) == sorted(bounds)
    assert list(carried) == sorted(carried)
    assert min(bounds) >= 100


def test_a_queue_that_grows_is_seen_before_its_latency() -> None:
    begun = arrivals(88, 6.0, None)
    ended = begun + waits(begun, Target()) + 0.1

    found = backlog(begun, ended, until_s=6.0)

    assert found is not None
    assert found.grows
    assert found.growth == pytest.approx(8, abs=1)


@pytest.mark.parametrize("rate", [20, 40, 60])
def test_a_queue_that_keeps_up_does_not_grow(rate: float) -> None:
    alarms = 0
    for seed in range(40):
        begun = arrivals(rate, 10.0, np.random.default_rng(seed))
        found = backlog(begun, begun + waits(begun, Target()) + 0.1, until_s=10.0)
        alarms += found is not None and found.grows
    assert alarms <= 2


LEVELS = st.floats(0.6, 900)


@given(edge=LEVELS, grey=st.floats(0, 0.1), gives_way=st.none() | LEVELS)
@settings(max_examples=80, deadline=None)
def test_a_search_ends_with_the_edge_between_what_passed_and_what_failed(
    edge: float, grey: float, gives_way: float | None
) -> None:
    trials: list[SearchTrial] = []
    while step := next_step(trials, SearchRange(1, 1000)):
        trials.append(
            SearchTrial(step.asked, _result(step.asked, edge, grey, gives_way), step.settle)
        )

    found = bracket(trials)
    assert len(trials) < 40
    assert found.passed is None or found.passed < edge
    assert found.failed is None or found.failed > edge
    if gives_way is not None and gives_way < edge * 0.5:
        assert found.failed is None
    elif gives_way is None and grey < 0.02 and edge > 1.2:
        assert found.passed is not None
        assert found.failed is not None
        assert found.failed / found.passed < 1.16


def _result(asked: float, edge: float, grey: float, gives_way: float | None) -> LevelResult:
    if gives_way is not None and asked >= gives_way:
        return LevelResult.CLIENT
    if abs(asked / edge - 1) <= grey:
        return LevelResult.OPEN
    return LevelResult.CARRIED if asked < edge else LevelResult.NOT_CARRIED


def test_users_are_whole() -> None:
    within = SearchRange(1, 64, whole=True)
    trials: list[SearchTrial] = []
    while step := next_step(trials, within):
        assert step.asked == int(step.asked)
        trials.append(
            SearchTrial(
                step.asked,
                LevelResult.CARRIED if step.asked <= 9 else LevelResult.NOT_CARRIED,
                step.settle,
            )
        )

    assert (bracket(trials).passed, bracket(trials).failed) == (9, 10)


def test_a_level_whose_load_was_not_the_one_asked_for_is_the_clients() -> None:
    rows = frame.frame(level_rows("level-01", arrivals(50, 4.0, None), Target(), dropped=3))

    found = judge(
        rows,
        (),
        name="level-01",
        asked=50,
        settled=True,
        open_loop=True,
        noise_floor=None,
    )

    assert (found.result, found.doubtful) == ("client", False)


def test_a_moment_of_a_busy_client_is_tried_once_more() -> None:
    trials = [SearchTrial(1, LevelResult.CARRIED), SearchTrial(2, LevelResult.CLIENT)]

    step = next_step(trials, SearchRange(1, 1000))

    assert step is not None
    assert (step.asked, step.trial) == (2, 1)


def test_a_report_of_a_search_finds_the_same_again_and_shows_the_level_that_was_carried(
    tmp_path: Path,
) -> None:
    kept: dict[str, Table] = {}
    found = searched(Target(), "p95(e2e) < 150ms", least=30.0, kept=kept)
    folder = write_search(tmp_path / "run", found, kept)

    report, again = build_report(folder), build_report(folder)

    assert report.capacity is not None
    assert report.capacity.document() == found.document()
    assert again.summary == report.summary
    assert report.verdict == "pass"
    best = found.best
    assert best is not None
    assert report.summary.requests == best.requests
    assert found.sentence in (folder / "report.md").read_text("utf-8").replace("\\", "")
    assert problems_in(folder) == []
