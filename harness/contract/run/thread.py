"""One exploration in a thread of its own, so that it can be watched, and ended before its end.

Only the main thread hears Ctrl-C, and what it interrupts there is lost; so nothing is sent there.
"""

import threading

from harness.contract.repeat.repetition import Repetition
from harness.contract.run.exploration import Exploration
from harness.contract.run.progress import RunProgress, Watch
from harness.contract.run.results import described
from harness.errors import HarnessError

LOOK_S = 0.5
"""How often a run is looked at."""
GRACE_S = 3.0
"""So long a run that was stopped may take for what is under way; then it is left to itself."""
INTERRUPTED = "interrupted"


def carry_out(
    exploration: Exploration, watch: Watch | None = None, *, repetition: Repetition | None = None
) -> bool:
    """Send what the exploration sends and judge it; whether Ctrl-C ended it early.

    What is to be repeated is sent after it, on the routes that can be judged.

    The first KeyboardInterrupt ends the run in order, with what was seen; a second one is raised.
    """
    course, interrupted = _RunThread(exploration, repetition), False
    try:
        course.follow(watch)
    except KeyboardInterrupt:
        interrupted = True
        course.stop(INTERRUPTED)
        if watch is not None:
            watch(progress(exploration, stopping=True))
        course.wait(GRACE_S)
    course.end()
    return interrupted


class _RunThread:
    """The thread of an exploration, and what was raised in it."""

    def __init__(self, exploration: Exploration, repetition: Repetition | None) -> None:
        self._exploration = exploration
        self._repetition = repetition
        self._error: HarnessError | None = None
        self._thread = threading.Thread(target=self._send, name="contract", daemon=True)
        self._thread.start()

    def _send(self) -> None:
        try:
            self._exploration.send()
            if self._repetition is not None:
                self._repeat(self._repetition)
        except HarnessError as error:
            self._error = error
        except Exception as bug:  # noqa: BLE001 - the end of a thread: it is told in the verdict
            self._exploration.bugs.append(described(bug))

    def _repeat(self, repetition: Repetition) -> None:
        self._exploration.deadline_ns = repetition.begin(self._exploration.sender)
        repetition.send(without=self._exploration.health.outages)

    def stop(self, reason: str) -> None:
        """Send nothing more."""
        self._exploration.stop(reason)
        if self._repetition is not None:
            self._repetition.stop(reason)

    def follow(self, watch: Watch | None) -> None:
        """Wait for its end, and show how far it is."""
        while not self.wait(LOOK_S):
            if watch is not None:
                watch(progress(self._exploration))

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after so many seconds at most."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def end(self) -> None:
        """Raise what was raised, or judge the run as a whole."""
        if self._error is not None:
            raise self._error
        self._exploration.conclude()


def progress(exploration: Exploration, *, stopping: bool = False) -> RunProgress:
    """How far an exploration is now."""
    sender = exploration.sender
    now_ns = sender.clock.now_ns()
    deadline_ns = None if sender.clock.free else exploration.deadline_ns
    waits = [wait for each in exploration.senders for wait in list(each.waits.values())]
    until_ns, awaited = min(waits, default=(now_ns, ""))
    broken = dict.fromkeys(entry.clause.id for entry in exploration.ledger.failing())
    return RunProgress(
        requests=sender.budget.requests,
        budget=sender.budget.max_requests,
        broken=tuple(broken),
        seconds_left=None if deadline_ns is None else max(0.0, (deadline_ns - now_ns) / 1e9),
        waiting=awaited,
        waiting_s=max(0.0, (until_ns - now_ns) / 1e9),
        stopping=stopping,
    )
