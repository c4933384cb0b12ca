"""What one Locust process leaves of a load: samples, bodies, its counts, and its report."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from harness.load.breath import Breath
from harness.load.counting import count
from harness.load.plan import LoadPlan
from harness.load.progress import FOLDER, State, WorkerReport, write_report
from harness.load.recorder import BATCH_ROWS, Recorder
from harness.load.rows import PLACE, Row
from harness.load.sender import Bodies, RequestAttempt
from harness.load.sent_count import SentCount
from harness.load.tally import RouteTally
from harness.settings import Secrets

FLUSH_NS = 1_000_000_000

_OUTCOME, _ROUTE, _MESSAGE = PLACE["outcome"], PLACE["route"], PLACE["message"]
_SENT, _DONE, _CLOSED = PLACE["sent_ns"], PLACE["done_ns"], PLACE["closed_ns"]

OnRequest = Callable[[str, str, str | None, float | None, int], None]
"""Told of each logical request that has ended: its route, its outcome, what a failure said, how
many milliseconds it took (None: it never ended), and the length of its answer's text.
"""


class WorkerRecords:
    """Files of the worker `name` in the folder of its plan, none of them with a secret in it.

    `report` is written by `publish`. `sent` counts what was begun to be sent.
    """

    def __init__(
        self, plan: LoadPlan, name: str, secrets: Secrets, *, on_request: OnRequest
    ) -> None:
        self._folder = Path(plan.folder)
        for folder in (FOLDER, "samples"):
            (self._folder / folder).mkdir(0o700, parents=True, exist_ok=True)
        self._redact = secrets.redact
        self._on_request = on_request
        self._recorder = Recorder(self._folder / "samples" / f"{name}.arrows", secrets.redact)
        bodies = self._folder / f"bodies-{name}.jsonl"
        self._bodies = Bodies(bodies, secrets) if plan.store_bodies else None
        self.sent = SentCount(self._folder / FOLDER / f"{name}.sent")
        self.report = WorkerReport(name, os.getpid(), time.monotonic_ns())
        self._flushed_ns = 0

    def rehearse(self) -> None:
        """Write and count nothing once, because the first time takes twenty times as long."""
        count(lambda _: RouteTally(), self._recorder.rehearse())

    def add(self, attempt: RequestAttempt, row: Row) -> str:
        """Write down how a request ended; its outcome."""
        self._recorder.add(row)
        if attempt.layer is not None:
            self._tally(row[_ROUTE]).blame(attempt.layer)
        if self._bodies is not None:
            self._bodies.add(attempt)
        ended_ns = row[_DONE] or row[_CLOSED]
        took_ms = None if ended_ns is None else (ended_ns - row[_SENT]) / 1e6
        outcome: str = row[_OUTCOME]
        said = row[_MESSAGE] and self._redact(row[_MESSAGE])
        self._on_request(row[_ROUTE], outcome, said, took_ms, attempt.text_length)
        return outcome

    def add_unsent(self, row: Row) -> None:
        """Write down a request that was due and not sent."""
        self._recorder.add(row)
        self._on_request(row[_ROUTE], row[_OUTCOME], None, None, 0)

    def keep_up(self, state: State) -> bool:
        """Flush when much waits, each second and at a new state; whether a report is due."""
        due = time.monotonic_ns() - self._flushed_ns >= FLUSH_NS
        if self._recorder.waiting >= BATCH_ROWS:
            self.flush()
        if not due and state is self.report.state:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write every row that waits by now, with room for others: what they add can wait."""
        until = self._recorder.written + self._recorder.waiting
        while self._recorder.written < until:
            breathe = Breath(urgency=1 + self._recorder.waiting / BATCH_ROWS)
            rows = self._recorder.flush(breathe)
            if rows is not None:
                count(self._tally, rows, breathe)

    def publish(self, state: State) -> None:
        """Replace the worker's report."""
        report = self.report
        report.state = state
        report.updated_ns = time.monotonic_ns()
        report.records, report.sent = self._recorder.written, self.sent.count
        write_report(self._folder, report)
        self._flushed_ns = time.monotonic_ns()

    def close(self) -> None:
        """Write the rest, and the ends of the files."""
        self.flush()
        self._recorder.close()
        self.sent.close()
        if self._bodies is not None:
            self._bodies.close()

    def _tally(self, route: str) -> RouteTally:
        return self.report.routes.setdefault(route, RouteTally())
