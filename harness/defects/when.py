"""When a defect shows: under a condition, and each time that it holds, every nth time, or some.

Rare defects and generated ones say it in the same words. A condition looks at the request, at the
answer that it is about to get and at what its gateway did before; a turn counts.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.gateway.call import Arrival
from harness.gateway.served import Edit, Served
from harness.wire import Response

ROUTES = ("all", "native", "compat", "model")
LARGE_REQUEST, LARGE_ANSWER = 1024, 2048
"""Bytes above which a body counts as large."""


def asked(arrival: Arrival) -> Mapping[str, Any]:
    """The request's body as an object; empty when it is none."""
    try:
        document = json.loads(arrival.request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _on_route(route: str, arrival: Arrival) -> bool:
    """Whether the path addresses the route; native is what addresses none of the other two."""
    path = arrival.request.path
    addressed = "compat" if "/compat/" in path else "model" if "/model/" in path else "native"
    return route in ("all", addressed)


@dataclass(slots=True)
class Past:
    """What a gateway did before a request."""

    failed: bool = False
    busy_until_ns: int = -1

    def note(self, served: Served) -> None:
        """Remember an answer for the requests after it."""
        end_ns = served.arrival.at_ns + served.response.end_at_ns
        self.failed = served.response.status >= 400
        self.busy_until_ns = max(self.busy_until_ns, end_ns)


RequestCondition = Callable[[Arrival], bool]
"""A condition that the request alone decides."""
AnswerCondition = Callable[[Served, Past], bool]
"""A condition of a defect of the answer."""


def of_request(condition: RequestCondition) -> AnswerCondition:
    """The condition of a request as one of its answer."""
    return lambda served, _: condition(served.arrival)


def above(size: int) -> RequestCondition:
    """The request's body is larger."""
    return lambda arrival: len(arrival.request.body) > size


def _streams(arrival: Arrival) -> bool:
    return asked(arrival).get("stream") is True


def after_error(_: Served, past: Past) -> bool:
    """The answer before was an error."""
    return past.failed


REQUESTS: Mapping[str, RequestCondition] = {
    "always": lambda _: True,
    "streams": _streams,
    "plain": lambda arrival: not _streams(arrival),
    "large-request": above(LARGE_REQUEST),
    "with-tools": lambda arrival: "tools" in asked(arrival),
    "non-ascii": lambda arrival: not json.dumps(asked(arrival), ensure_ascii=False).isascii(),
    "every-3": lambda _: True,
    "every-5": lambda _: True,
}
"""The conditions on which a generated defect of a decision may show, by name."""
ANSWERS: Mapping[str, AnswerCondition] = {
    **{name: of_request(condition) for name, condition in REQUESTS.items()},
    "large-answer": lambda served, _: len(served.response.body) > LARGE_ANSWER,
    "after-error": after_error,
    "in-company": lambda served, past: served.arrival.at_ns < past.busy_until_ns,
}
"""Those of a generated defect of the answer."""


def on_request(route: str, condition: str) -> RequestCondition:
    """The request is for a route and fulfils a condition with a name."""
    return lambda arrival: _on_route(route, arrival) and REQUESTS[condition](arrival)


def on_answer(route: str, condition: str) -> AnswerCondition:
    """The answer is on a route and fulfils a condition with a name."""
    holds = ANSWERS[condition]
    return lambda served, past: _on_route(route, served.arrival) and holds(served, past)


Turn = Callable[[int, int], bool]
"""Whether a defect shows the so manieth time that it could, on a gateway with a seed."""


def first(number: int, _seed: int) -> bool:
    """The first time only."""
    return number == 1


def every(nth: int) -> Turn:
    """Every so manieth time."""
    return lambda number, _: number % nth == 0


def share(count: int, of: int) -> Turn:
    """So many times of so many; which ones, the gateway's seed decides."""

    def turn(number: int, seed: int) -> bool:
        block, place = divmod(number - 1, of)
        rng = random.Random(seed * 1_000_003 + block)  # noqa: S311 - a sample, not a secret
        return place in rng.sample(range(of), count)

    return turn


def turn_of(condition: str) -> Turn:
    """The turn that the name of a condition says: `every-3`, or each."""
    return every(int(condition.partition("every-")[2] or 1))


EACH = every(1)


@dataclass(slots=True)
class Turns:
    """Counts the times that a defect could show on one gateway; a request is counted once."""

    turn: Turn
    _count: int = 0
    _serial: int = 0
    _shows: bool = False

    def has(self, arrival: Arrival, seed: int = 0) -> bool:
        """Whether it is the turn of a request on which the defect could show."""
        if arrival.serial != self._serial:
            self._count, self._serial = self._count + 1, arrival.serial
            self._shows = self.turn(self._count, seed)
        return self._shows


@dataclass(frozen=True, slots=True)
class Occasions:
    """The requests to one gateway on which a defect of its decisions shows."""

    condition: RequestCondition
    turns: Turns

    def shows(self, arrival: Arrival) -> bool:
        """Whether it shows on a request that is decided now; asked where it could."""
        return self.condition(arrival) and self.turns.has(arrival)


def only(
    condition: AnswerCondition, edit: Edit, turn: Turn = EACH, *, of_changed: bool = False
) -> Edit:
    """The edit when it is its turn of the answers under a condition.

    With `of_changed` only those count that it changes. It is given every answer all the same: an
    edit may compare one with the one before.
    """

    def respond(served: Served) -> Response:
        past = served.memory.setdefault("past", Past())
        turns = served.memory.setdefault("turns", Turns(turn))
        holds = condition(served, past)
        past.note(served)
        changed = edit(served)
        counts = holds and not (of_changed and changed == served.response)
        seed = served.call.config.seed if served.call else 0
        return changed if counts and turns.has(served.arrival, seed) else served.response

    return respond
