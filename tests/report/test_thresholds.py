from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.errors import UsageError
from harness.report import frame
from harness.report.summary import summarise
from harness.report.thresholds import Checked, Doubts, check, good, objectives, wilson
from tests.report.folders import Cells, answered, failed, table
from tests.sample import Sample

HUNDRED = [answered(n, ttft_ms=100 + n, sent_ms=n * 10) for n in range(100)]


def checked(
    rows: Sequence[Sample | Cells],
    *texts: str,
    command: str = "load",
    doubts: Doubts = Doubts(),  # noqa: B008 - frozen
) -> dict[tuple[str, str], Checked]:
    found, wanted = frame.frame(table(rows)), objectives(texts)
    routes = summarise(found, good(wanted))["routes"]
    judged = check(wanted, found, routes, command=command, doubts=doubts)
    return {(each.objective, each.route): each for each in judged}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("p95(ttft) < 200ms", "pass"),
        ("p95(ttft) < 190ms", "fail"),
        ("p50(ttft) < 1s", "pass"),
        ("p99(ttft) < 10s", "unknown"),
        ("p99.9(ttft) < 10s", "unknown"),
        ("max(ttft) < 199ms", "fail"),
        ("mean(ttft) < 150ms", "pass"),
        ("p95(ttft_scheduled) < 1s", "unknown"),
        ("error_rate < 1%", "pass"),
        ("rate > 100/s", "fail"),
        ("cache_hit_share < 1%", "pass"),
        ("p50(inter_chunk) <= 10ms", "pass"),
    ],
)
def test_an_objective_is_met_missed_or_cannot_be_judged(text: str, result: str) -> None:
    assert checked(HUNDRED, text)[text, "native"].result == result


def test_an_objective_applies_to_every_route_or_to_the_one_it_names() -> None:
    rows = [*HUNDRED, *(answered(n, route="compat") for n in range(100, 200))]

    found = checked(rows, "p50(ttft) < 1s", "p50(ttft{route=compat}) < 1s")

    assert {route for text, route in found if "{" not in text} >= {"native", "compat"}
    assert {route for text, route in found if "{" in text} == {"compat"}


def test_an_objective_on_a_route_that_was_not_measured_is_unknown() -> None:
    found = checked(HUNDRED, "p50(ttft{route=model}) < 1s")

    each = found["p50(ttft{route=model}) < 1s", "model"]
    assert (each.result, each.measured) == ("unknown", "nothing was measured")


def test_what_was_measured_is_shown_with_its_interval() -> None:
    each = checked(HUNDRED, "p95(ttft) < 200ms")["p95(ttft) < 200ms", "native"]

    assert each.measured == "194 ms (189\N{EN DASH}199 ms)"
    assert each.value == pytest.approx(194.05)


def test_a_load_with_many_failures_misses_the_default_objective() -> None:
    rows = [*HUNDRED, *(failed(n) for n in range(100, 120))]

    assert checked(rows)["error_rate < 1% (default)", "native"].result == "fail"


def test_few_failures_are_no_more_than_a_warning_by_default() -> None:
    rows = [*HUNDRED, failed(100), failed(101)]

    assert checked(rows)["error_rate < 1% (default)", "native"].result == "warn"


def test_an_objective_on_errors_replaces_the_default() -> None:
    rows = [*HUNDRED, *(failed(n) for n in range(100, 120))]

    found = checked(rows, "error_rate < 50%")

    assert [each.result for each in found.values()] == ["pass"]


def test_a_comparison_has_no_default_objective() -> None:
    assert checked([failed()], command="compare") == {}


def test_an_objective_that_cannot_be_read_is_the_callers_fault() -> None:
    with pytest.raises(UsageError, match="expected one of"):
        objectives(["p95(tftt) < 1s"])


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_scipys_score_interval(counted: tuple[int, int]) -> None:
    expected = stats.binomtest(*counted).proportion_ci(method="wilson")

    low, high = wilson(*counted)

    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)
