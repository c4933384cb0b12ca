"""What master and workers say to each other, without either."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.load import cluster
from harness.load.plan import Identity, LoadPlan
from harness.load.progress import State, WorkerReport
from harness.routes.address import Address, Credentials
from harness.settings.target import STAND_IN_PROVIDER_KEY

SECRET = "bst-41d09f2c77aa"  # noqa: S105 - made up, to be looked for
PLAN = LoadPlan(
    run_id="r", folder="/elsewhere", address=Address("http://h", "a", "g"), model="m", workers=3
)


def an_order(
    tmp_path: Path, plan: LoadPlan = PLAN, identity: Identity | None = None
) -> dict[str, object]:
    file = tmp_path / "mine.py"
    file.write_text("x = 1\n")
    return cluster.order(plan, identity or Identity(), index=2, locustfile=file)


def test_an_order_is_the_whole_plan_in_the_workers_own_folder(tmp_path: Path) -> None:
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"prompt": "\\u2028"}\n')
    plan = replace(PLAN, prompts=str(prompts), rate=3.0)

    given = cluster.take(an_order(tmp_path, plan), tmp_path / "there", Identity())

    assert given.index == 2
    assert given.locustfile.read_text() == "x = 1\n"
    assert Path(given.plan.prompts or "").read_bytes() == prompts.read_bytes()
    expected = replace(plan, folder=str(tmp_path / "there"), prompts=given.plan.prompts)
    assert given.plan == expected


def test_a_trace_goes_with_its_order(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    trace.write_text('{"timestamp": 0, "prompt": "Hi"}\n')

    order = an_order(tmp_path, replace(PLAN, trace=str(trace), rate=3.0, speed=2.0))
    given = cluster.take(order, tmp_path / "there", Identity())

    assert str(trace) not in json.dumps(order["plan"])
    assert Path(given.plan.trace or "").read_bytes() == trace.read_bytes()
    assert given.plan.speed == 2.0


def test_an_order_holds_no_secret_and_says_which_are_needed(tmp_path: Path) -> None:
    identity = Identity(Credentials(SECRET, None, "alias"), (("X-Team", SECRET),))
    order = an_order(tmp_path, identity=identity)

    own = Identity(Credentials("its-own", "unused"), (("x-team", "b"),))
    given = cluster.take(order, tmp_path / "there", own)

    assert SECRET not in json.dumps(order)
    assert given.identity == Identity(Credentials("its-own", None, "alias"), own.headers)


def test_what_a_worker_lacks_is_named(tmp_path: Path) -> None:
    identity = Identity(Credentials(SECRET, SECRET), (("X-Team", "a"),))
    own = Identity(Credentials(STAND_IN_PROVIDER_KEY))

    with pytest.raises(UsageError, match="needs BASETEN_API_KEY, CF_AIG_TOKEN, --header X-Team: "):
        cluster.take(an_order(tmp_path, identity=identity), tmp_path / "there", own)


def test_the_stand_ins_key_needs_no_setting(tmp_path: Path) -> None:
    identity = Identity(Credentials(STAND_IN_PROVIDER_KEY))

    given = cluster.take(an_order(tmp_path, identity=identity), tmp_path / "there", Identity())

    assert given.identity == identity


def test_a_worker_of_another_protocol_or_one_too_many_is_refused() -> None:
    assert cluster.refusal(cluster.hello(), free=1) is None
    assert "all the workers" in (cluster.refusal(cluster.hello(), free=0) or "")
    assert "install the same" in (cluster.refusal({"protocol": 99}, free=1) or "")


def test_a_report_bears_its_masters_time_and_keeps_its_length() -> None:
    report = WorkerReport("load-1", 7, started_ns=5_000, updated_ns=9_000, state=State.DRAINED)
    clock = {"wall_ns": 1, "monotonic_ns": 2}

    there = cluster.in_masters_time(report.to_dict(), name="load-0", now_ns=100_000, clock=clock)

    assert there.worker == "load-0"  # not what it calls itself: it becomes a file's name
    assert (there.started_ns, there.updated_ns, there.clock) == (96_000, 100_000, clock)
    assert WorkerReport.from_dict(there.to_dict()) == there


def test_records_travel_in_bounded_pieces_that_can_be_checked(tmp_path: Path) -> None:
    name = cluster.record_names("load-1")[0]
    path = tmp_path / name
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * 2_500)

    (file,) = cluster.records(tmp_path, "load-1")
    offsets = range(0, file["size"], cluster.PIECE_BYTES)
    pieces = [cluster.piece(tmp_path, name, offset) for offset in offsets]

    assert {len(one) for one in pieces[:-1]} == {cluster.PIECE_BYTES}
    assert b"".join(pieces) == path.read_bytes()
    assert file == {"name": name, "size": 640_000, "sha256": cluster.digest(path)}


def test_what_another_machine_says_cannot_steer_a_terminal() -> None:
    assert cluster.shown("was stopped") == "was stopped"
    assert cluster.shown("a\x1b[2J\nb") == repr("a\x1b[2J\nb")
    assert len(cluster.shown("x" * 10_000)) == cluster.LONGEST_TEXT
