"""Long work lets others in, and less often when it falls behind."""

import time

import gevent

from harness.load.breath import SLICE_NS, Breath

WORK_NS = 100 * SLICE_NS


def rests(urgency: float) -> int:
    """How often others were let in while a fixed amount of work was done."""
    let_in = [0]

    def other() -> None:
        while True:
            let_in[0] += 1
            gevent.sleep(0)

    beside = gevent.spawn(other)
    breathe, done_ns = Breath(urgency), 0
    began_ns = time.monotonic_ns()
    while done_ns < WORK_NS:
        worked_ns = time.monotonic_ns()
        while time.monotonic_ns() - worked_ns < SLICE_NS // 10:
            pass
        before = let_in[0]
        done_ns += time.monotonic_ns() - began_ns  # all of it since the last rest, pauses too
        breathe()
        let_in[0] = before + (let_in[0] > before)
        began_ns = time.monotonic_ns()
    beside.kill()
    return let_in[0]


def test_others_are_let_in_while_the_work_goes_on() -> None:
    assert 1 < rests(1.0) <= WORK_NS / SLICE_NS * 1.5  # a pause of this process is work to it


def test_work_that_falls_behind_takes_its_share() -> None:
    assert rests(40.0) <= WORK_NS / SLICE_NS / 40 * 1.5 + 3
