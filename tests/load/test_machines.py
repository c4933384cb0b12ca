"""A load of several machines, which are folders here: one master, its workers, one report."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.load.progress import State, read_reports
from tests.bench.truth import Truth
from tests.load.commands import printed, processes_of, started, wait_until
from tests.load.conftest import MakePlan, rows_of


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BASETEN_API_KEY", "CF_AIG_TOKEN", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)


def master_of(truth: Truth, *, seconds: float = 2) -> tuple[str, ...]:
    """A master's options: everything about the load is here."""
    return (
        *("native", "--master", "--expect-workers", "2", "--master-port", "0", "--users", "5"),
        *("--target", truth.origin, "--rid-header", "x-rid"),
        *("--duration", f"{seconds}s", "--warmup", "0"),
    )


@contextmanager
def cluster(
    tmp_path: Path, *options: str, seconds: float = 2, truth: Truth
) -> Iterator[tuple[Any, Any, Any]]:
    """A master and two workers that know nothing but its port, all started."""
    with ExitStack() as stack:
        master = stack.enter_context(
            started(tmp_path / "master", *master_of(truth, seconds=seconds), *options)
        )
        port = port_of(tmp_path / "master")
        workers = [
            stack.enter_context(started(tmp_path / name, "--worker", "--master-port", port))
            for name in ("a", "b")
        ]
        yield master, workers[0], workers[1]


def port_of(out: Path) -> str:
    """Where a master waits, as it says itself."""
    wait_until(lambda: ports_of(out))
    return ports_of(out)[0]


def ports_of(out: Path) -> list[str]:
    return re.findall(r"waiting for 2 of 2 workers on 127\.0\.0\.1:(\d+)", printed(out))


def test_a_master_and_two_workers_end_in_one_report_of_all_requests(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    with cluster(tmp_path, truth=truth) as (master, *workers):
        assert master.wait(60) == 0, printed(tmp_path / "master")
        assert {worker.wait(30) for worker in workers} <= {
            0,
            3,
        }  # 3: the machine was busy, printed(tmp_path / "a")

    record, _ = truth.record(tmp_path)
    samples = rows_of(tmp_path / "master")
    assert sorted(row["seq"] for row in samples) == sorted(record["rid"].tolist())
    assert {row["worker"] for row in samples} == {"load-0", "load-1"}
    summary = json.loads((tmp_path / "master" / "summary.json").read_text())
    assert summary["routes"]["native"]["requests"] == len(samples)
    assert f"pass: {len(samples)} requests" in printed(tmp_path / "master")
    manifest = json.loads((tmp_path / "master" / "run.json").read_text())
    assert sorted(manifest["clocks"]) == ["load-0", "load-1"]
    assert all(one.clock for one in read_reports(tmp_path / "master", "load"))
    shares = [rows_of(tmp_path / name) for name in ("a", "b")]
    assert sum(map(len, shares)) == len(samples)


def test_samples_that_are_left_are_merged_by_the_command_that_is_printed(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    with cluster(tmp_path, "--leave-samples", truth=truth) as (master, *workers):
        assert master.wait(60) == 3
        assert {worker.wait(30) for worker in workers} <= {0, 3}

    assert rows_of(tmp_path / "master") == []
    folders = " ".join(sorted(str(tmp_path / name) for name in ("a", "b")))
    assert f"gateway-harness report {folders} --out merged" in printed(tmp_path / "master")


def test_workers_stop_and_keep_their_records_when_the_master_is_killed(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    with cluster(tmp_path, seconds=120, truth=truth) as (master, *workers):
        wait_until(lambda: len(truth.record(tmp_path)[0]["rid"]) > 20)
        for pid in processes_of(tmp_path / "master"):
            os.kill(pid, signal.SIGKILL)
        killed_ns = time.monotonic_ns()
        assert [worker.wait(30) for worker in workers] == [3, 3]
        assert master.wait(30) == 3

    record, _ = truth.record(tmp_path)
    assert max(record["received"].tolist()) < killed_ns + 20_000_000_000
    recorded = [row["seq"] for name in ("a", "b") for row in rows_of(tmp_path / name)]
    assert sorted(recorded) == sorted(record["rid"].tolist())
    assert "the master was lost" in printed(tmp_path / "a")


def test_a_killed_worker_makes_the_whole_unknown_and_is_named(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    with cluster(tmp_path, seconds=3, truth=truth) as (master, first, _):
        wait_until(lambda: len(truth.record(tmp_path)[0]["rid"]) > 20)
        os.kill(processes_of(tmp_path / "a")[0], signal.SIGKILL)
        assert master.wait(60) == 3
        assert first.wait(30) == 3

    lost = next(
        one for one in read_reports(tmp_path / "master", "load") if one.state is not State.CLOSED
    )
    said = printed(tmp_path / "master")
    assert "1 of 2 workers did not finish" in said
    assert f"{lost.worker}: nothing was heard of it" in said
    assert "was killed (SIGKILL)" in printed(tmp_path / "a")


def test_a_worker_that_lacks_a_key_says_so_and_nothing_is_sent(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    key = {"BASETEN_API_KEY": "the-masters-own"}
    with ExitStack() as stack:
        out = tmp_path / "master"
        master = stack.enter_context(started(out, *master_of(truth), **key))
        port = port_of(out)
        worker = ("--worker", "--master-port", port)
        good = stack.enter_context(started(tmp_path / "a", *worker, **key))
        bad = stack.enter_context(started(tmp_path / "b", *worker))
        assert (bad.wait(30), master.wait(30)) == (2, 2)
        good.wait(30)

    assert "needs BASETEN_API_KEY: not set on this machine" in printed(tmp_path / "b")
    assert "needs BASETEN_API_KEY: not set on this machine" in printed(out)
    assert len(truth.record(tmp_path)[0]["rid"]) == 0


def test_a_worker_that_misses_heartbeats_goes_on_and_the_whole_is_whole(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    with cluster(tmp_path, seconds=7, truth=truth) as (master, *_):
        wait_until(lambda: len(truth.record(tmp_path)[0]["rid"]) > 20)
        (pid,) = processes_of(tmp_path / "a")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(4.5)  # Locust calls a worker missing after three seconds
        os.kill(pid, signal.SIGCONT)
        master.wait(60)

    record, _ = truth.record(tmp_path)
    samples = rows_of(tmp_path / "master")
    assert sorted(row["seq"] for row in samples) == sorted(record["rid"].tolist())
    assert "did not finish" not in printed(tmp_path / "master")


def test_one_worker_too_many_is_refused_and_the_others_are_not_disturbed(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    with cluster(tmp_path, seconds=6, truth=truth) as (master, *workers):
        wait_until(lambda: len(truth.record(tmp_path)[0]["rid"]) > 0)
        port = ports_of(tmp_path / "master")[0]
        with started(tmp_path / "c", "--worker", "--master-port", port) as late:
            assert late.wait(30) == 2
        assert master.wait(60) == 0
        assert {worker.wait(30) for worker in workers} <= {0, 3}

    assert "error: the master has all the workers that it expects" in printed(tmp_path / "c")
