"""A Locust process's part of a load: scenario, Locust's environment, and its workers in turn."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import locust.log
from locust import argument_parser, events
from locust.env import Environment
from locust.runners import WorkerNode
from locust.util.load_locustfile import load_locustfile

from harness.errors import UsageError
from harness.load import users
from harness.load.budget import left
from harness.load.cause import Cause
from harness.load.plan import Identity, LoadPlan, read_plan
from harness.load.post import Post, at, ended
from harness.load.progress import read_reports
from harness.load.task import Role, Task
from harness.load.worker import Worker

STOP_S = 2.0
"""How long Locust waits for its users once nobody waits for answers."""

_EVENTS: Any = events


class LoadPart:
    """The scenario with its share of the plan; `prepare` before the first start.

    Each start after the first, which only a person at Locust's page can ask for, has a worker,
    files and a warm-up of its own, and of the caps what is left.
    """

    def __init__(
        self,
        plan: LoadPlan,
        identity: Identity,
        *,
        index: int,
        locustfile: Path,
        environment: Environment,
    ) -> None:
        classes, shapes = scenario(locustfile)
        self.plan = plan
        self.environment = environment
        environment.user_classes = classes
        environment.shape_class = shapes[0] if shapes else None
        environment.host = plan.address.origin
        environment.stop_timeout = plan.drain_s + STOP_S
        environment.parsed_options = _options()
        environment.locustfile = locustfile.name
        self._identity = identity
        self._index = index
        self._started = 0
        self._next: Worker | None = None
        self._all: list[Worker] = []
        users.hire(self._take)

    @property
    def worker(self) -> Worker:
        """The worker that sends, or sent last."""
        return self._all[-1]

    def prepare(self) -> None:
        """Open the files and build what a request needs; raises what is wrong with any of it."""
        plan = self.plan
        if self._all:
            name = f"{plan.name}-{len(self._all) + 1}"
            plan = replace(
                plan, name=name, caps=left(plan.caps, read_reports(Path(plan.folder), plan.name))
            )
        told = users.listener(self.environment)
        worker = Worker(plan, self._identity, index=self._index, on_request=told)
        worker.start()
        self._all.append(worker)
        self._next = worker
        worker.rehearse()
        worker.calibrate()

    def start(self) -> None:
        """Let the users of this share begin."""
        runner: Any = self.environment.runner
        if self.environment.shape_class:
            runner.start_shape()
            return
        count = self.plan.users_of(self._index)
        runner.start(count, max(count / max(self.plan.warmup_s / 2, 1.0), 1.0))

    def start_all(self) -> None:
        """Let the users of this share begin at once, as a worker of Locust's does."""
        environment = self.environment
        runner: Any = environment.runner
        _EVENTS.test_start.fire(environment=environment)
        alone = WorkerNode(id="alone")
        dispatcher = environment.dispatcher_class([alone], environment.user_classes)
        count = self.plan.users_of(self._index)
        dispatcher.new_dispatch(count, count)
        *_, dispatched = dispatcher
        runner.start_worker(dispatched["alone"])

    def end(self) -> Cause | None:
        """Stop the users, close every file, and say what went wrong, if anything did."""
        for worker in self._all:
            worker.clock.stop(0)
        self.environment.stop_timeout = STOP_S
        runner: Any = self.environment.runner
        if runner is not None:
            runner.stop()
        for worker in self._all:
            worker.close()
        return self.failed()

    def failed(self) -> Cause | None:
        """What went wrong first, if anything did."""
        failures = (worker.clock.failure for worker in self._all)
        return next((Cause.of(error) for error in failures if error is not None), None)

    def _take(self, _: Environment) -> Worker:
        if self._next is None:
            self.prepare()
        worker, self._next = self.worker, None
        return worker


def send(task: Task, identity: Identity, post: Post) -> None:
    """Send one share, or all of the load with Locust's page beside it."""
    setup()
    plan = read_plan(Path(task.plan or ""))
    environment = Environment(events=_EVENTS)
    locustfile = Path(task.locustfile or "")
    part = LoadPart(
        plan, identity, index=task.index, locustfile=locustfile, environment=environment
    )
    runner = environment.create_local_runner()
    page = None
    if task.role is Role.PAGE:
        from harness.load.page import serve

        page = serve(part, host=task.host, port=task.port)
    _EVENTS.init.fire(environment=environment, runner=runner, web_ui=environment.web_ui)
    part.prepare()
    over = ended(post)
    post.listen(
        {
            "start": lambda moment: at(moment, part.start),
            "stop": lambda seconds: part.worker.clock.stop(float(seconds)),
            "end": lambda _: over.set(),
        }
    )
    post.say(ready=True, page=page)
    while not over.wait(0.1) and part.failed() is None:
        pass
    if cause := part.end():
        post.say(cause=cause.to_dict())
    _EVENTS.quitting.fire(environment=environment, reverse=True)


def setup() -> None:
    """Let Locust log to standard error, and read no configuration file, from here on."""
    log: Any = locust.log
    log.setup_logging("INFO")
    # Locust reads ~/.locust.conf, locust.conf and pyproject.toml by the defaults of these two.
    argument_parser.get_parser.__defaults__ = ((),)
    argument_parser.get_empty_argument_parser.__defaults__ = (True, ())


def scenario(path: Path) -> tuple[list[Any], list[Any]]:
    """The user classes and load shapes of a locustfile; UsageError when it cannot be used."""
    with _its_fault(path):
        classes, shapes = load_locustfile(str(path))
    if not classes:
        raise UsageError(f"{path}: no User class found")
    return list(classes.values()), list(shapes)


@contextmanager
def _its_fault(path: Path) -> Iterator[None]:
    """Whatever a locustfile raises while it is imported is a mistake in it."""
    try:
        yield
    except (Exception, SystemExit) as error:
        lines = [
            one.lineno
            for one in traceback.extract_tb(error.__traceback__)
            if one.filename == str(path)
        ]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        what = f"{type(error).__name__}: {getattr(error, 'msg', None) or error}"
        raise UsageError(f"{path}, line {line}: cannot be imported: {what}") from error


def _options() -> Any:
    """Locust's options at their defaults, those that a scenario adds included."""
    return argument_parser.get_parser().parse_args([], env_vars={})
