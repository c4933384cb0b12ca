"""Asks the corpus in rounds, looks at the answers now and then, and ends when all is decided."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.contract.case import Case
from harness.contract.observation import CHAT
from harness.contract.options import DEFAULT_REQUESTS, RunOptions
from harness.contract.repeat.corpus import CORPUS, Question
from harness.contract.repeat.judge import judge
from harness.contract.repeat.objectives import Judged, judged, read_objectives
from harness.contract.repeat.rates import (
    CONFIDENCE,
    LOOKS,
    ErrorRate,
    RepeatedAnswer,
    RouteDifference,
    pairs,
    rows,
)
from harness.contract.run.budget import BudgetError
from harness.contract.run.sender import Sender
from harness.errors import Layer
from harness.measure.objective import Objective

REQUEST_S = 10.0
"""The time that the run has for each request, beside its pace."""
DECIDED = "every objective is decided"


def requests_of(times: int, *, corpus: Sequence[Question] = CORPUS) -> int:
    """How many requests so many rounds are, on both routes."""
    return times * len(corpus) * len(CHAT)


@dataclass(slots=True)
class Repetition:
    """The corpus asked `times` times on each route by one sender, within its budget.

    `kept` are the requests that the budget lacks until it begins. `answers` grows while it is
    sent. `ended` says why it stopped before its last round; `skipped`
    are routes that cannot be judged at all.
    """

    sender: Sender
    times: int
    objectives: tuple[Objective, ...] = ()
    seed: int = 0
    kept: int = 0
    corpus: tuple[Question, ...] = CORPUS
    answers: list[RepeatedAnswer] = field(default_factory=list)
    rounds: int = 0
    ended: str = ""
    skipped: tuple[str, ...] = ()

    def send(self, *, without: Collection[str] = ()) -> None:
        """Ask round by round, on the routes but those; a budget or a stop ends it in order."""
        self.skipped = tuple(route for route in CHAT if route in without)
        looks = _looks(self.times)
        try:
            for number in range(self.times):
                for question, case in self._round(number):
                    self._ask(number, question, case)
                self.rounds = number + 1
                if self.rounds in looks and self.decided:
                    self.ended = DECIDED if self.rounds < self.times else ""
                    return
        except BudgetError as exc:
            self.ended = str(exc)

    def begin(self, before: Sender) -> int:
        """Take what another sender learned of the target; the moment until which requests go out.

        The whole budget is free from now on, and the time begins.
        """
        self.sender.context, self.sender.due_ns = before.context, before.due_ns
        self.sender.stopped = self.sender.stopped or before.stopped
        if self.sender.budget.max_requests is not None:
            self.sender.budget.max_requests += self.kept
        each_s = REQUEST_S + self.sender.interval_s
        seconds = requests_of(self.times, corpus=self.corpus) * each_s
        deadline_ns = self.sender.clock.now_ns() + int(seconds * 1e9)
        self.sender.deadline_ns = deadline_ns
        return deadline_ns

    def stop(self, reason: str) -> None:
        """Send nothing more; any thread may call it."""
        self.sender.stop(reason)

    @property
    def decided(self) -> bool:
        """Whether there are objectives, and none is unknown."""
        found = self.judged
        return bool(found) and all(each.result != "unknown" for each in found)

    @property
    def judged(self) -> list[Judged]:
        """Each objective on each route."""
        return judged(self.objectives, self.answers, CHAT)

    @property
    def rows(self) -> list[ErrorRate]:
        """How often each kind of error came."""
        return rows(self.answers)

    @property
    def pairs(self) -> list[RouteDifference]:
        """The routes against each other."""
        return pairs(self.answers)

    def document(self) -> dict[str, Any]:
        """What was found, as `rates` of `conformance.json`."""
        return {
            "asked": self.times,
            "rounds": self.rounds,
            "looks": LOOKS,
            "confidence": CONFIDENCE,
            "ended": self.ended,
            "shares": [each.document() for each in self.rows],
            "pairs": [each.document() for each in self.pairs],
            "objectives": [each.document() for each in self.judged],
        }

    def _round(self, number: int) -> Iterator[tuple[Question, Case]]:
        """Each question on each route, which take turns in going first."""
        routes = [route for route in CHAT if route not in self.skipped]
        model = self.sender.target.model
        for place, question in enumerate(self.corpus):
            for route in routes if (number + place) % 2 == 0 else reversed(routes):
                case = question.case(route, model, seed=self.seed, round_=number, number=place)
                yield question, case

    def _ask(self, number: int, question: Question, case: Case) -> None:
        """One answer as it comes, without a second try; what we ended ourselves is not counted."""
        seen = self.sender.send(case, patient=False)
        if seen.layer is Layer.CLIENT:
            return
        self.answers.append(
            RepeatedAnswer(case.route, question.name, number, question.calls, judge(seen))
        )


def kept_for(options: RunOptions) -> int:
    """How many requests are kept for what is repeated: half of few, all but the usual of many."""
    most = max(options.max_requests // 2, options.max_requests - DEFAULT_REQUESTS)
    return min(requests_of(options.repeat), most)


def repetition_of(sender: Sender, options: RunOptions, kept: int) -> Repetition:
    """What is asked many times, by a sender of the same budget whose answers no clause judges."""
    return Repetition(
        replace(sender, seen=[]),
        options.repeat,
        read_objectives(options.threshold),
        seed=options.seed,
        kept=kept,
    )


def _looks(times: int) -> set[int]:
    """After which rounds the answers are looked at."""
    return {-(-times * look // LOOKS) for look in range(1, LOOKS + 1)}
