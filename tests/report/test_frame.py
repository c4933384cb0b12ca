from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure.metrics import METRICS
from harness.measure.objective import parse_objectives
from harness.measure.timeline import Timeline
from harness.report import frame
from harness.report.thresholds import good
from tests.report.folders import answered, failed, table
from tests.sample import Sample

MOMENTS = st.none() | st.integers(0, 10**12)


@st.composite
def any_samples(draw: st.DrawFn) -> Sample:
    outputs = tuple(sorted(draw(st.lists(st.integers(0, 10**10), max_size=5, unique=True))))
    moments: dict[str, Any] = {
        name: draw(MOMENTS)
        for name in ("scheduled_ns", "first_byte_ns", "first_answer_ns", "done_ns")
    }
    timeline = Timeline(
        sent_ns=draw(st.integers(0, 10**12)),
        outputs_ns=outputs,
        first_output_ns=outputs[0] if outputs else None,
        **moments,
    )
    tokens = draw(st.none() | st.integers(0, 50))
    return answered(timeline=timeline, completion_tokens=tokens)


@settings(deadline=None)
@given(st.lists(any_samples(), min_size=1, max_size=20), st.sampled_from(sorted(METRICS)))
def test_the_columns_are_the_metrics_of_each_request(rows: list[Sample], metric: str) -> None:
    found = frame.values(frame.frame(table(rows)), metric)

    expected = [
        value / 1e6
        for sample in rows
        for value in METRICS[metric].values(
            sample.timeline, completion_tokens=sample.completion_tokens
        )
    ]
    assert sorted(found.data.tolist()) == pytest.approx(sorted(expected))


def test_a_failed_request_has_no_latency() -> None:
    rows = frame.frame(table([answered(0), failed(1)]))

    assert len(frame.values(rows, "ttfb")) == 1
    assert len(frame.values(rows, "e2e")) == 1


def test_gaps_know_which_request_they_are_of() -> None:
    rows = [answered(0, gaps_ms=[1.0]), answered(1, gaps_ms=[]), answered(2, gaps_ms=[2.0, 3.0])]

    gaps = frame.values(frame.frame(table(rows)), "inter_chunk")

    assert gaps.data.tolist() == [1.0, 2.0, 3.0]
    assert gaps.owner is not None
    assert gaps.owner.tolist() == [0, 2, 2]


def test_the_warm_up_does_not_count() -> None:
    rows = frame.frame(table([answered(0, phase="warmup"), answered(1)]))

    assert frame.steady(rows).ints("seq").tolist() == [1]


def test_rows_without_a_phase_count() -> None:
    nameless = table([answered()]).to_pylist()
    for name in ("phase", "scenario", "route", "outcome"):
        nameless[0][name] = None

    rows = frame.frame(table([answered()]).from_pylist(nameless, schema=table([]).schema))

    assert len(frame.steady(rows)) == 1
    assert not rows.ok.any()
    assert rows.texts("outcome").counts == {"unrecorded": 1}


def test_a_whole_answer_has_no_first_output_of_its_own_beside_streams() -> None:
    rows = [answered(n, sent_ms=n * 10.0, stream=n % 2 == 0) for n in range(40)]
    rows += [failed(100 + n, sent_ms=n * 10.0 + 5, stream=n % 2 == 0) for n in range(4)]

    mixed, whole = frame.frame(table(rows)), frame.frame(table(rows[1:40:2]))

    assert len(frame.values(mixed, "ttft")) == 20
    assert len(frame.values(mixed, "ttft", failures=True)) == 22
    assert int((~np.isnan(frame.latency(mixed, "ttft").data)).sum()) == 20
    assert len(frame.values(mixed, "e2e")) == 40
    assert len(frame.values(whole, "ttft")) == 20
    within = good(parse_objectives(["p95(ttft) < 1ms"]))
    assert int(within(mixed, "").sum()) == 20
