"""Counts that can be added up, and what they are held against."""

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.errors import UsageError
from harness.load.abort import LEAST_REQUESTS, AbortWatch
from harness.load.display import Display
from harness.load.outcome import outcome_of
from harness.load.plan import LoadPlan
from harness.load.progress import (
    FOLDER,
    LoadProgress,
    State,
    WorkerReport,
    add_up,
    read_reports,
    write_report,
)
from harness.load.tally import RouteTally, total
from harness.measure.histogram import Histogram
from harness.routes.address import Address
from tests.load.samples import tally

PLAN = LoadPlan(run_id="r", folder="", address=Address(), model="m")


def progress(*, elapsed_s: float = 10.0, **routes: RouteTally) -> LoadProgress:
    requests = sum(one.requests for one in routes.values())
    return LoadProgress(elapsed_s, routes, records=requests, states=(State.CLOSED,))


@given(st.lists(st.sampled_from(["ok", "cut", "rate_limited"]), max_size=20), st.integers(0, 20))
def test_counting_in_parts_and_adding_up_is_counting_at_once(outcomes: list[str], at: int) -> None:
    parts = [tally(*outcomes[:at]), tally(*outcomes[at:])]

    assert total(parts).to_dict() == tally(*outcomes).to_dict()


def test_a_tally_comes_back_from_json() -> None:
    made = tally("ok", "cut", layer="edge")

    again = RouteTally.from_dict(json.loads(json.dumps(made.to_dict())))

    assert again.to_dict() == made.to_dict()
    assert again.layers == Counter(edge=1)


def test_only_good_answers_have_latencies() -> None:
    made = tally("ok", "cut")

    assert made.latencies["ttft"].count == 1
    assert made.latencies["inter_chunk"].count == 2


def test_reports_of_workers_come_back_and_add_up(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    for index in range(2):
        report = WorkerReport(f"load-{index}", 1, started_ns=index, updated_ns=5_000_000_000)
        report.routes["native"] = tally("ok", "cut")
        report.loop_lag = Histogram([1_000_000])
        write_report(tmp_path, report)

    whole = add_up(read_reports(tmp_path, "load"))

    assert (whole.requests, whole.errors) == (4, 2)
    assert whole.elapsed_s == 5.0
    assert whole.loop_lag.count == 2
    assert not read_reports(tmp_path, "compare")


@pytest.mark.parametrize(
    ("expression", "trips"),
    [
        ("error_rate > 20%", True),
        ("error_rate > 60%", False),
        ("error_rate{route=compat} > 90%", True),
        ("error_rate{route=native} > 10%", False),
        ("p95(ttft) > 40ms", True),
        ("p95(ttft{route=compat}) > 40ms", False),
        ("mean(ttft{route=native}) > 60ms", False),
        ("rate < 5/s", True),
        ("goodput > 5/s", False),
        ("violations > 0", False),
    ],
)
def test_an_abort_condition_is_held_against_the_counts(expression: str, trips: bool) -> None:
    now = progress(native=tally(*["ok"] * 20), compat=tally(*["cut"] * 20))
    watch = AbortWatch([expression])

    assert watch.trips(now) is trips
    assert watch.tripped == (expression if trips else None)


def test_a_few_requests_abort_nothing() -> None:
    few = progress(native=tally(*["cut"] * (LEAST_REQUESTS - 1)))

    assert not AbortWatch(["error_rate > 1%"]).trips(few)


def test_an_abort_condition_trips_once() -> None:
    now = progress(native=tally(*["cut"] * 30))
    watch = AbortWatch(["error_rate > 1%"])

    assert [watch.trips(now), watch.trips(now)] == [True, False]


def test_an_abort_condition_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="expected"):
        AbortWatch(["errors > 3"])


def test_what_is_not_counted_live_cannot_abort() -> None:
    with pytest.raises(UsageError, match="one_piece is not counted live"):
        AbortWatch(["one_piece > 1%"])


def outcome_with(now: LoadProgress, *, workers: int = 1) -> str:
    found = outcome_of(PLAN, now, interrupted=False, aborted=None, expected_workers=workers)
    return "; ".join(found.problems)


def test_a_load_that_is_whole_has_no_problems() -> None:
    assert outcome_with(progress(native=tally("ok"))) == ""


def test_missing_workers_and_records_are_problems() -> None:
    short = replace(progress(native=tally("ok", "ok")), records=1)

    problems = outcome_with(short, workers=2)

    assert "1 of 2 workers did not finish" in problems
    assert "2 requests ended, 1 were recorded" in problems


def test_what_the_client_did_itself_is_no_error_of_the_target() -> None:
    now = progress(native=tally("ok", "http_5xx", "dropped", "client_limit", "proxy", "cancelled"))

    whole, stopped = (
        outcome_of(PLAN, now, interrupted=each, aborted=None, expected_workers=1)
        for each in (False, True)
    )

    assert (whole.errors, stopped.errors) == (2, 1)


