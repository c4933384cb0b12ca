"""Objectives: what can be written, what it means, and what is said about the rest."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.measure.objective import (
    CARRIED_RATE,
    COUNTS,
    LATENCIES,
    RATES,
    RATIO,
    SHARES,
    Objective,
    check_missable,
    parse_objective,
)
from harness.measure.odd import Odd

ALSO = (CARRIED_RATE, RATIO)
LABELS = st.dictionaries(
    st.sampled_from(["route", "scenario", "phase", "worker"]),
    st.text(st.characters(exclude_characters='"', exclude_categories=["Cs", "Cc"]), max_size=8),
    max_size=3,
)
PERCENTILES = st.floats(0.001, 99.99).map(lambda p: f"p{p:.3f}")
OPERATORS = st.sampled_from(["<", "<=", ">", ">="])
LIMITS = st.floats(0, 1e9)


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    labels = tuple(draw(LABELS).items())
    bound = draw(OPERATORS), draw(LIMITS)
    share = draw(OPERATORS), draw(st.floats(0, 1))
    if draw(st.booleans()):
        statistic = draw(PERCENTILES | st.sampled_from(["mean", "min", "max", "p95", "p99.9"]))
        metric = draw(st.sampled_from(LATENCIES))
        return Objective("", statistic, metric, labels, *bound, "ms")
    if draw(st.booleans()):
        return Objective("", None, draw(st.sampled_from(SHARES)), labels, *share, "")
    if draw(st.booleans()):
        counted = draw(OPERATORS | st.just("==")), draw(LIMITS)
        return Objective("", None, draw(st.sampled_from(COUNTS)), labels, *counted, "")
    return Objective("", None, draw(st.sampled_from(RATES)), labels, *bound, "/s")


@given(objectives())
def test_an_objective_written_out_is_read_back(objective: Objective) -> None:
    again = parse_objective(str(objective))

    assert str(again) == str(objective)
    assert (again.statistic, again.metric, again.labels, again.operator, again.limit) == (
        objective.statistic,
        objective.metric,
        objective.labels,
        objective.operator,
        objective.limit,
    )


@pytest.mark.parametrize(
    ("text", "limit", "unit"),
    [
        ("p95(ttft) < 800ms", 800, "ms"),
        ("p95(ttft) < 0.8s", 800, "ms"),
        ("p95(ttft) < 800000 us", 800, "ms"),
        ("p95(ttft) < 8e8ns", 800, "ms"),
        ("error_rate < 1%", 0.01, ""),
        ("error_rate < 0.01", 0.01, ""),
        ("rate > 10/s", 10, "/s"),
        ("rate>10", 10, "/s"),
        ("violations == 0", 0, ""),
        ("violations < 3", 3, ""),
        ("one_piece < 1%", 0.01, ""),
        ("no_done{route=compat} <= 0.5", 0.5, ""),
    ],
)
def test_limits_are_kept_in_one_unit(text: str, limit: float, unit: str) -> None:
    objective = parse_objective(text)

    assert objective.limit == pytest.approx(limit)
    assert objective.unit == unit
    assert objective.text == text


@pytest.mark.parametrize(
    ("text", "quantile"),
    [
        ("p50(e2e) < 1s", 0.5),
        ("p99.9(e2e_scheduled) < 1s", 0.999),
        ("mean(e2e) < 1s", None),
        ("error_rate < 1", None),
    ],
)
def test_a_percentile_is_a_quantile(text: str, quantile: float | None) -> None:
    assert parse_objective(text).quantile == quantile


def test_labels_select_the_groups_that_have_them() -> None:
    objective = parse_objective('p95( ttft { route = compat , scenario="a, b" } ) <= 1s')

    assert objective.labels == (("route", "compat"), ("scenario", "a, b"))
    assert objective.applies_to({"route": "compat", "scenario": "a, b", "phase": "steady"})
    assert not objective.applies_to({"route": "compat"})
    assert parse_objective("rate > 1").applies_to({})


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_a_bound_is_met_on_its_own_side(
    sign: str, *, below: bool, equal: bool, above: bool
) -> None:
    objective = parse_objective(f"p95(ttft) {sign} 800ms")

    assert [objective.met(value) for value in (799.0, 800.0, 801.0)] == [below, equal, above]
    assert not objective.met(math.nan)


def test_a_count_can_be_required_to_be_exactly_so_many() -> None:
    objective = parse_objective("violations == 0")

    assert [objective.met(value) for value in (0, 1)] == [True, False]


def test_every_odd_thing_about_an_answer_can_be_an_objective() -> None:
    assert set(Odd) <= set(SHARES)


@pytest.mark.parametrize(
    ("text", "expected", "at"),
    [
        ("", "a statistic such as p95", 0),
        ("p95(speed) < 1ms", "one of ttfb", 4),
        ("p95(ttft) < 800", "a unit: ns us ms s", 15),
        ("p95(ttft) < 8m", "a unit: ns us ms s", 13),
        ("p95(ttft < 8ms", "')'", 9),
        ("p95(ttft) 8ms", "one of < <= > >=", 10),
        ("p95(ttft) < fast", "a number", 12),
        ("p95(ttft) < 1ms now", "the end", 16),
        ("p0(ttft) < 1ms", "a percentile", 0),
        ("p100(ttft) < 1ms", "a percentile", 0),
        ("median(ttft) < 1ms", "a percentile", 0),
        ("ttft < 1ms", "such as p95(ttft)", 0),
        ("p95(error_rate) < 1%", "one of ttfb", 4),
        ("throughput > 3", "one of error_rate", 0),
        ("error_rate < 1ms", "a unit: %", 14),
        ("error_rate < 20", "a share up to 1, or %", 15),
        ("rate{route} > 1", "'='", 10),
        ("rate{route=a b} > 1", "','", 13),
        ("p95(ttft) == 1ms", "one of < <= > >=", 10),
        ("error_rate == 0", "one of < <= > >=", 11),
        ("violations = 0", "one of < <= > >= ==", 11),
        ("violations == 0%", "no unit", 15),
        ("p95(ttft) < 1e999ms", "a finite number", 12),
    ],
)
def test_bad_text_says_what_was_expected_and_where(text: str, expected: str, at: int) -> None:
    with pytest.raises(UsageError) as raised:
        parse_objective(text)

    message, shown, caret = str(raised.value).split("\n")
    assert expected in message
    assert shown == f"  {text}"
    assert caret == f"  {' ' * at}^"


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_objective(text)


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("carried_rate >= 50/s", "carried_rate >= 50.0/s"),
        ("ratio( p50(ttft) { compat / native } ) < 1.1", "ratio(p50(ttft){compat/native}) < 1.1"),
        ("ratio(p95( ttft )) < 1.10", "ratio(p95(ttft)) < 1.1"),
        ("ratio(p95(ttft{route=compat})) < 2", "ratio(p95(ttft{route=compat})) < 2.0"),
    ],
)
def test_a_launch_may_ask_for_what_spans_routes_or_runs(text: str, shortest: str) -> None:
    objective = parse_objective(text, also=ALSO)

    assert str(objective) == shortest
    assert parse_objective(shortest, also=ALSO).labels == objective.labels
    with pytest.raises(UsageError):
        parse_objective(text)


@pytest.mark.parametrize(
    ("text", "expected", "at"),
    [
        ("ratio(p95(ttft){a/b}) < 2", "p50: routes are compared by their medians", 6),
        ("ratio(p50(tftt){a/b}) < 2", "one of ttfb", 10),
        ("ratio(p50(ttft){a}) < 2", "'/'", 17),
        ("ratio(p50(ttft)} < 2", "')'", 15),
        ("ratio(p50(ttft){a/b}) < 2ms", "no unit", 25),
        ("ratio(p50(ttft){a/b}) == 2", "one of < <= > >=", 22),
    ],
)
def test_a_ratio_that_cannot_be_read_says_where(text: str, expected: str, at: int) -> None:
    with pytest.raises(UsageError) as refused:
        parse_objective(text, also=ALSO)

    assert f"expected {expected}" in str(refused.value)
    assert str(refused.value).endswith(f"\n  {' ' * at}^")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("error_rate < 1", "error_rate < 1%"),
        ("error_rate{route=compat} <= 1.0", "error_rate{route=compat} <= 1%"),
        ("violation_rate <= 100%", "violation_rate <= 1%"),
        ("error_rate > 1", "error_rate > 1%"),
    ],
)
def test_a_share_that_decides_nothing_is_taken_for_percent(text: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_missable([parse_objective(text)])

    assert str(refused.value) == (f"objective: {text!r} decides nothing; did you mean {meant}?")


@pytest.mark.parametrize("text", ["p95(ttft) >= 0ms", "goodput >= 0", "violations >= 0"])
def test_an_objective_that_cannot_be_missed_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be missed"):
        check_missable([parse_objective(text)])


@pytest.mark.parametrize("text", ["error_rate < 100%", "cache_hit_share >= 1", "goodput > 0"])
def test_an_objective_that_can_be_missed_is_taken(text: str) -> None:
    check_missable([parse_objective(text)])
