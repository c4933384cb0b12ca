"""Locust users for the three routes: closed and open loop, each alone, mixed, and interleaved.

Import it in locustfiles only: `import locust` patches the interpreter.
"""

import logging
import math
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner
from locust.user.task import LOCUST_STATE_STOPPING

from harness.errors import HarnessError, UsageError
from harness.load.conversation import Dialogue
from harness.load.driver import drive
from harness.load.plan import Caps, Identity, LoadPlan
from harness.load.records import OnRequest
from harness.load.ticket import BLOCK_STEP, Ticket, block_order, route_of
from harness.load.worker import Worker
from harness.measure.outcome import Outcome
from harness.settings import load_settings, resolve_target

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
"""A closed loop over a gateway that refuses at once would else be a flood."""
DIRECT_DRAIN_S = 30.0
"""How long plain Locust waits for the last answers, unless its --stop-timeout says otherwise."""
DIRECT_REQUESTS = 200
"""What plain Locust may send to a target that is not on this machine: `gateway-harness load` has
other caps."""

_LOG = logging.getLogger(__name__)
_workers: list[Worker] = []
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
        self.place = self.worker.take_place()
        self.worker.begin()
        self.transport = self.worker.transport()
        if not self.worker.plan.open_loop:
            self.worker.clock.stagger()

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
                self.worker.clock.fail(error)
                raise StopUser from error
            if self._state == LOCUST_STATE_STOPPING or type(self).wait_time is not User.wait_time:
                return
        raise StopUser

    def turn(self) -> None:
        """Send one request, or the whole schedule."""
        plan = self.worker.plan
        routes = self.routes or plan.turns
        if plan.open_loop:
            drive(self.worker, self.transport, scenario=self.scenario, routes=routes)
            return
        if not self.worker.clock.has_room(self.place):
            return
        dialogue = self.worker.dialogue()
        if dialogue is not None:
            self.converse(dialogue, routes)
            return
        held_ns = self.worker.clock.hold()
        if not self.worker.may_send():
            return
        index = self.worker.take_index()
        seed = plan.seed * plan.workers + self.worker.index
        now_ns = time.monotonic_ns()
        seq = index * plan.workers + self.worker.index
        route = route_of(routes, index=index, seed=seed)
        stage = self.worker.clock.stage(now_ns)
        phase = self.worker.clock.phase(now_ns)
        self.send(Ticket(seq, route, self.scenario, phase, stage=stage, held_ns=held_ns))

    def converse(self, dialogue: Dialogue, routes: tuple[str, ...]) -> None:
        """Ask the questions of a conversation one after another, as far as they are answered."""
        worker, plan = self.worker, self.worker.plan
        route = route_of(routes, index=dialogue.number, seed=plan.seed)
        for number, turn in dialogue:
            worker.clock.pause(turn.wait_s)
            held_ns = worker.clock.hold()
            if not worker.may_send():
                return
            now_ns = time.monotonic_ns()
            ticket = Ticket(
                worker.take_index() * plan.workers + worker.index,
                route,
                self.scenario,
                worker.clock.phase(now_ns),
                stage=worker.clock.stage(now_ns),
                asked=dialogue.asked(turn),
                question=number,
                held_ns=held_ns,
            )
            answer = worker.ask(self.transport, ticket)
            self.after(None if answer is None else answer[0])
            if answer is None or answer[0] != Outcome.OK:
                return
            dialogue.answered(answer[1])

    def send(self, ticket: Ticket) -> None:
        """Send one request now; after failures wait, longer each time, before the next."""
        self.after(self.worker.perform(self.transport, ticket))

    def after(self, outcome: str | None) -> None:
        """After failures wait, longer each time."""
        self.failures = 0 if outcome is None or outcome == Outcome.OK else self.failures + 1
        if self.failures:
            self.worker.clock.pause(min(FIRST_PAUSE_S * 2 ** (self.failures - 1), LONGEST_PAUSE_S))