def test_what_was_not_sent_is_noted_with_the_bound_that_kept_it() -> None:
    now = progress(native=tally("ok", "dropped", "dropped"))

    found = outcome_of(PLAN, now, interrupted=False, aborted=None, expected_workers=1)

    bound = f"--in-flight {PLAN.bound}, or too late to be started"
    assert found.notes == (f"2 requests were dropped at {bound}: raise it, or use less load",)


def test_a_late_loop_alone_decides_nothing() -> None:
    late = replace(progress(native=tally("ok")), loop_lag=Histogram([150_000_000] * 100))

    assert outcome_with(late) == ""


@pytest.mark.parametrize(
    ("outcomes", "layer", "expected"),
    [
        (["refused", "refused"], "network", "refused by the network"),
        (["unauthorized"], "gateway", "refused by the gateway"),
        (["rate_limited", "http_5xx"], "provider", "refused by the provider"),
        (["refused", "ok"], "network", None),
        (["malformed"], "provider", None),
        (["unauthorized", "malformed"], "provider", None),
        ([], None, None),
    ],
)
def test_a_target_that_lets_nobody_in_is_told_from_one_that_answers_badly(
    outcomes: list[str], layer: str | None, expected: str | None
) -> None:
    now = progress(native=tally(*outcomes, layer=layer))

    blocked = outcome_of(PLAN, now, interrupted=False, aborted=None, expected_workers=1).blocked

    assert (blocked is None) == (expected is None)
    assert expected is None or expected in str(blocked)


def test_a_load_that_is_over_is_told_once() -> None:
    output = io.StringIO()
    with Display("load", seconds=0, console=Console(file=output, width=200)) as display:
        for second in range(0, 60, 5):
            display(progress(elapsed_s=second, native=tally("ok")))

    assert len(output.getvalue().splitlines()) == 1


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    output = io.StringIO()
    with Display("load", seconds=30, console=Console(file=output, width=200)) as display:
        for second in range(12):
            requests = ["ok"] * (second * 2) + ["cut"]
            display(progress(elapsed_s=second, native=tally(*requests)))

    assert output.getvalue().splitlines() == [
        "load: 5 of 30 s: 2.0/s · p95 TTFT 50 ms · 11 requests · 1 errors · 0 under way",
        "load: 10 of 30 s: 2.0/s · p95 TTFT 50 ms · 21 requests · 1 errors · 0 under way",
    ]


def test_a_comparison_is_followed_by_its_blocks() -> None:
    output = io.StringIO()
    console = Console(file=output, width=200)
    with Display("compare", seconds=1800, blocks=10, size=3, console=console) as display:
        display(progress(elapsed_s=6, native=tally(*["ok"] * 13)))

    assert output.getvalue().startswith("compare: 4 of 10 blocks: 0.0/s · p95 TTFT 50 ms · 13 req")


def test_no_more_is_told_than_there_is() -> None:
    """The first block of a comparison opens connections and is sent beside the others."""
    output = io.StringIO()
    console = Console(file=output, width=200)
    with Display("compare", seconds=1800, blocks=10, size=3, console=console) as display:
        display(progress(elapsed_s=6, native=tally(*["ok"] * 33)))
    with Display("load", seconds=5, console=console) as display:
        display(progress(elapsed_s=6, native=tally("ok")))

    told = [line.partition(":")[2].partition(":")[0] for line in output.getvalue().splitlines()]
    assert told == [" 10 of 10 blocks", " 5 of 5 s"]


def test_on_a_terminal_there_is_one_line_that_is_gone_afterwards() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=120)
    with Display("load", seconds=30, console=console) as display:
        display(progress(elapsed_s=3, native=tally("ok")))

    assert "p95 TTFT 50 ms" in output.getvalue()


def test_without_a_terminal_it_says_what_it_waits_for_and_where_the_page_is() -> None:
    output = io.StringIO()
    with Display("load", seconds=30, console=Console(file=output, width=200)) as display:
        for doing in ("starting", "starting", "waiting for 1 of 2 workers on h:1", "warming up"):
            display(LoadProgress(doing=doing))
        display(LoadProgress(doing="warming up", page="http://127.0.0.1:1"))
        display(replace(progress(elapsed_s=6.0, native=tally("ok")), doing="sending"))

    assert output.getvalue().splitlines() == [
        "load: starting",
        "load: waiting for 1 of 2 workers on h:1",
        "load: warming up",
        "Locust's page: http://127.0.0.1:1 (Ctrl-C ends it)",
        "load: 6 of 30 s: sending · 0.2/s · p95 TTFT 50 ms · 1 requests · 0 errors · 0 under way",
    ]
