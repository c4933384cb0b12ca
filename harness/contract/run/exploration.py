"""A contract run from its first request to its results.

A run goes through these phases, and a budget, the time or the user may end it within any of them:

    preflight    one good request per route, alone: can the route be judged at all?
    explore      what clauses depend on, in the order of `schedule`: cases, and probes, which are
                 short sequences whose scene is judged as one
    optional     drawn cases and bounds, until only a reserve for asking again is left
    lasting      requests that met a 500 are sent until it is known whether they always do
    whole        clauses over all exchanges of a route
    confirm      what failed is sent again and made smaller; a failing probe is played once more
    conclude     violations that do not count are withdrawn, and what was not judged gets its reason

Three records grow meanwhile. Each `Sender` keeps what it saw; `ledger` has a result per clause and
route; `health` has the routes that are up. Whatever was seen is shown to the ledger and to the
health in the order in which it was seen (`_show`), with the sender's lock held, so that checks
never run in two threads at once.

On a real target each route goes its own way in a thread of its own, beside the others. A route that
only fails is asked plainly with nothing else in flight before it is given up (`_is_up`), and one
that fails only beside others is asked one by one from then on. Under a virtual clock, and at a
declared pace, everything goes in one thread, so that one seed gives one order of requests.

A bug in a check or a probe is the error of its clauses; it ends neither the others nor the run.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial

from harness.contract.case import Case
from harness.contract.observation import Observation
from harness.contract.requests.cases import Cases
from harness.contract.run import examples
from harness.contract.run.budget import RESERVE, BudgetError
from harness.contract.run.confirm import Confirmation, ask_lasting
from harness.contract.run.deployment import (
    ALIKE,
    ALL_ALIKE,
    takes_another_input,
    with_further_field,
)
from harness.contract.run.doubt import explain_unmet, withdraw
from harness.contract.run.endless import Endless
from harness.contract.run.health import Health
from harness.contract.run.lateness import Lateness
from harness.contract.run.outage import common_refusal, explained, outage
from harness.contract.run.results import Results, described
from harness.contract.run.schedule import Schedule, Step
from harness.contract.run.sender import LATE, Sender
from harness.contract.run.threads import at_once
from harness.contract.run.waits import has_long_windows
from harness.contract.topics.catalogue import AWAITED, COMPANY, LATER, PROBES, WINDOWS, Play
from harness.contract.topics.scenes import Scene
from harness.contract.topics.stage import Stage
from harness.errors import HarnessError

AGAIN = 1_000_000
"""What sets the prompts of a repeated probe apart from those of the first time."""


@dataclass(slots=True)
class Exploration:
    """One run over one target. `limited` is a second sender for the probe of the rate limit.

    `deadline_ns` is a moment of the sender's clock. `again` is how often a failing request is sent
    again, `reductions` how many requests the search for a smaller one may take. `earlier` are cases
    that failed in another run, to be sent first; `unsent` are those of them that could not be
    judged. After `run`, `health` has the routes that could not be judged, `stopped` why the run
    ended early, and `bugs` what failed in the harness itself.
    """

    sender: Sender
    ledger: Results
    seed: int = 0
    drawn: int = 40
    deadline_ns: int | None = None
    limited: Sender | None = None
    again: int = 2
    reductions: int = 24
    earlier: Sequence[Case] = ()
    unsent: Sequence[Case] = ()
    stopped: str = ""
    bugs: list[str] = field(default_factory=list)
    health: Health = field(default_factory=Health)
    _judged: list[int] = field(default_factory=lambda: [0, 0])
    _schedule: Schedule = field(init=False)
    _played: dict[tuple[str, str], tuple[Stage, Scene]] = field(default_factory=dict)
    _endless: Endless = field(default_factory=Endless)
    _cases: Cases = field(init=False)
    _lateness: Lateness | None = None
    _whole: bool = False

    def __post_init__(self) -> None:
        self._cases = Cases(self.sender.target.model, self.seed, self.drawn)
        self._schedule = Schedule(self._cases)

    def run(self) -> None:
        """Send, judge, confirm and reduce: the ledger has the result."""
        self.send()
        self.conclude()

    def send(self) -> None:
        """Send everything, and judge it exchange by exchange."""
        with nullcontext() if self.sender.clock.free else Lateness() as self._lateness:
            for sender in self.senders:
                sender.lateness = self._lateness
            self.unsent = examples.send(self.earlier, self.sender)
            try:
                if self._preflight():
                    self._schedule = self._planned()
                    self._explore()
                    self._play_optional()
                    self._ask_lasting()
            except BudgetError as exc:
                self.stopped = self.stopped or str(exc)
            self._judge_whole()
            with suppress(BudgetError):
                self._confirm()
            self._judge()

    def stop(self, reason: str) -> None:
        """End the run where it is; any thread may call it while another one sends."""
        self.stopped = self.stopped or reason
        for sender in self.senders:
            sender.stop(reason)

    def conclude(self) -> None:
        """Judge the run as a whole, and say why what was not judged was not."""
        self._judge_whole()
        real = not self.sender.clock.free
        withdraw(self.ledger, self.sender.seen, answered=self.health.answered, real_time=real)
        for route, found in self.health.outages.items():
            self.ledger.missing(explained(found, self.sender.seen), route=route, out=True)
        if self.stopped:
            self.ledger.missing(self.stopped)
        explain_unmet(self.ledger)

    def _judge_whole(self) -> None:
        """Judge what was sent as a whole, once: before it is confirmed, or when the run is over."""
        if not self._whole:
            self._whole = True
            self.ledger.see_whole(self.sender.seen)

    def _play(self, steps: Iterable[Step], *, reserve: int = 0) -> None:
        """Take steps until they end, the time is over, or only `reserve` requests are left."""
        for step in steps:
            left = self.sender.budget.left
            if self._late() or (reserve and left is not None and left <= reserve):
                break
            self._take(partial(self._do, step))

    def _take(self, step: Callable[[], None]) -> None:
        """Take one step; a bug of ours ends it, and neither the others nor the run."""
        try:
            step()
        except HarnessError:
            raise
        except Exception as bug:  # noqa: BLE001 - it is told in the verdict, and costs exit code 2
            self.bugs.append(described(bug))

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes under test that answer."""
        wanted = {route for _, route in self.ledger.entries}
        routes = [route for route in self.sender.target.routes if route in wanted]
        return tuple(route for route in routes if route not in self.health.outages)

    def _preflight(self) -> bool:
        """One good request per route, and plain ones after that; whether any can be judged."""
        first: dict[str, Observation] = {}
        for route in self.routes:
            if self.stopped:
                return False
            seen = self._send(self._cases.first(route))
            if not seen.ok and seen.status is not None:  # it may have asked for too much
                self.sender.clock.sleep(0.5)
                for case in self._cases.plainest(route):
                    seen = self._send(case)
                    if outage(seen) is None:
                        break
            other = takes_another_input(seen, self.sender.target.model_input)
            if other is not None:
                self._forget((route,))
            found = outage(seen) or other
            if found is not None:
                self.health.outages[route] = found
            if found is not None and found.whole_origin:
                self.health.outages |= dict.fromkeys(self.routes, found)
                return False
            first[route] = seen
            if route == "model" and seen.ok and not self.sender.distinct:
                self._learn_fields(seen.case)
        refused = common_refusal(first)
        if refused is not None:
            self.health.outages |= dict.fromkeys(first, refused)
            self._forget(first)
        return bool(self.routes)

    def _learn_fields(self, case: Case) -> None:
        """Whether a dedicated model with an input of its own takes a field beside it."""
        self.sender.marked = self._send(with_further_field(case)).ok
        if not self.sender.marked:
            self.ledger.missing(ALL_ALIKE, route="model", probes=ALIKE)

    def _forget(self, routes: Container[str]) -> None:
        """Take back what was judged: a target that refuses everybody was not judged at all."""
        self.ledger.forget(routes)
        self._judged = [len(sender.seen) for sender in self.senders]

    def _explore(self) -> None:
        """Everything that clauses depend on; at once by route where nothing paces."""
        if self.sender.paced:
            self._play(self._schedule.in_order())
        else:
            self._play_at_once(self._schedule.at_once())

    def _play_optional(self) -> None:
        """What no clause depends on, as far as a reserve for asking again is left."""
        if not self.sender.paced:
            self._play_at_once(self._schedule.optional_at_once(), reserve=RESERVE)
            return
        for steps in self._schedule.optional():
            self._play(steps, reserve=RESERVE)

    def _play_at_once(self, tracks: Sequence[Iterable[Step]], *, reserve: int = 0) -> None:
        """Each track in a thread of its own; the first budget that ends a track is raised."""
        at_once([partial(self._play, track, reserve=reserve) for track in tracks], name="route")

    def _planned(self) -> Schedule:
        """What is sent to the routes that are up."""
        fed = {e.route for e in self.ledger.entries.values() if e.clause.scene is None}
        long = has_long_windows(self.sender.target, self.sender.clock)
        on_exchanges = tuple(route for route in self.routes if route in fed)
        return Schedule(self._cases, self.routes, on_exchanges, WINDOWS if long else ())

    def _do(self, step: Step) -> None:
        """Send a case, play a probe, or go on with one, where its route is up."""
        if step.probe:
            self._probe(step.probe, step.route)
        elif step.later:
            self._go_on(step.later, step.route)
        elif step.case is not None and self._schedule.due(step) and self._is_up(step.route):
            self._send(step.case)

    def _probe(self, name: str, route: str) -> None:
        later = [after for after, (base, _) in LATER.items() if base == name]
        wanted = self._wanted(name, route).union(*(self._wanted(n, route) for n in later))
        if not wanted or (name, route) in self._played or not self._is_up(route):
            return
        if name in ALIKE and route == "model" and not self.sender.distinct:
            return
        played = self._stage(name, route, wanted), PROBES[name].scene()
        self._played[name, route] = played
        self._act(name, PROBES[name].play, *played)

    def _stage(self, name: str, route: str, wanted: frozenset[str], *, salt: int = 0) -> Stage:
        limited = self.limited if name in WINDOWS else None
        sender = limited or self.sender
        waiting = self._schedule.waiting.get(route, [])
        stage = Stage(sender, route, self._cases.number(salt), wanted, waiting)
        stage.awaited = AWAITED.get(name, stage.awaited)
        return stage

    def _go_on(self, name: str, route: str) -> None:
        base, play = LATER[name]
        played = self._played.get((base, route))
        if played is not None and self._wanted(name, route) and self._is_up(route):
            self._act(name, play, *played)

    def _act(self, name: str, play: Play, stage: Stage, scene: Scene) -> None:
        """Play a probe and judge its scene, also the part before a budget ran out."""
        try:
            play(stage, scene)
        except HarnessError:
            raise
        except Exception as bug:  # noqa: BLE001 - the error of every clause that it was to feed
            for entry in self.ledger.of_probe(name, stage.route):
                entry.error = entry.error or described(bug)
        finally:
            with self.sender.lock:
                self.ledger.see_scene(name, stage.route, scene)
                self._show()

    def _wanted(self, name: str, route: str) -> frozenset[str]:
        return frozenset(entry.clause.id for entry in self.ledger.of_probe(name, route))

    def _send(self, case: Case) -> Observation:
        seen = self.sender.send(case)
        self._judge()
        return seen

    def _judge(self) -> None:
        """Show the ledger what is new, and give up on a route that only fails."""
        with self.sender.lock:
            self._show()

    def _show(self) -> None:
        for seen in self._unjudged():
            self.ledger.see(seen)
            self.stopped = self.stopped or self._endless.note(seen)
            self.health.note(seen)

    def _is_up(self, route: str) -> bool:
        """Whether a route can be judged; where only others failed a plain request alone decides.

        A route that fails only beside others is asked one by one from then on.
        """
        with self.sender.lock:
            doubt = self.health.doubt(route)
        if doubt is not None:
            with self.sender.lanes.alone():
                tries = (outage(self.sender.send(case)) for case in self._cases.plainest(route))
                if all(found is not None for found in tries):
                    self.health.outages[route] = doubt
                elif not self.sender.paced:
                    self._probe(COMPANY, route)
                    broken = any(e.violated for e in self.ledger.of_probe(COMPANY, route))
                    self.sender.one_by_one = self.sender.one_by_one or broken
            self._judge()
        return route not in self.health.outages

    def _unjudged(self) -> Iterator[Observation]:
        """What was seen since the last look, by the sender of the rate limit too."""
        for number, sender in enumerate(self.senders):
            first, self._judged[number] = self._judged[number], len(sender.seen)
            for place in range(first, len(sender.seen)):
                yield sender.seen[place]
                sender.seen[place] = self._endless.kept(sender.seen[place])

    @property
    def senders(self) -> tuple[Sender, ...]:
        """All who send."""
        return (self.sender,) if self.limited is None else (self.sender, self.limited)

    def _ask_lasting(self) -> None:
        """Ask again, on the routes that are up, what was answered by 500."""
        mine = [seen for seen in self.sender.seen if seen.case.route not in self.health.outages]
        if not self._late():
            ask_lasting(mine, partial(self.sender.send, patient=False))

    def _confirm(self) -> None:
        """Ask again where a clause was broken, and look for smaller requests that break it too."""
        failing = [e for e in self.ledger.failing() if e.route not in self.health.outages]
        if self._lateness is not None and any(entry.clause.timed for entry in failing):
            self._lateness.wait_for_quiet()
        confirmation = Confirmation(self._send, self.again, self.reductions)
        for entry in failing:
            if not self._late():
                confirmation.exchange(entry)
                confirmation.whole(entry, self.sender.seen)
        for probe, route in dict.fromkeys((e.clause.probe, e.route) for e in failing):
            if probe is not None and self.again and not self._late():
                self._take(partial(self._confirm_scene, probe, route))

    def _confirm_scene(self, probe: str, route: str) -> None:
        """Play a probe once more with other prompts, for what its clauses say then."""
        base, later = LATER.get(probe, (probe, None))
        stage = self._stage(base, route, self._wanted(probe, route), salt=AGAIN)
        scene = PROBES[base].scene()
        PROBES[base].play(stage, scene)
        if later is not None:
            later(stage, scene)
        for entry in self.ledger.of_probe(probe, route):
            if entry.violated and entry.clause.scene is not None:
                entry.note_again(entry.ask(entry.clause.scene, scene))

    def _late(self) -> bool:
        if self.stopped:
            return True
        if self.deadline_ns is None or self.sender.clock.now_ns() < self.deadline_ns:
            return False
        self.stopped = LATE
        return True
