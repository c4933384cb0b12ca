"""Clauses on what comes after a client that left, on both faces of the stand-in."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET
from harness.contract.run.waits import RunClock
from harness.contract.topics.catalogue import BY_ID
from harness.contract.topics.leaving import LeavingScene, LeftTurn, play, topic
from harness.contract.topics.stage import Stage
from harness.defects.concurrency import LEAVING
from harness.defects.table import EVERY
from harness.errors import TransportKind
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from harness.settings.stand_in import stand_in
from harness.transports.httpx import HttpxTransport
from tests.contract.answers import asked, plain, seen
from tests.contract.stages import staged

IDS = {clause.id for clause in topic.clauses}
QUICK = [defect.name for defect in LEAVING if defect.name != "left-then-stalls"]
Start = Callable[..., AbstractContextManager[standin.Embedded]]


def played(start: Start, *, defect: str | None = None) -> LeavingScene:
    scene = LeavingScene()
    with start(TARGET, defect=defect) as embedded:
        play(staged(embedded, "native", IDS), scene)
    return scene


def broken(scene: LeavingScene) -> set[str]:
    return {clause.id for clause in topic.clauses if clause.scene and clause.scene(scene)}


@pytest.mark.parametrize("start", [standin.mock, standin.local])
def test_once_is_enough_where_nothing_is_wrong(start: Start) -> None:
    scene = played(start)

    [turn] = scene.turns
    assert turn.after is not None
    assert turn.after.ok
    error = turn.left.exchange.error
    assert error is not None
    assert error.kind is TransportKind.CUT
    assert broken(scene) == set()


@pytest.mark.parametrize("start", [standin.mock, standin.local])
@pytest.mark.parametrize(
    "defect", [defect.name for defect in LEAVING if "stalls" not in defect.name]
)
def test_who_comes_after_shows_the_defect_on_both_faces(start: Start, defect: str) -> None:
    scene = played(start, defect=defect)

    (clause,) = EVERY[defect].killed_by
    assert len(scene.seen) == 4
    assert clause in broken(scene)


def test_the_log_of_the_server_says_that_the_generation_stopped() -> None:
    gateway = Gateway(stand_in(standin.declared(TARGET), seed=0))
    clock = RunClock(time.monotonic_ns, time.sleep)
    with LocalGateway(gateway) as local, HttpxTransport() as transport:
        target = replace(TARGET, address=replace(TARGET.address, origin=local.url))
        sender = Sender(target, transport, clock, Budget(), "test")
        play(Stage(sender, "native", 0, frozenset(IDS)), LeavingScene())
    records = [item.as_dict() for item in local.server.service.ledger.seen]

    first = next(record for record in records if record["end"] == "disconnected")
    planned_ns = first["arrived_ns"] + first["end_ns"] - first["at_ns"]
    assert first["generated_until_ns"] < planned_ns


def test_no_clause_on_single_exchanges_judges_what_was_left() -> None:
    ledger = Results(BY_ID.values(), ("native",))

    for observation in played(standin.mock).seen:
        if observation.case.leaves:
            ledger.see(observation)

    assert not any(entry.exercised for entry in ledger.entries.values())


def turn(*, status: int = 200) -> LeftTurn:
    left = seen(replace(asked(stream=True), leaves=True), b"data: {}\n\n")
    after: Any = plain() if status == 200 else {"message": "no"}
    return LeftTurn(left, seen(asked(), after, status=status))


def test_a_fault_counts_only_when_it_is_there_twice() -> None:
    failed, limited = turn(status=500), turn(status=429)

    assert broken(LeavingScene([failed])) == set()
    assert broken(LeavingScene([failed, turn()])) == set()
    assert broken(LeavingScene([failed] * 2)) == {"after-leaving-answered"}
    assert broken(LeavingScene([limited] * 2)) == set()
