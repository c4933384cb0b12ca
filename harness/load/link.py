"""A worker's way to its master: takes the plan, sends its share, gives its records back.

All that is slow to load is loaded before it connects, and its sending does not hang on heartbeats:
a worker that the master misses for a while goes on, one that misses its master for good stops.
"""

import json
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from harness.errors import HarnessError, UsageError
from harness.load import cluster
from harness.load.cause import Cause
from harness.load.part import LoadPart, setup
from harness.load.plan import Identity, write_plan
from harness.load.post import Post, at, ended
from harness.load.progress import FOLDER
from harness.load.task import Task

MASTER_LOST_S = 10
"""A master answers every heartbeat, one a second."""

_EVENTS: Any = events


class Link:
    """One worker's dealings with its master."""

    def __init__(
        self, environment: Environment, runner: WorkerRunner, task: Task, own: Identity, post: Post
    ) -> None:
        self.part: LoadPart | None = None
        self.closing = Event()
        self.lost = False
        self._environment = environment
        self._runner = runner
        self._folder = Path(task.folder)
        self._own = own
        self._post = post
        self._silent_s = 0
        _EVENTS.heartbeat_received.add_listener(self._heartbeat)
        heard = {
            "refused": self._refused,
            "order": self._order,
            "start": self._start,
            "stop": self._stop,
            "end": self._end,
            "want": self._want,
        }
        for name, hear in heard.items():
            runner.register_message(f"{cluster.PREFIX}{name}", hear, concurrent=True)

    def greet(self) -> None:
        """Offer to work, and look every second whether the master is still there."""
        self._tell("hello", cluster.hello())
        gevent.spawn(self._tick)

    def stop(self, seconds: float) -> None:
        """Stop because somebody on this machine wants it."""
        self._tell("problem", {"problem": "was stopped on its own machine"})
        if self.part is None:
            self.closing.set()
            return
        self.part.worker.clock.stop(seconds)
        gevent.spawn_later(seconds + 0.5, self.closing.set)

    def finish(self) -> None:
        """Close the records and, if the master is there, give them to it."""
        cause = None if self.part is None else self.part.end()
        if cause is not None:
            self._fail(cause)
        if self.lost:
            self._post.say(problem="the master was lost; what was recorded until then is here")
        elif self.part is not None:
            self._post.say(doing="giving the records to the master")
            name = self.part.worker.name
            files = cluster.records(self._folder, name)
            self._tell("done", {**self._report(), "files": files, "folder": str(self._folder)})
            while not self._runner.greenlet.join(timeout=0.5) and not self.lost:
                pass

    def _tick(self) -> None:
        while not self.lost:
            gevent.sleep(1)
            self._silent_s += 1  # counted in turns, so that a pause of this process is none
            if self.part is not None and not self.closing.is_set():
                self._tell("report", self._report())
            if self._silent_s > MASTER_LOST_S:
                self.lost = True
                self.closing.set()

    def _report(self) -> dict[str, Any]:
        part = self.part
        path = self._folder / FOLDER / f"{part.worker.name if part else ''}.json"
        return {"report": json.loads(path.read_text("utf-8"))}

    def _heartbeat(self, **_: Any) -> None:
        self._silent_s = 0

    def _refused(self, environment: Environment, msg: Any) -> None:
        del environment
        self._fail(Cause.of(UsageError(msg.data["why"])))

    def _order(self, environment: Environment, msg: Any) -> None:
        self._post.say(doing="preparing")
        try:
            given = cluster.take(msg.data, self._folder, self._own)
            plan = self._folder / FOLDER / f"{given.plan.name}.plan.json"
            write_plan(given.plan, plan)
            part = LoadPart(
                given.plan,
                given.identity,
                index=given.index,
                locustfile=given.locustfile,
                environment=environment,
            )
            _EVENTS.init.fire(environment=environment, runner=self._runner, web_ui=None)
            part.prepare()
        except (OSError, HarnessError) as error:
            self._fail(Cause.of(error))
            return
        self.part = part
        self._post.say(plan=str(plan), doing="waiting for the start")
        self._tell("ready", {})

    def _fail(self, cause: Cause) -> None:
        self._tell("failed", {"cause": cause.to_dict()})
        self._post.say(cause=cause.to_dict())
        self.closing.set()

    def _start(self, environment: Environment, msg: Any) -> None:
        del environment
        if self.part is not None:
            self._post.say(doing="sending")
            at(str(time.monotonic_ns() + msg.data["in_ns"]), self.part.start_all)

    def _stop(self, environment: Environment, msg: Any) -> None:
        del environment
        if self.part is not None:
            self.part.worker.clock.stop(msg.data["drain_s"])

    def _end(self, environment: Environment, msg: Any) -> None:
        del environment, msg
        self.closing.set()

    def _want(self, environment: Environment, msg: Any) -> None:
        del environment
        name, offset = msg.data["name"], msg.data["offset"]
        part = self.part
        if part is not None and name in cluster.record_names(part.worker.name):
            data = cluster.piece(self._folder, name, offset)
            self._tell("piece", {"name": name, "offset": offset, "data": data})

    def _tell(self, name: str, data: dict[str, Any]) -> None:
        self._runner.send_message(f"{cluster.PREFIX}{name}", data)


def obey(task: Task, identity: Identity, post: Post) -> None:
    """Be one worker of a master until it lets go, is lost, or somebody here wants to stop."""
    setup()
    over, met = ended(post), Event()
    link: Link | None = None

    def stop(seconds: str) -> None:
        if link is None:
            over.set()
        else:
            link.stop(float(seconds))

    post.listen({"stop": stop, "end": lambda _: over.set()})
    where = f"{task.host}:{task.port}"
    post.say(doing=f"looking for a master on {where}")
    environment = Environment(events=_EVENTS)
    connecting = gevent.spawn(environment.create_worker_runner, task.host, task.port)
    connecting.link(lambda _: met.set())
    over.rawlink(lambda _: met.set())
    met.wait()
    if over.is_set():
        return
    post.say(doing=f"waiting for the plan of {where}")
    link = Link(environment, connecting.get(), task, identity, post)
    link.greet()
    over.rawlink(lambda _: link.closing.set())
    link.closing.wait()
    link.finish()
    _EVENTS.quitting.fire(environment=environment, reverse=True)
