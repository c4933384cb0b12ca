"""The master of a load on several machines: gives the plan out, shows and collects what is done.

It sends nothing itself. Locust's master carries the messages and the heartbeats; who sends how much
and when is decided here, so that Locust shares nothing out again when a worker is late or lost.
"""

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from gevent.pool import Group
from locust import events
from locust.env import Environment
from locust.exception import RPCError
from locust.runners import STATE_MISSING, MasterRunner

from harness.errors import HarnessError, UsageError
from harness.load import cluster
from harness.load.cause import Cause
from harness.load.part import scenario, setup
from harness.load.plan import Identity, LoadPlan, read_plan
from harness.load.post import Post, ended
from harness.load.progress import WorkerReport, write_report
from harness.load.task import Task

SILENT_S = 15.0
"""A worker that says nothing for so long at the end is given up."""
PIECE_S = 5.0
"""How long a piece may take before it is asked for again."""
ATTEMPTS = 3

_EVENTS: Any = events


@dataclass(slots=True)
class Member:
    """One worker, as its master knows it."""

    client: str
    index: int
    clock: Mapping[str, int]
    ordered: bool = False
    ready: bool = False
    heard_at: float = field(default_factory=time.monotonic)
    piece: "AsyncResult[Mapping[str, Any]]" = field(default_factory=AsyncResult)
    over: Event = field(default_factory=Event)


