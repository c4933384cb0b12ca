"""Calibrations with a real server and real sockets; how exact they are is the bench's subject."""

import math
import os
import time
from dataclasses import replace
from pathlib import Path

import gevent
import pytest

from harness.errors import UsageError
from harness.load.calibration import Ask, CalibrationRow
from harness.load.calibration_client import open_client
from harness.load.calibration_run import calibrate
from harness.load.launch import launch
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import read_reports
from harness.load.session import facts_of
from harness.routes.address import Address
from tests.bench.truth import Truth
from tests.load.conftest import MakePlan, rows, scenario

PLAN = LoadPlan(
    run_id="r", folder="/nowhere", address=Address("http://h", "a", "g"), model="m", users=4
)
LONG_S = 60.0


class _Fixed:
    """A client that sends nothing."""

    def __init__(self, row: CalibrationRow | None, *, takes_s: float = 0.0) -> None:
        self.closed = False
        self._row = row
        self._takes_s = takes_s

    def send(self, rid: int, ask: Ask) -> CalibrationRow | None:
        """The same answer to everything."""
        del rid, ask
        gevent.sleep(self._takes_s)
        return self._row

    def close(self) -> None:
        """Note that."""
        self.closed = True


@pytest.mark.parametrize("stream", [True, False])
def test_the_loads_own_client_is_measured(stream: bool) -> None:
    found = calibrate(replace(PLAN, stream=stream), open_client, bound_s=LONG_S)

    floor = found.floor
    assert found.reason is None
    assert floor is not None
    assert floor.streams == 4
    for error in (floor.ttft_ms, floor.e2e_ms, *([floor.inter_chunk_ms] if stream else [])):
        assert error.p50 is not None
        assert error.p99 is not None
        assert 0 <= error.p50 <= error.p99 < 10_000
    assert 1 < floor.cpu_us_per_request < 1e6
    assert (floor.cpu_us_per_chunk is None) is not stream
    assert 10 < floor.max_rate < 1e6
    assert 0 < floor.cpu_share < 4
    assert math.isfinite(floor.chunks_per_second)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)

    assert calibrate(PLAN, open_client, bound_s=LONG_S).reason is None


def test_without_calibration_nothing_is_sent_and_the_reason_is_told() -> None:
    def refuse(plan: LoadPlan, origin: str) -> _Fixed:
        raise AssertionError((plan, origin))

    found = calibrate(replace(PLAN, calibrate=False), refuse)

    assert (found.floor, found.reason) == (None, "it was not calibrated (--no-calibrate)")


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (_Fixed(None), "a request of the burst failed"),
        (_Fixed(CalibrationRow(-2, 0, 0, 0), takes_s=0.001), "answers did not come back whole"),
        (_Fixed(CalibrationRow(-2, 0, 0, 0), takes_s=30.0), "it took longer than 1 s"),
    ],
    ids=["failing", "inventing", "hanging"],
)
def test_a_failed_calibration_says_why_and_ends_in_time(client: _Fixed, reason: str) -> None:
    started = time.monotonic()

    found = calibrate(PLAN, lambda *_: client, bound_s=1.0)

    assert found.floor is None
    assert reason in (found.reason or "")
    assert client.closed
    assert time.monotonic() - started < 20


def test_a_client_that_cannot_be_made_leaves_the_floor_unknown() -> None:
    def fail(plan: LoadPlan, origin: str) -> _Fixed:
        raise OSError(24, os.strerror(24), f"{plan.name} to {origin}")

    found = calibrate(PLAN, fail)

    assert found.floor is None
    assert "its calibration failed: [Errno 24]" in (found.reason or "")


def test_a_load_is_calibrated_in_every_process_and_its_target_sees_nothing_of_it(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    wanted = plan(users=2, workers=2, duration_s=0.5, calibrate=True, beyond_calibration=True)

    outcome = launch(wanted, Identity(), scenario("native", processes=2))

    reports = read_reports(Path(wanted.folder), wanted.name)
    record, _ = truth.record(tmp_path)
    assert [(one.noise_floor or {}).get("streams") for one in reports] == [1, 1]
    assert outcome.requests == len(rows(wanted)) == len(record["rid"])


def test_a_load_without_calibration_says_that_its_error_is_not_known(plan: MakePlan) -> None:
    outcome = launch(plan(duration_s=0.2), Identity(), scenario("native"))

    assert facts_of(outcome)["notes"] == [
        "the client's own error is not known: it was not calibrated (--no-calibrate)"
    ]


def test_a_plan_beyond_the_calibration_is_refused_and_nothing_is_sent(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    wanted = plan(rate=1e6, in_flight=1, stream=False, duration_s=0.05, calibrate=True)

    with pytest.raises(UsageError, match=r"1,000,000 requests/s .* --beyond-calibration"):
        launch(wanted, Identity(), scenario("native"))

    record, _ = truth.record(tmp_path)
    assert len(record["rid"]) == len(rows(wanted)) == 0


def test_a_plan_beyond_the_calibration_runs_by_flag_with_a_note(plan: MakePlan) -> None:
    fields = {"calibrate": True, "beyond_calibration": True, "in_flight": 1, "stream": False}
    wanted = plan(rate=1e5, duration_s=0.05, **fields)

    outcome = launch(wanted, Identity(), scenario("native"))

    assert outcome.requests == 5000
    assert "run beyond the calibration: the plan asks for 100,000 requests/s" in outcome.notes[0]