class CompareUser(GatewayUser):
    """Sends every route once per block, in shuffled order, one after another.

    All of a block ask the same. The first block of each user opens its connections and is warm-up.
    """

    abstract = True
    scenario = "compare"
    warm = False

    def turn(self) -> None:
        """Send one block."""
        plan = self.worker.plan
        block = self.worker.take_index() * plan.workers + self.worker.index
        if plan.blocks is not None and block >= plan.blocks + plan.users:
            self.worker.clock.stop(plan.drain_s)
            return
        order = block_order(self.routes or plan.routes, block=block, seed=plan.seed)
        phase = self.worker.clock.phase(time.monotonic_ns()) if self.warm else "warmup"
        for position, route in enumerate(order):
            seq, held_ns = block * BLOCK_STEP + position, self.worker.clock.hold()
            self.send(Ticket(seq, route, self.scenario, phase, turn=block, held_ns=held_ns))
        self.warm = True


def hire(source: Callable[[Environment], Worker]) -> None:
    """Have the worker of each start made by `source`, in place of plain Locust's."""
    _sources.append(source)


def _start(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        return
    try:
        _workers.append(_sources[-1](environment))
    except (OSError, HarnessError) as error:
        _fail(environment, error)
        gevent.spawn(environment.runner.quit if environment.runner else sys.exit)


def _plain(environment: Environment) -> Worker:
    """The worker of a load that plain Locust was asked for."""
    environment.stop_timeout = environment.stop_timeout or DIRECT_DRAIN_S
    plan, asker = _plain_plan(environment.host, float(environment.stop_timeout))
    _LOG.info("samples are written to %s", plan.folder)
    index = max(getattr(environment.runner, "worker_index", 0), 0)

    worker = Worker(plan, asker, index=index, on_request=listener(environment))
    worker.start()
    worker.calibrate()
    return worker


def _plain_plan(host: str | None, drain_s: float) -> tuple[LoadPlan, Identity]:
    """The plan of a load that nobody launched: `locust -f locustfiles/native.py` by hand.

    A closed loop to `host`, or to the gateway of the settings, until Locust stops it.
    """
    target = resolve_target(host or "live", load_settings())
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    plan = LoadPlan(
        run_id=uuid.uuid4().hex[:12],
        folder=str(Path("reports") / f"{stamp}-locust"),
        address=target.address,
        model=target.model,
        model_id=target.model_id,
        model_input=target.model_input,
        routes=target.routes,
        duration_s=math.inf,
        warmup_s=0.0,
        drain_s=drain_s,
        caps=Caps() if target.loopback else Caps(requests=DIRECT_REQUESTS),
    )
    return plan, Identity(target.credentials, target.headers.fields)


def listener(environment: Environment) -> OnRequest:
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
        worker.clock.stop(worker.plan.drain_s)


def _stop(environment: Environment, **_: Any) -> None:
    while _workers:
        worker = _workers.pop()
        worker.close()
        if worker.clock.failure is not None:
            _fail(environment, worker.clock.failure)


def _user_error(user_instance: User, exception: BaseException, **_: Any) -> None:
    """End the load: a user that fails in its own code leaves one that sends less than it says."""
    if not _workers:
        return
    if not isinstance(exception, (OSError, HarnessError)):
        name = type(user_instance).__name__
        exception = UsageError(f"{name} failed: {type(exception).__name__}: {exception}")
    _workers[-1].clock.fail(exception)


def _fail(environment: Environment, error: BaseException) -> None:
    _LOG.error("the load failed: %s: %s", type(error).__name__, error)
    environment.process_exit_code = 1


_sources: list[Callable[[Environment], Worker]] = [_plain]
_EVENTS.test_start.add_listener(_start)
_EVENTS.test_stopping.add_listener(_stopping)
_EVENTS.test_stop.add_listener(_stop)
_EVENTS.quitting.add_listener(_stop)
_EVENTS.user_error.add_listener(_user_error)
