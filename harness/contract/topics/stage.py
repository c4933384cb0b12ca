"""Where a probe plays: how it sends its cases, and what it may ask of the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.contract.case import Case, Expect
from harness.contract.observation import Observation
from harness.contract.requests.fixed import body
from harness.contract.requests.given import only
from harness.contract.requests.text import nonce

if TYPE_CHECKING:  # a load judges by these topics too, and sends in its own way
    from harness.contract.run.sender import Sender

QUICK = 200
"""An answer of at most so many tokens is short."""
QUIET_S = 2.0
"""So long, at most, a probe waits for a quiet machine before it measures times again."""


@dataclass(slots=True)
class Stage:
    """One probe on one route; `wanted` are the ids of the clauses that it has to feed.

    `waiting` are cases that come later in the run: where any request serves, one of them does.
    `awaited` says what the probe waits for where it waits.
    """

    sender: "Sender"
    route: str
    seed: int
    wanted: frozenset[str]
    waiting: list[Case] = field(default_factory=list)
    awaited: str = "the target to settle"

    def play(self, case: Case, *, patient: bool = True) -> Observation:
        """Send a case; `patient` is as of the sender."""
        return self.sender.send(case, patient=patient)

    def play_all(self, cases: Sequence[Case], seen: list[Observation]) -> None:
        """Play cases at once, or one after the other where time is not real, adding to `seen`."""
        if self.sender.clock.free:
            seen.extend(self.play(case, patient=False) for case in cases)  # none counts twice
        else:
            seen += self.sender.send_together(cases)

    def plain(self, topic: str, number: int, *, fresh: bool = True) -> Case:
        """A small valid request of the route; the same number gives the same body."""
        mark = nonce(self.seed, number)
        if self.route == "model":
            document = {"prompt": f"Say hello (olá) to {mark}.", "max_tokens": 16}
            return Case("model", document, topic, fresh=fresh)
        text = f"Say hello (olá) to {mark}."
        asked = body(self.sender.target.model, text, max_tokens=16, temperature=0)
        return Case(self.route, asked, topic, fresh=fresh)

    def marked(self, topic: str, number: int, *, stream: bool = False) -> Case:
        """A request whose answer holds a text of its own, where a strict schema is obeyed.

        On the model route, where nothing can be demanded, it is a plain one.
        """
        if self.route == "model":
            return self.plain(topic, number)
        mark = f"märk-{nonce(self.seed, number)}"
        fields = {"response_format": only(mark=mark), "max_tokens": 64, "temperature": 0}
        asked = body(self.sender.target.model, f"Fill in the form. ({mark})", **fields)
        case = Case(self.route, asked, topic)
        return case.having(stream=True) if stream else case

    def any_quick(self, topic: str, number: int) -> Case:
        """The next waiting case with a short answer, or a plain one; it need not be sent later."""
        case = next((case for case in self.waiting if _is_quick(case)), None)
        if case is None:
            return self.plain(topic, number)
        self.waiting.remove(case)
        return case

    def wants(self, *clauses: str) -> bool:
        """Whether any of these clauses is to be judged."""
        return not self.wanted.isdisjoint(clauses)

    def wait(self, seconds: float) -> None:
        """Let time pass on the run's clock."""
        self.sender.sleep(seconds, self.awaited)

    def wait_for_quiet(self) -> None:
        """Where time is real, wait a little for a machine that does not hold this process up."""
        if self.sender.lateness is not None:
            self.sender.lateness.wait_for_quiet(QUIET_S)

    def wait_since(
        self, earlier: Iterable[Observation], seconds: float, *, margin_s: float = 0.2
    ) -> None:
        """Wait until `seconds` and a margin have passed since the last of `earlier`."""
        passed = min((self.since(seen) for seen in earlier), default=0.0)
        self.wait(max(0.0, seconds + margin_s - passed))

    def since(self, earlier: Observation) -> float:
        """The seconds that have passed since a request was sent."""
        return (self.sender.clock.now_ns() - earlier.exchange.sent_ns) / 1e9


def _is_quick(case: Case) -> bool:
    limit = case.asked.get("max_tokens")
    return case.expect is not Expect.REJECT and isinstance(limit, int) and limit <= QUICK


def with_headers(case: Case, *fields: tuple[str, str]) -> Case:
    """The case with further header fields."""
    return replace(case, headers=(*case.headers, *fields))