class Master:
    """Directs the workers of one load; `post` hears what the starter should know."""

    def __init__(
        self, plan: LoadPlan, identity: Identity, runner: MasterRunner, post: Post, task: Task
    ) -> None:
        self._plan = plan
        self._identity = identity
        self._runner = runner
        self._post = post
        self._locustfile = Path(task.locustfile or "")
        self._leave = task.leave_samples
        self._where = f"{task.host}:{runner.server.port}"
        self._folder = Path(plan.folder)
        self._members: dict[str, Member] = {}
        self._started = False
        self._left: list[str] = []
        heard: dict[str, Callable[[Member, Any], None]] = {
            "ready": self._ready,
            "failed": self._failed,
            "report": self._report,
            "problem": self._problem,
            "piece": self._piece,
            "done": self._done,
        }
        runner.register_message(f"{cluster.PREFIX}hello", self._hello)
        for name, hear in heard.items():
            runner.register_message(
                f"{cluster.PREFIX}{name}", self._from_member(hear), concurrent=name == "done"
            )

    def wait(self) -> None:
        """Say whom it waits for, and give the plan out once they are there."""
        if self._started:
            return
        self._forget_the_lost()
        count = len(self._members)
        if count < self._plan.workers:
            lacking = self._plan.workers - count
            told = f"waiting for {lacking} of {self._plan.workers} workers on {self._where}"
            self._post.say(doing=told)
            return
        for member in self._members.values():
            if not member.ordered:
                self._order(member)

    def start(self, moment: str) -> None:
        """Have all begin at a moment of this machine's CLOCK_MONOTONIC."""
        self._started = True
        now_ns = time.monotonic_ns()
        for member in self._members.values():  # until its own first one: it may be lost before
            begun = WorkerReport(self._name(member), 0, int(moment), now_ns, clock={**member.clock})
            write_report(self._folder, begun)
        self._tell_all("start", {"in_ns": int(moment) - now_ns})

    def stop(self, seconds: str) -> None:
        """Have nothing more sent, and the last answers awaited for so many seconds."""
        self._tell_all("stop", {"drain_s": float(seconds)})

    def end(self) -> None:
        """Have the records closed, collect them, and name what cannot be had."""
        self._tell_all("end", {})
        waiting = Group()
        for member in self._members.values():
            waiting.spawn(self._await, member)
        waiting.join()
        if self._left:
            merge = f"gateway-harness report {' '.join(sorted(self._left))} --out merged"
            self._post.say(problem=f"the samples stayed with the workers; to merge them: {merge}")
        self._runner.quit()

    def _await(self, member: Member) -> None:
        while not member.over.wait(0.2):
            if time.monotonic() - member.heard_at > SILENT_S:
                self._post.say(
                    problem=f"{self._name(member)}: nothing was heard of it for {SILENT_S:g} s, "
                    "what it had recorded last is on its machine"
                )
                return

    def _from_member(self, hear: Callable[[Member, Any], None]) -> Callable[..., None]:
        def listen(environment: Environment, msg: Any) -> None:
            del environment
            member = self._members.get(msg.node_id)
            if member is not None:
                member.heard_at = time.monotonic()
                hear(member, msg.data)

        return listen

    def _hello(self, environment: Environment, msg: Any) -> None:
        del environment
        self._forget_the_lost()
        taken = {member.index for member in self._members.values()}
        free = [index for index in range(self._plan.workers) if index not in taken]
        why = cluster.refusal(msg.data, free=0 if self._started else len(free))
        if why is not None:
            self._tell(msg.node_id, "refused", {"why": why})
            return
        self._members[msg.node_id] = Member(msg.node_id, free[0], msg.data["clock"])

    def _order(self, member: Member) -> None:
        member.ordered = True
        self._post.say(doing="the workers prepare")
        try:
            said = cluster.order(
                self._plan, self._identity, index=member.index, locustfile=self._locustfile
            )
        except (OSError, HarnessError) as error:
            self._post.say(cause=Cause.of(error).to_dict())
            return
        self._tell(member.client, "order", said)

    def _ready(self, member: Member, _: Any) -> None:
        member.ready = True
        ready = sum(one.ready for one in self._members.values())
        if ready == self._plan.workers:
            self._post.say(ready=True, doing=None)

    def _failed(self, member: Member, said: Any) -> None:
        text = f"{self._name(member)}: {cluster.shown(said['cause']['text'])}"
        cause = {**said["cause"], "text": text, "filename": None}
        self._post.say(cause=cause)
        member.over.set()

    def _report(self, member: Member, said: Any) -> None:
        report = cluster.in_masters_time(
            said["report"],
            name=self._name(member),
            now_ns=time.monotonic_ns(),
            clock=member.clock,
        )
        write_report(self._folder, report)

    def _problem(self, member: Member, said: Any) -> None:
        self._post.say(problem=f"{self._name(member)} {cluster.shown(said['problem'])}")

    def _piece(self, member: Member, said: Any) -> None:
        member.piece.set(said)

    def _done(self, member: Member, said: Any) -> None:
        """Collect what a worker has recorded, and let it go."""
        self._report(member, said)
        if self._leave:
            self._left.append(shlex.quote(cluster.shown(said["folder"])))
        else:
            for file in said["files"]:
                self._collect(member, file)
        member.over.set()
        self._runner.send_message("quit", client_id=member.client)

    def _collect(self, member: Member, file: Mapping[str, Any]) -> None:
        name = str(file["name"])
        if name not in cluster.record_names(self._name(member)):
            self._post.say(problem=f"{self._name(member)} offers a file that is no record")
            return
        path = self._folder / name
        draft = path.with_name(f"{path.name}.part")
        draft.touch(mode=0o600)
        with draft.open("wb") as to:
            while to.tell() < file["size"]:
                self._post.say(doing=f"collecting {name}: {to.tell() / 1e6:.0f} MB")
                data = self._want(member, name, to.tell())
                if not data:
                    break
                to.write(data)
        if cluster.digest(draft) == file["sha256"]:
            draft.replace(path)
        else:
            self._post.say(problem=f"{name} of {self._name(member)} did not arrive whole")

    def _want(self, member: Member, name: str, offset: int) -> bytes:
        """One piece of a file; empty when it does not come."""
        for _ in range(ATTEMPTS):
            member.piece = AsyncResult()
            self._tell(member.client, "want", {"name": name, "offset": offset})
            try:
                said: Any = member.piece.get(timeout=PIECE_S)
            except gevent.Timeout:
                continue
            if (said["name"], said["offset"]) == (name, offset):
                return bytes(said["data"])
        return b""

    def _forget_the_lost(self) -> None:
        """Let another worker have the place of one that left before the start."""
        clients: Any = self._runner.clients
        for client in list(self._members):
            node = clients.get(client)
            if node is None or node.state == STATE_MISSING:
                del self._members[client]

    def _tell(self, client: str, name: str, data: Mapping[str, Any]) -> None:
        self._runner.send_message(f"{cluster.PREFIX}{name}", dict(data), client_id=client)

    def _tell_all(self, name: str, data: Mapping[str, Any]) -> None:
        for client in self._members:
            self._tell(client, name, data)

    def _name(self, member: Member) -> str:
        return f"{self._plan.name}-{member.index}"


def direct(task: Task, identity: Identity, post: Post) -> None:
    """Be the master of one load until it has ended."""
    setup()
    scenario(Path(task.locustfile or ""))
    plan = read_plan(Path(task.plan or ""))
    environment = Environment(events=_EVENTS)
    runner = _listening(environment, task)
    master = Master(plan, identity, runner, post, task)
    over = ended(post)
    heard = {"start": master.start, "stop": master.stop, "end": lambda _: over.set()}
    post.listen(heard)
    while not over.wait(0.2):
        master.wait()
    master.end()


def _listening(environment: Environment, task: Task) -> MasterRunner:
    try:
        runner = environment.create_master_runner(task.host, task.port)
    except (RPCError, OSError, SystemExit) as error:  # Locust exits when the port is taken
        raise UsageError(
            f"--master-port {task.port}: cannot be had on {task.host}; is another master running?"
        ) from error
    runner.master_bind_port = runner.server.port  # where it would listen again after a fault
    return runner
