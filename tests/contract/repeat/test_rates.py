"""Shares of errors, routes against each other, and objectives that the interval decides."""

import pytest
from scipy.stats import binom, binomtest

from harness.contract.repeat.judge import ErrorKind
from harness.contract.repeat.objectives import judged, read_objectives
from harness.contract.repeat.rates import (
    CONFIDENCE,
    LOOKS,
    RepeatedAnswer,
    pairs,
    rows,
    share_of,
)
from harness.errors import UsageError
from harness.measure.proportion import exact, trials_to_settle


def answers(
    route: str,
    bad: int,
    of: int,
    kind: ErrorKind = ErrorKind.EMPTY_BUT_BILLED,
    *,
    calls: bool = True,
) -> list[RepeatedAnswer]:
    """So many bad ones, spread over the rounds."""
    flags = [(n + 1) * bad // of > n * bad // of for n in range(of)]
    return [
        RepeatedAnswer(route, "q", n, calls, kind if flag else None) for n, flag in enumerate(flags)
    ]


@pytest.mark.parametrize(("count", "of"), [(0, 51), (22, 51), (51, 51), (1, 1), (0, 1)])
def test_the_bounds_of_a_share_are_those_of_clopper_and_pearson(count: int, of: int) -> None:
    low, high = exact(count, of, 0.95)

    known = binomtest(count, of).proportion_ci(0.95)
    assert (low, high) == pytest.approx((known.low, known.high))


def test_no_share_is_missed_by_more_than_the_looks_allow() -> None:
    of = 40

    for percent in range(1, 100, 7):
        share = percent / 100
        missed = 0.0
        for count in range(of + 1):
            low, high = exact(count, of, CONFIDENCE)
            missed += 0 if low <= share <= high else binom.pmf(count, of, share)
        assert missed * LOOKS <= 0.05


def test_nothing_asked_may_be_any_share() -> None:
    share = share_of([])

    assert (share.value, share.low, share.high) == (None, 0.0, 1.0)


def test_a_kind_of_error_is_a_share_of_the_requests_that_can_have_it() -> None:
    found = rows([*answers("compat", 22, 51), *answers("compat", 0, 30, calls=False)])

    empty = {r.group: r.share for r in found if r.kind is ErrorKind.EMPTY_BUT_BILLED}
    assert (empty["tools"].count, empty["tools"].of) == (22, 51)
    assert (empty["texts"].count, empty["texts"].of) == (0, 30)
    assert not [row for row in found if row.group == "texts" and row.kind is ErrorKind.NO_CALL]


def test_a_share_of_one_route_alone_tells_the_routes_apart() -> None:
    (found,) = pairs([*answers("native", 0, 51), *answers("compat", 22, 51)])

    assert (found.a, found.b, found.apart) == ("native", "compat", True)
    assert found.low < -22 / 51 < found.high < 0


def test_two_equal_routes_are_not_told_apart() -> None:
    (found,) = pairs([*answers("native", 22, 51), *answers("compat", 20, 51)])

    assert not found.apart


def test_no_difference_counts_that_two_halves_of_one_route_have_too() -> None:
    bad = ErrorKind.EMPTY_BUT_BILLED
    odd = [RepeatedAnswer("compat", "q", n, True, bad if n % 2 else None) for n in range(80)]

    (found,) = pairs([*answers("native", 0, 80), *odd])

    assert found.high < 0
    assert found.floor == 1.0
    assert not found.apart


@pytest.mark.parametrize(
    ("bad", "of", "result"),
    [
        (0, 51, "unknown"),
        (0, 300, "pass"),
        (1, 51, "unknown"),
        (22, 51, "fail"),
        (6, 300, "unknown"),
    ],
)
def test_the_interval_decides_an_objective_and_never_the_point(
    bad: int, of: int, result: str
) -> None:
    objectives = read_objectives(["tool_schema >= 98%"])

    (found,) = judged(objectives, answers("native", bad, of), ["native"])

    assert found.result == result
    assert bool(found.settles) is (result == "unknown")


def test_an_unknown_objective_says_how_many_answers_would_settle_it() -> None:
    (found,) = judged(read_objectives(["answered >= 98%"]), answers("native", 0, 51), ["native"])

    assert "about 256 answers" in found.settles
    assert exact(256, 256, CONFIDENCE)[0] >= 0.98
    assert trials_to_settle(0.98, 0.98, CONFIDENCE) is None


@pytest.mark.parametrize(
    ("metric", "kind", "good"),
    [
        ("tool_schema", ErrorKind.ARGUMENTS, False),
        ("tool_schema", ErrorKind.UNKNOWN_NAME, False),
        ("tool_schema", ErrorKind.NO_CALL, False),
        ("tool_call", ErrorKind.ARGUMENTS, True),
        ("tool_call", ErrorKind.NO_CALL, False),
        ("tool_call", ErrorKind.NO_ANSWER, False),
        ("answered", ErrorKind.NO_CALL, True),
        ("answered", ErrorKind.NO_ANSWER, False),
    ],
)
def test_each_metric_counts_its_errors(metric: str, kind: ErrorKind, good: bool) -> None:
    found = judged(read_objectives([f"{metric} > 50%"]), answers("a", 9, 9, kind), ["a"])

    assert found[0].share.count == (9 if good else 0)


def test_an_objective_with_a_route_is_judged_there_alone() -> None:
    objectives = read_objectives(["tool_call{route=compat} >= 98%"])

    found = judged(objectives, answers("native", 51, 51), ["native", "compat"])

    assert [(each.route, each.result) for each in found] == [("compat", "unknown")]
    assert found[0].settles == "nothing was asked there"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("error_rate < 1%", "a contract run judges tool_schema"),
        ("p95(ttft) < 1s", "a contract run judges tool_schema"),
        ("tool_shema >= 98%", "expected a statistic"),
        ("tool_schema >= 100%", "no number of answers"),
        ("tool_schema{model=x} >= 98%", "no label but route"),
    ],
)
def test_an_objective_on_something_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_objectives([text])
