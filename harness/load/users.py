"""Locust users for the three routes: closed and open loop, each alone, mixed, and interleaved.

Import it in locustfiles only: `import locust` patches the interpreter.
"""

import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.errors import HarnessError
from harness.load.direct import direct_plan
from harness.load.driver import drive
from harness.load.order import BLOCK_STEP, block_order, route_of
from harness.load.plan import IDENTITY_VARIABLE, PLAN_VARIABLE, read_identity, read_plan
from harness.load.progress import EXIT_CODE_BASE, EXIT_CODE_FAILED
from harness.load.sender import Ticket
from harness.load.worker import OnRequest, Worker
from harness.measure.outcome import Outcome

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
DIRECT_DRAIN_S = 30.0
"""How long plain Locust waits for the last answers, unless its --stop-timeout says otherwise."""
"""A closed loop over a gateway that refuses at once would else be a flood."""

_LOG = logging.getLogger(__name__)
_READABLE = 1
_workers: list[Worker] = []
_inputs: list[Any] = []
_EVENTS: Any = events
"""Locust gives its event hooks no types."""


class GatewayUser(User):
    """Sends requests one after another; in an open loop one such user sends the whole schedule.

    `routes` empty: those of the plan.
    """

    abstract = True
    scenario: ClassVar[str] = "mixed"
    routes: ClassVar[tuple[str, ...]] = ()

    def on_start(self) -> None:
        """Take a transport; in a closed loop wait a random moment first."""
        if not _workers:
            raise StopUser
        self.worker = _workers[-1]
        self.failures = 0
        self.worker.begin()
        self.transport = self.worker.transport()
        if not self.worker.plan.open_loop:
            self.worker.stagger()

    def on_stop(self) -> None:
        """Close the connections."""
        self.transport.close()

    @task
    def work(self) -> None:
        """Turn after turn, as long as nothing is to be waited for between them.

        An error of our own ends the run instead of being repeated for ever.
        """
        while self.worker.may_send():
            try:
                self.turn()
            except Exception as error:
                self.worker.fail(error)
                raise StopUser from error
            if self._state == LOCUST_STATE_STOPPING or type(self).wait_time is not User.wait_time:
                return
        raise StopUser

    def turn(self) -> None:
        """Send one request, or the whole schedule."""
        plan = self.worker.plan
        routes = self.routes or plan.routes
        if plan.open_loop:
            drive(self.worker, self.transport, scenario=self.scenario, routes=routes)
            return
        index = self.worker.take_index()
        seed = plan.seed * plan.workers + self.worker.index
        self.send(
            route_of(routes, index=index, seed=seed), index * plan.workers + self.worker.index
        )

    def send(self, route: str, seq: int) -> None:
        """Send one request now; after failures wait, longer each time, before the next."""
        phase = self.worker.phase(time.monotonic_ns())
        outcome = self.worker.perform(self.transport, Ticket(seq, route, self.scenario, phase))
        self.failures = 0 if outcome is None or outcome == Outcome.OK else self.failures + 1
        if self.failures:
            self.worker.pause(min(FIRST_PAUSE_S * 2 ** (self.failures - 1), LONGEST_PAUSE_S))


class CompareUser(GatewayUser):
    """Sends every route once per block, in shuffled order, one after another."""

    abstract = True
    scenario = "compare"

    def turn(self) -> None:
        """Send one block."""
        plan = self.worker.plan
        block = self.worker.take_index() * plan.workers + self.worker.index
        if plan.blocks is not None and block >= plan.blocks:
            self.worker.stop(plan.drain_s)
            return
        order = block_order(self.routes or plan.routes, block=block, seed=plan.seed)
        for position, route in enumerate(order):
            self.send(route, block * BLOCK_STEP + position)


def _start(environment: Environment, **_: Any) -> None:
    _end_with_starter()
    if isinstance(environment.runner, MasterRunner):
        return
    try:
        _workers.append(_worker(environment))
    except (OSError, HarnessError) as error:
        _fail(environment, error)
        gevent.spawn(environment.runner.quit if environment.runner else sys.exit)


def _end_with_starter() -> None:
    """End as on SIGTERM when the command that started Locust is gone, however it ended.

    It holds the other end of our standard input and never writes, so that readable means closed.
    """
    if PLAN_VARIABLE not in os.environ or _inputs:
        return
    closed = gevent.get_hub().loop.io(0, _READABLE)
    _inputs.append(closed)

    def end() -> None:
        closed.stop()
        os.kill(os.getpid(), signal.SIGTERM)

    closed.start(end)


def _worker(environment: Environment) -> Worker:
    """This process's share of the load, started."""
    plan_file, identity = os.environ.get(PLAN_VARIABLE), os.environ.get(IDENTITY_VARIABLE)
    if plan_file and identity:
        plan, asker = read_plan(Path(plan_file)), read_identity(identity)
    else:
        environment.stop_timeout = environment.stop_timeout or DIRECT_DRAIN_S
        plan, asker = direct_plan(environment.host, float(environment.stop_timeout))
        _LOG.info("samples are written to %s", plan.folder)
    index = max(getattr(environment.runner, "worker_index", 0), 0)

    worker = Worker(plan, asker, index=index, on_request=_listener(environment))
    worker.start()
    worker.calibrate()
    return worker


def _listener(environment: Environment) -> OnRequest:
    """Fires one Locust event per logical request: for its live view, not for the record."""
    fire: Any = environment.events.request.fire

    def tell(
        route: str, outcome: str, message: str | None, took_ms: float | None, length: int
    ) -> None:
        error = None
        if outcome not in (Outcome.OK, Outcome.CANCELLED):
            error = RuntimeError(f"{outcome}: {message}" if message else outcome)
        fire(
            request_type="POST",
            name=route,
            response_time=took_ms,
            response_length=length,
            exception=error,
            context={},
        )

    return tell


def _stopping(environment: Environment, **_: Any) -> None:
    del environment
    for worker in _workers:
        worker.stop(worker.plan.drain_s)


def _stop(environment: Environment, **_: Any) -> None:
    while _workers:
        worker = _workers.pop()
        worker.close()
        if worker.failure is not None:
            _fail(environment, worker.failure)


def _fail(environment: Environment, error: BaseException) -> None:
    _LOG.error("the load failed: %s: %s", type(error).__name__, error)
    environment.process_exit_code = exit_code(error)


def exit_code(error: BaseException) -> int:
    """How Locust ends after an error of our own; a disk that takes no more is told apart."""
    if isinstance(error, OSError) and error.errno is not None and error.errno < 55:
        return EXIT_CODE_BASE + error.errno
    return EXIT_CODE_FAILED


_EVENTS.test_start.add_listener(_start)
_EVENTS.test_stopping.add_listener(_stopping)
_EVENTS.test_stop.add_listener(_stop)
_EVENTS.quitting.add_listener(_stop)
