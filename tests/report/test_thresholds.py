import re
from collections.abc import Sequence

import numpy as np
import pytest

from harness.errors import UsageError
from harness.measure.objective import parse_objectives
from harness.report import frame
from harness.report.tally import summarise
from harness.report.thresholds import Checked, Doubts, check, good
from tests.report.folders import Cells, answered, failed, table
from tests.sample import Sample

MIXED = np.random.default_rng(3).permutation(100).tolist()
HUNDRED = [answered(n, ttft_ms=100 + MIXED[n], sent_ms=n * 10) for n in range(100)]


def checked(
    rows: Sequence[Sample | Cells],
    *texts: str,
    command: str = "load",
    doubts: Doubts = Doubts(),  # noqa: B008 - frozen
) -> dict[tuple[str, str], Checked]:
    found, wanted = frame.frame(table(rows)), parse_objectives(texts)
    routes = summarise(found, good(wanted)).routes
    judged = check(wanted, found, routes, command=command, doubts=doubts)
    return {(each.objective, each.route): each for each in judged}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("p95(ttft) < 200ms", "pass"),
        ("p95(ttft) < 190ms", "unknown"),
        ("p95(ttft) < 180ms", "fail"),
        ("p99(ttft) < 110ms", "fail"),
        ("p50(ttft) < 1s", "pass"),
        ("p99(ttft) < 10s", "unknown"),
        ("p99.9(ttft) < 10s", "unknown"),
        ("max(ttft) < 199ms", "fail"),
        ("mean(ttft) < 160ms", "pass"),
        ("p95(ttft_scheduled) < 1s", "unknown"),
        ("mean(ttft) < 150ms", "unknown"),
        ("error_rate < 1%", "unknown"),
        ("error_rate < 5%", "pass"),
        ("rate > 200/s", "fail"),
        ("cache_hit_share < 5%", "pass"),
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
    rows = [*HUNDRED, *(failed(n, sent_ms=n * 50 + 1) for n in range(20))]

    found = checked(rows, "error_rate < 50%")

    assert [each.result for each in found.values()] == ["pass"]


def test_a_comparison_whose_requests_certainly_fail_misses_the_default_objective() -> None:
    rows = [*HUNDRED, *(failed(n) for n in range(100, 120))]

    found = checked(rows, command="compare")

    assert found["error_rate < 1% (default)", "native"].result == "fail"


def test_an_objective_that_cannot_be_read_is_the_callers_fault() -> None:
    with pytest.raises(UsageError, match="expected one of"):
        parse_objectives(["p95(tftt) < 1s"])


def test_a_limit_within_the_interval_is_close_and_says_what_would_settle_it() -> None:
    each = checked(HUNDRED, "p95(ttft) < 197ms")["p95(ttft) < 197ms", "native"]

    assert each.result == "unknown"
    more = r"too close to tell; about \d+ more requests \(\S+ s of this load, \S+ tokens\)"
    assert re.search(more, each.measured)


@pytest.mark.parametrize(("answers", "result"), [(5, "unknown"), (360, "unknown"), (380, "pass")])
def test_no_failure_is_no_pass_before_it_is_certain(answers: int, result: str) -> None:
    rows = [answered(n, sent_ms=n * 10) for n in range(answers)]

    assert checked(rows, "error_rate < 1%")["error_rate < 1%", "native"].result == result


def test_requests_that_failed_took_longer_than_any_answer() -> None:
    rows = [*HUNDRED, *(failed(n, sent_ms=n * 37 % 1000) for n in range(100, 125))]

    found = checked(
        rows, "p95(ttft) < 10s", "p50(ttft) < 10s", "max(ttft) < 10s", "mean(ttft) < 1s"
    )

    told = {text: (each.result, each.measured) for (text, _), each in found.items()}
    assert told["p95(ttft) < 10s"] == ("fail", "longer than any answer: 20.0% failed")
    assert told["max(ttft) < 10s"] == ("fail", "longer than any answer: 20.0% failed")
    assert told["p50(ttft) < 10s"][0] == "pass"
    assert told["mean(ttft) < 1s"] == ("unknown", "there is no mean: 25 of 125 failed")


def test_what_the_client_did_itself_is_in_no_percentile() -> None:
    rows = [*HUNDRED, *(failed(n, outcome="client_limit", sent_ms=n) for n in range(100, 200))]

    assert checked(rows, "p95(ttft) < 10s")["p95(ttft) < 10s", "native"].result == "pass"


def test_neighbours_that_resemble_each_other_are_worth_fewer() -> None:
    slow = [answered(n, ttft_ms=100 + n, sent_ms=n * 10) for n in range(100)]

    each = checked(slow, "p95(ttft) < 300ms")["p95(ttft) < 300ms", "native"]

    assert each.result == "unknown"
    assert "alike among neighbours" in each.measured
