"""Whole loads: Locust in a subprocess against a server that records what it sent.

Nothing here looks at durations: that is the bench's job. What is sent is recorded, all of it, once.
"""

import json
import os
import signal
import socket
import stat
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.load import supervisor
from harness.load.arrivals import Arrivals
from harness.load.launch import Locust, launch
from harness.load.plan import Caps, Identity
from harness.load.progress import LoadProgress, read_reports
from harness.load.supervisor import HOPELESS_REQUESTS
from harness.load.ticket import BLOCK_STEP
from harness.report.samples import convert
from harness.routes.address import Address, Credentials
from harness.routes.route import ROUTES
from tests.bench.truth import Truth
from tests.load.conftest import MakePlan, rows, scenario
from tests.transports.peer import answering, plain, serving

SECRET = "bst-9f2c77aa41d0"  # noqa: S105 - made up, to be looked for


def test_every_request_that_the_server_saw_is_a_sample(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    truth.configure(ttft_us=50_000, gap_us=10_000, n=100)
    wanted = plan(users=40, duration_s=2.0)

    outcome = launch(wanted, Identity(), scenario("native"))

    samples = {row["seq"]: row for row in rows(wanted)}
    record, times = truth.record(tmp_path)
    assert outcome.requests == len(samples) == len(record["rid"])
    assert outcome.problems == ()
    assert set(samples) == set(record["rid"].tolist())
    assert len(times) == 100 * len(samples)
    for rid, received_ns, chunks in zip(
        record["rid"].tolist(), record["received"].tolist(), record["chunks"].tolist(), strict=True
    ):
        sample = samples[rid]
        assert (sample["outcome"], sample["output_chunks"]) == ("ok", chunks)
        assert len(sample["gap_ms"]) == chunks - 1
        assert sample["completion_tokens"] == 100
        assert sample["sent_ns"] <= received_ns <= sample["first_output_ns"] + 100_000


def test_an_open_loop_sends_or_drops_everything_that_is_due(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    truth.configure(delay_us=200_000)
    wanted = plan(rate=50.0, in_flight=4, stream=False, warmup_s=0.5, duration_s=1.0)

    outcome = launch(wanted, Identity(), scenario("mixed"))

    samples = rows(wanted)
    due = sorted(row["scheduled_ns"] for row in samples)
    record, _ = truth.record(tmp_path)
    assert len(samples) == 75
    assert [due_ns - due[0] for due_ns in due] == [int(i * 1e9 / 50) for i in range(75)]
    assert Counter(row["phase"] for row in samples) == {"warmup": 25, "steady": 50}
    assert Counter(row["route"] for row in samples) == dict.fromkeys(ROUTES, 25)
    dropped = [row for row in samples if row["outcome"] == "dropped"]
    assert outcome.dropped == len(dropped) > 0
    assert all(row["sent_ns"] is None for row in dropped)
    assert len(dropped) + len(record["rid"]) == 75
    assert all(row["sent_ns"] >= row["scheduled_ns"] for row in samples if row not in dropped)


def test_a_rate_beyond_what_can_be_sent_loses_no_request(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    truth.configure(delay_us=0)
    wanted = plan(rate=20_000.0, stream=False, duration_s=0.3)

    outcome = launch(wanted, Identity(), scenario("native"))

    samples = rows(wanted)
    record, _ = truth.record(tmp_path)
    dropped = [row for row in samples if row["outcome"] == "dropped"]
    assert len(samples) == outcome.requests == 6_000
    assert len(samples) - len(dropped) == len(record["rid"])


def test_two_processes_keep_the_cap_and_no_secret_is_left_behind(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    identity = Identity(Credentials(provider_key=SECRET), (("cookie", SECRET),))
    wanted = plan(
        workers=2, rate=100.0, arrivals=Arrivals.POISSON, caps=Caps(requests=31), store_bodies=True
    )

    outcome = launch(wanted, identity, scenario("native", processes=2))

    samples = rows(wanted)
    record, _ = truth.record(tmp_path)
    assert outcome.requests == len(samples) == len(record["rid"]) == 31
    assert outcome.exhausted == "--max-requests 31 is used up"
    assert {row["worker"] for row in samples} == {"load-0", "load-1"}
    assert len({row["seq"] for row in samples}) == 31
    files = [path for path in Path(wanted.folder).rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    bodies = b"".join(path.read_bytes() for path in files if path.name.startswith("bodies-"))
    assert bodies.count(b"\n") == 31


def test_samples_and_bodies_are_their_owners_alone(plan: MakePlan) -> None:
    wanted = plan(users=1, caps=Caps(requests=3), store_bodies=True, stream=False)

    launch(wanted, Identity(), scenario("native"))
    convert(Path(wanted.folder))

    folder = Path(wanted.folder)
    private = [*(folder / "samples").iterdir(), *folder.glob("bodies-*")]
    assert {path.suffix for path in private} == {".arrows", ".parquet", ".jsonl"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE((folder / "samples").stat().st_mode) == 0o700


def test_a_key_that_the_target_says_back_is_in_no_file(plan: MakePlan) -> None:
    body = json.dumps(
        {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": f"saw {SECRET}"}]}
    )
    said = [f"{name}: {SECRET}" for name in ("cf-ray", "cf-aig-log-id", "cf-aig-cache-status")]
    answer = plain(body.encode(), "content-type: application/json", *said)
    with serving(answering(*[answer] * 50)) as peer:
        wanted = plan(
            address=Address(peer.url, "acc", "gw"),
            users=1,
            caps=Caps(requests=5),
            store_bodies=True,
            stream=False,
        )
        launch(wanted, Identity(Credentials(provider_key=SECRET)), scenario("native"))
        convert(Path(wanted.folder))

    samples = rows(wanted)
    files = [path for path in Path(wanted.folder).rglob("*") if path.is_file()]
    assert [row["finish_reason"] for row in samples] == ["saw $BASETEN_API_KEY"] * 5
    assert {row["cf_ray"] for row in samples} == {"$BASETEN_API_KEY"}
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_key_that_the_target_says_back_is_not_on_locusts_page(
    plan: MakePlan, tmp_path: Path
) -> None:
    seen = tmp_path / "events.txt"
    file = tmp_path / "noting.py"
    file.write_text(
        f"""from pathlib import Path
from locust import events
from harness.load.users import GatewayUser

class Native(GatewayUser):
    scenario, routes = "native", ("native",)

@events.request.add_listener
def note(exception=None, **_):
    with Path({str(seen)!r}).open("a") as file:
        file.write(f"{{exception}}\\n")
"""
    )
    answer = plain(json.dumps({"error": {"message": f"bad key {SECRET}"}}).encode())
    answer = answer.replace(b"200 OK", b"400 Bad Request")
    with serving(answering(*[answer] * 50)) as peer:
        address = Address(peer.url, "acc", "gw")
        wanted = plan(address=address, users=1, caps=Caps(requests=3), stream=False)
        launch(wanted, Identity(Credentials(provider_key=SECRET)), Locust(file))

    said = seen.read_text("utf-8")
    assert said.count("bad key $BASETEN_API_KEY") == 3
    assert SECRET not in said


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"<html></html>", "content-type: text/html"),
        plain(b'{"error": {"message": "no"}}', "content-type: application/json"),
    ],
)
def test_a_target_that_answers_nonsense_at_once_is_not_flooded(
    plan: MakePlan, answer: bytes
) -> None:
    with serving(answering(*[answer] * 5_000)) as peer:
        wanted = plan(address=Address(peer.url, "acc", "gw"), users=1, stream=False)
        outcome = launch(wanted, Identity(), scenario("native"))

    assert 0 < outcome.errors == outcome.requests < 50


def test_an_interleaved_comparison_sends_whole_blocks_after_one_that_opens_connections(
    plan: MakePlan,
) -> None:
    wanted = plan(users=1, blocks=7, stream=False)

    launch(wanted, Identity(), scenario("compare"))

    samples = sorted(rows(wanted), key=lambda row: row["sent_ns"])
    assert {row["scenario"] for row in samples} == {"compare"}
    assert [row["seq"] for row in samples] == [
        block * BLOCK_STEP + place for block in range(8) for place in range(3)
    ]
    assert [row["phase"] for row in samples] == ["warmup"] * 3 + ["steady"] * 21
    for block in range(8):
        assert sorted(row["route"] for row in samples[block * 3 : block * 3 + 3]) == sorted(ROUTES)


def test_ctrl_c_ends_a_load_with_all_that_was_sent(
    truth: Truth, plan: MakePlan, tmp_path: Path
) -> None:
    wanted = plan(duration_s=600.0)
    interrupted: list[int] = []

    def interrupt(progress: LoadProgress) -> None:
        if progress.requests and not interrupted:
            interrupted.append(progress.requests)
            raise KeyboardInterrupt

    outcome = launch(wanted, Identity(), scenario("native"), on_progress=interrupt)

    record, _ = truth.record(tmp_path)
    assert outcome.interrupted
    assert outcome.problems == ()
    assert outcome.requests == len(rows(wanted)) == len(record["rid"]) >= interrupted[0]


def test_an_answer_that_never_ends_is_given_up_and_recorded(truth: Truth, plan: MakePlan) -> None:
    truth.configure(ttft_us=1_000, gap_us=20_000_000, n=10)
    wanted = plan(users=2, duration_s=0.5, drain_s=0.5)

    outcome = launch(wanted, Identity(), scenario("native"))

    samples = rows(wanted)
    assert outcome.outcomes == {"cancelled": 2}
    assert [(row["outcome"], row["output_chunks"]) for row in samples] == [("cancelled", 1)] * 2
    assert all(row["first_output_ns"] for row in samples)


def test_a_killed_process_leaves_what_it_had_flushed(plan: MakePlan) -> None:
    wanted = plan(duration_s=600.0)
    killed: list[int] = []

    def kill(progress: LoadProgress) -> None:
        if progress.records and not killed:
            (report,) = read_reports(Path(wanted.folder), wanted.name)
            killed.append(report.pid)
            os.kill(report.pid, signal.SIGKILL)

    outcome = launch(wanted, Identity(), scenario("native"), on_progress=kill)

    assert outcome.problems[0] == "1 of 1 workers did not finish: load-0 was killed (SIGKILL)"
    assert len(rows(wanted)) >= outcome.records > 0


def test_an_abort_condition_ends_the_load(plan: MakePlan) -> None:
    wanted = plan(duration_s=600.0, abort=("p50(ttft) > 1ms",))

    outcome = launch(wanted, Identity(), scenario("native"))

    assert outcome.aborted == "p50(ttft) > 1ms"
    assert outcome.requests == len(rows(wanted)) >= 20


def test_a_target_that_refuses_ends_the_load_and_is_named(plan: MakePlan) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = Address(f"http://127.0.0.1:{listener.getsockname()[1]}", "acc", "gw")
    wanted = plan(address=closed, users=20, duration_s=600.0)

    outcome = launch(wanted, Identity(), scenario("native"))

    assert outcome.blocked is not None
    assert (outcome.blocked.layer, outcome.blocked.outcome) == ("network", "refused")
    assert outcome.requests == outcome.errors >= HOPELESS_REQUESTS


def test_a_target_that_never_answers_ends_the_load_before_its_requests_time_out(
    plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENT_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = Address(f"http://127.0.0.1:{listener.getsockname()[1]}", "acc", "gw")
        began = time.monotonic()
        outcome = launch(
            plan(address=silent, users=3, duration_s=600.0), Identity(), scenario("native")
        )

    assert time.monotonic() - began < 40
    assert outcome.requests == 3
    assert outcome.problems == ("the target answered nothing in 2 s: the load was ended",)
    assert outcome.outcomes == {"cancelled": 3}  # nobody waited for their time to be over


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import missing_library\n", "line 1: cannot be imported: ModuleNotFoundError"),
        ("\nclass A(:\n", "line 2: cannot be imported: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(3)\n", "line 2: cannot be imported: SystemExit: 3"),
        ("", "no User class found"),
    ],
)
def test_a_locustfile_that_does_not_work_is_a_mistake_in_one_line(
    plan: MakePlan, tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text)

    with pytest.raises(UsageError) as caught:
        launch(plan(workers=2), Identity(), Locust(file, processes=2))

    assert f"{file}" in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_told_from_a_failed_load(plan: MakePlan) -> None:
    wanted = plan()
    samples = Path(wanted.folder) / "samples"
    samples.mkdir(parents=True)
    (samples / "load-0.arrows").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        launch(wanted, Identity(), scenario("native"))
