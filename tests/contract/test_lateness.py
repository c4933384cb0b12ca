"""How late this process is, and what times are worth then."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.contract.clause import Fault, Result, Unjudged
from harness.contract.observation import Observation
from harness.contract.options import REQUIRABLE
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.exploration import Exploration
from harness.contract.run.lateness import PERIOD_NS, Lateness
from harness.contract.run.results import Entry, Results
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import conclude
from harness.contract.run.waits import note_lacking
from harness.contract.topics.catalogue import BY_ID, CLAUSES
from harness.contract.topics.timing import Measurement, TimingScene
from harness.transports.exchange import Timeouts
from tests.contract.answers import asked, plain, seen
from tests.contract.test_checks_whole import EVEN, HALF, timed

MS = 1_000_000
S = 1000 * MS
BATCHED = tuple(at for at in (0, 40, 80) for _ in range(20))


def test_a_process_that_stood_still_was_late_by_all_of_that_time() -> None:
    lateness = Lateness()

    due_ns = lateness.note(10 * S, 15 * S)

    assert 15 * S < due_ns <= 15 * S + PERIOD_NS
    assert lateness.during(14 * S, 14 * S + MS) == 5 * S + PERIOD_NS
    assert lateness.during(16 * S, 18 * S) == 0


def test_a_process_that_is_on_time_is_not_late() -> None:
    lateness = Lateness()

    lateness.note(10 * S, 10 * S + 100_000)

    assert lateness.during(10 * S, 11 * S) == 0


def late(stream: Observation, late_ms: int) -> Observation:
    return replace(stream, late_ns=late_ms * MS)


@pytest.mark.parametrize(
    ("clause", "times"), [("stream-not-held", HALF), ("stream-unbatched", BATCHED)]
)
def test_what_our_lateness_could_have_made_is_no_fault(clause: str, times: tuple[int, ...]) -> None:
    check = BY_ID[clause].whole
    assert check is not None
    streams = [timed(number, times) for number in range(5)]

    on_time, held_up = check(streams), check([late(stream, 40) for stream in streams])

    assert isinstance(on_time, tuple)
    assert on_time
    assert isinstance(held_up, Unjudged)
    assert "40 ms late" in held_up.reason


def test_batches_that_nobody_notices_are_no_buffering() -> None:
    times = [at * 35 / 4 for at in range(5) for _ in range(14)]
    check = BY_ID["stream-unbatched"].whole
    assert check is not None

    assert check([timed(number, times) for number in range(6)]) in ((), None)
    assert check([timed(number, EVEN) for number in range(6)]) == ()


def measured(late_ms: int, *, long_ms: float, stream: tuple[float, ...]) -> TimingScene:
    """Three turns of the probe of times, each with the same figures."""
    short, long = (seen(asked(), plain(), at_ns=int(ms * MS)) for ms in (5, long_ms))
    answers = [late(each, late_ms) for each in (short, long, timed(1, stream))]
    return TimingScene(turns=[Measurement(*answers)] * 3)


def test_a_stream_that_comes_at_once_is_a_fault_only_if_this_process_was_on_time() -> None:
    check = BY_ID["stream-incremental"].scene
    assert check is not None

    at_once = (100.0,) * 24
    on_time = check(measured(0, long_ms=105, stream=at_once))
    held_up = check(measured(60, long_ms=105, stream=at_once))

    assert isinstance(on_time, tuple)
    assert on_time
    assert isinstance(held_up, Unjudged)


def test_an_answer_that_is_made_in_ten_milliseconds_leaves_nothing_to_judge() -> None:
    check = BY_ID["stream-incremental"].scene
    assert check is not None

    assert check(measured(0, long_ms=15, stream=(10.0,) * 24)) is None


def test_a_fault_that_is_taken_back_leaves_a_clause_that_was_not_exercised() -> None:
    entry = Entry(BY_ID["stream-incremental"], "native")
    entry.note((_fault(),), (seen(asked(), plain()),))

    entry.withdraw("it did not come again")

    assert (entry.result, entry.why) == (Result.NOT_EXERCISED, "it did not come again")


def _fault() -> Fault:
    return Fault("spread", "at once", "stream")


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Two busy loops per core, which end by themselves should nobody end them."""
    loop = "import time; end = time.time() + 120\nwhile time.time() < end: pass"
    command = [sys.executable, "-c", loop]
    loops = [subprocess.Popen(command) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("busy_machine")
def test_a_busy_machine_accuses_nobody() -> None:
    with standin.local(TARGET) as embedded:
        timeouts = Timeouts(connect=10, first_byte=30, idle=30, total=60)
        parts = (embedded.transport, embedded.clock, Budget(300), "test", timeouts)
        sender, limited = Sender(embedded.target, *parts), Sender(embedded.limited, *parts)
        ledger = Results(CLAUSES, embedded.target.routes)
        note_lacking(ledger, embedded.target, limited=embedded.limited, clock=embedded.clock)
        Exploration(sender, ledger, limited=limited).run()

    failing = [e.clause.id for e in ledger.entries.values() if e.result is Result.FAIL]
    assert failing == []
    verdict = conclude(ledger, strict=True, required=REQUIRABLE)
    assert (verdict.verdict, verdict.reasons) == ("pass", ())
