"""The metric definitions against hand-computed values."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.columns import COLUMNS
from harness.measure.metrics import METRICS, NAMES, SCHEDULED, definitions, inter_chunk, tpot
from harness.measure.timeline import Timeline

MS = 1_000_000
FULL = Timeline(
    sent_ns=100 * MS,
    scheduled_ns=90 * MS,
    headers_ns=140 * MS,
    first_byte_ns=150 * MS,
    first_event_ns=150 * MS,
    first_role_ns=150 * MS,
    first_reasoning_ns=160 * MS,
    first_output_ns=160 * MS,
    first_answer_ns=180 * MS,
    outputs_ns=(160 * MS, 180 * MS, 181 * MS, 220 * MS),
    usage_ns=221 * MS,
    done_ns=230 * MS,
)


def in_ms(name: str, timeline: Timeline, tokens: int | None = 7) -> list[float]:
    return [value / MS for value in METRICS[name].values(timeline, completion_tokens=tokens)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ttfb", [50]),
        ("ttft", [60]),
        ("ttfo", [80]),
        ("inter_chunk", [20, 1, 39]),
        ("tpot", [10]),
        ("e2e", [130]),
        ("ttfb_scheduled", [60]),
        ("ttft_scheduled", [70]),
        ("ttfo_scheduled", [90]),
        ("inter_chunk_scheduled", [20, 1, 39]),
        ("tpot_scheduled", [10]),
        ("e2e_scheduled", [140]),
    ],
)
def test_each_metric_has_the_value_of_its_formula(name: str, expected: list[float]) -> None:
    assert in_ms(name, FULL) == expected


def test_what_did_not_happen_has_no_value() -> None:
    nothing = Timeline(sent_ns=5)

    assert all(METRICS[name].values(nothing, completion_tokens=9) == [] for name in METRICS)


def test_a_request_without_schedule_has_no_scheduled_values() -> None:
    unscheduled = Timeline(sent_ns=0, first_output_ns=1, outputs_ns=(1, 5), done_ns=9)

    assert [name for name in METRICS if METRICS[name].values(unscheduled, completion_tokens=3)] == [
        "ttft",
        "inter_chunk",
        "tpot",
        "e2e",
    ]


@pytest.mark.parametrize("tokens", [None, 0, 1])
def test_time_per_token_needs_two_tokens(tokens: int | None) -> None:
    assert tpot(FULL, tokens) is None


def test_time_per_token_needs_two_output_events() -> None:
    assert tpot(Timeline(sent_ns=0, outputs_ns=(9,)), 50) is None


@given(st.lists(st.integers(0, 10**12), max_size=20).map(sorted))
def test_the_gaps_sum_to_the_time_from_first_to_last_output(times: list[int]) -> None:
    timeline = Timeline(sent_ns=0, outputs_ns=tuple(times))

    assert sum(inter_chunk(timeline)) == (times[-1] - times[0] if times else 0)


def test_every_metric_has_a_twin_and_a_documented_formula() -> None:
    assert list(METRICS) == [twin for name in NAMES for twin in (name, name + SCHEDULED)]
    assert all(all(definition.values()) for definition in definitions().values())


def formula_columns() -> Iterator[tuple[str, str]]:
    for metric in METRICS.values():
        for column in (metric.start, metric.stop):
            if column is not None:
                yield metric.name, column


@pytest.mark.parametrize(("name", "column"), list(formula_columns()))
def test_formulas_speak_of_columns_that_samples_have(name: str, column: str) -> None:
    assert column in COLUMNS
    assert column in METRICS[name].formula
