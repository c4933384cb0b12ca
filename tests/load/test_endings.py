"""However a process of a load ends: the records can be read, the verdict is true, nothing stays."""

import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import execute
from harness.load.launch import Locust, launch
from harness.load.plan import Identity
from harness.load.progress import LoadProgress, State, read_reports
from tests.bench.truth import Truth
from tests.load.commands import processes_in, started, wait_until
from tests.load.conftest import MakePlan, rows, rows_of, scenario

MOMENTS = int(os.environ.get("GATEWAY_HARNESS_KILLS", "3"))
"""How many random moments are tried; 40 by hand."""
UNRECORDED_NS = 3_000_000_000
"""Rows are written every second; on a busy machine later."""


def test_after_the_command_is_killed_nothing_is_sent_for_longer_than_a_second(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    plan()  # configures the server
    out = tmp_path / "killed"
    load = ("native", "--target", truth.origin, "--users", "6", "--processes", "2")
    with started(out, *load, "--duration", "60s", "--rid-header", "x-rid") as command:
        wait_until(lambda: len(truth.record(tmp_path)[0]["rid"]) > 20)

        command.kill()
        killed_ns = time.monotonic_ns()
        command.wait()
        wait_until(lambda: not processes_in(tmp_path), seconds=15)

    record, _ = truth.record(tmp_path)
    assert max(record["received"].tolist()) < killed_ns + 1_000_000_000
    assert len(rows_of(out)) == len(record["rid"])
    assert {one.state for one in read_reports(out, "load")} == {State.CLOSED}


def test_a_killed_worker_is_named_and_the_others_end_with_all_they_sent(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    wanted = plan(users=4, workers=2, duration_s=60.0)
    killed: list[int] = []

    def kill(progress: LoadProgress) -> None:
        if progress.records > 20 and not killed:
            first, _ = read_reports(Path(wanted.folder), wanted.name)
            killed.append(first.pid)
            os.kill(first.pid, signal.SIGKILL)

    outcome = launch(wanted, Identity(), scenario("native", processes=2), on_progress=kill)

    assert outcome.problems[0] == "1 of 2 workers did not finish: load-0 was killed (SIGKILL)"
    record, _ = truth.record(tmp_path)
    recorded = {row["seq"] for row in rows(wanted)}
    sent = set(record["rid"].tolist())
    assert recorded <= sent
    assert {seq % 2 for seq in sent - recorded} <= {0}  # of the survivor all is there


def test_a_load_that_somebody_else_ends_is_no_whole_one_and_its_records_add_up(
    plan: MakePlan,
) -> None:
    wanted = plan(users=4, duration_s=600.0, stream=False)
    ended: list[int] = []

    def end(progress: LoadProgress) -> None:
        if progress.requests > 200 and not ended:
            (report,) = read_reports(Path(wanted.folder), wanted.name)
            ended.append(report.pid)
            os.kill(report.pid, signal.SIGTERM)

    outcome = launch(wanted, Identity(), scenario("native"), on_progress=end)

    assert outcome.problems == ("a process of the load was ended from outside (SIGTERM)",)
    assert outcome.records == outcome.requests


def test_a_worker_that_is_paused_goes_on_and_loses_nothing(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    wanted = plan(users=4, workers=2, duration_s=3.0)
    paused: list[int] = []

    def pause(progress: LoadProgress) -> None:
        if progress.records and not paused:
            paused.append(read_reports(Path(wanted.folder), wanted.name)[0].pid)
            os.kill(paused[0], signal.SIGSTOP)
            time.sleep(1.0)
            os.kill(paused[0], signal.SIGCONT)

    outcome = launch(wanted, Identity(), scenario("native", processes=2), on_progress=pause)

    assert not [problem for problem in outcome.problems if "did not finish" in problem]
    assert len(rows(wanted)) == len(truth.record(tmp_path)[0]["rid"]) == outcome.requests


def test_a_worker_that_was_silent_for_long_is_not_taken_for_one_that_was_killed(
    plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the whole machine sleeps: what lives on this machine is asked, not guessed."""
    monkeypatch.setattr("harness.load.progress.SILENCE_NS", 1)

    outcome = launch(plan(users=2, duration_s=2.0), Identity(), scenario("native"))

    assert outcome.elapsed_s >= 2.0
    assert not outcome.problems


def test_a_worker_that_dies_before_the_start_is_named_and_nothing_is_sent(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    file = tmp_path / "dying.py"
    file.write_text("import os\nprint('no more disk')\nos._exit(5)\n")

    outcome = launch(plan(workers=2), Identity(), Locust(file, processes=2))

    (problem,) = outcome.problems
    assert problem.startswith("2 of 2 workers did not finish: load-0 was never ready: it ended")
    assert "exit code 5" in problem
    assert "no more disk" in problem
    assert len(truth.record(tmp_path)[0]["rid"]) == 0


def test_all_begin_together_however_late_one_is_ready(plan: MakePlan, tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    late_s = 1.5
    file.write_text(
        "import os, time\n"
        "from harness.load.users import GatewayUser\n"
        "class Slow(GatewayUser):\n"
        "    scenario = 'slow'\n"
        "try:\n"
        f"    os.mkdir({str(tmp_path / 'first')!r})\n"
        "except FileExistsError:\n"
        f"    time.sleep({late_s})\n"
    )
    wanted = plan(workers=2, duration_s=0.5)

    launch(wanted, Identity(), Locust(file, processes=2))

    first, second = (one.started_ns for one in read_reports(Path(wanted.folder), wanted.name))
    assert abs(first - second) < late_s * 1e9 / 2


def test_two_loads_at_once_do_not_meet(truth: Truth, plan: MakePlan, tmp_path: Path) -> None:
    one = plan(users=4, workers=2)
    other = replace(one, run_id="other", folder=str(tmp_path / "other"))

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(
            pool.map(
                lambda wanted: launch(wanted, Identity(), scenario("native", processes=2)),
                (one, other),
            )
        )

    assert [outcome.problems for outcome in outcomes] == [(), ()]
    for wanted, outcome in zip((one, other), outcomes, strict=True):
        assert {row["run_id"] for row in rows(wanted)} == {wanted.run_id}
        assert len(rows(wanted)) == outcome.requests > 0
    assert sum(one.requests for one in outcomes) == len(truth.record(tmp_path)[0]["rid"])


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_any_process_may_be_killed_at_any_moment(
    truth: Truth, plan: MakePlan, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plan()  # configures the server
    dice = random.Random(seed)  # noqa: S311 - no secret
    out = tmp_path / "out"
    load = ("native", "--target", truth.origin, "--users", "4", "--processes", "2", "--json")
    lengths = ("--duration", "2s", "--warmup", "0", "--rid-header", "x-rid")
    with started(out, *load, *lengths) as command:
        wait_until(lambda: len(processes_in(tmp_path)) == 2)
        time.sleep(dice.uniform(0, 5))
        victims = [command.pid, *processes_in(tmp_path)]
        victim = dice.choice(victims)
        os.kill(victim, signal.SIGKILL)
        killed_ns = time.monotonic_ns()
        command.wait(60)
        wait_until(lambda: not processes_in(tmp_path))

    record, _ = truth.record(tmp_path)
    sent = dict(zip(record["rid"].tolist(), record["received"].tolist(), strict=True))
    recorded = {row["seq"] for row in rows_of(out)}
    assert recorded <= set(sent)
    assert all(sent[seq] > killed_ns - UNRECORDED_NS for seq in set(sent) - recorded)
    if victim == command.pid:
        assert all(at_ns < killed_ns + 1_000_000_000 for at_ns in sent.values())
    if (out / "run.json").exists():  # else it was killed before it began
        assert execute(["report", str(out), "--json"]) in (0, 3)
    said = capsys.readouterr()
    if '"pass"' in said.out:
        assert recorded == set(sent)
        manifest = json.loads((out / "run.json").read_text())
        assert not manifest.get("interrupted")
