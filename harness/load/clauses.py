"""Which clauses of the contract one answer of a load breaks: the contract's own checks, no copy.

A clause is left out, with its reason in `LEFT_OUT`, where one answer under load cannot show it or
could be accused by it wrongly: what hangs on the load's own speed, on settings of the target that
a load does not know, or on what a prompt of a file may ask for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.contract.answer.choices import choices
from harness.contract.answer.reading import read
from harness.contract.case import Case, Expect
from harness.contract.clause import Clause, ExchangeCheck, Level
from harness.contract.observation import CHAT, Observation
from harness.contract.topics import (
    body,
    errors,
    framing,
    headers,
    limits,
    model,
    plain,
    requests,
    stream_end,
    timing,
    tools,
    usage,
)
from harness.routes.parse import parse
from harness.routes.route import ROUTES
from harness.transports.exchange import Exchange
from harness.wire import End, Response

_CUT = "an answer that is not whole is an outcome of its own, and the network may have cut it"
_TIME = "its times are not its own while other requests are in flight"
_VALID = "whether the documents allow a prompt of a file is not known"
_OURS = "it judges the harness, not the answer"
_SCHEMA = "a schema out of a file may be invalid, slow, or refer to another server"
LEFT_OUT: Mapping[str, str] = {
    "request-url": _OURS,
    "two-readings-agree": _OURS,
    "body-whole": _CUT,
    "body-in-time": _TIME,
    "stream-no-silence": _TIME,
    "stream-end-prompt": _TIME,
    "route-answers": _VALID,
    "history-echo": _VALID,
    "error-rejected": _VALID,
    "error-4xx": _VALID,
    "record-rejections": "it records, and nothing breaks it",
    "tool-arguments-schema": _SCHEMA,
    "json-schema": _SCHEMA,
    "usage-long-prompt": "it is about one prompt of the contract's own",
    "length-at-limit": "a long prompt leaves less room in the model's context than max_tokens",
    "step-is-zero": "the gateway may have a fallback configured",
    "request-id-is-log-id": "the gateway may have a fallback configured",
    "log-id-present": "a load asks the gateway not to log",
    "body-encoded-once": "a prompt of a file may hold such text, and the answer may repeat it",
}
"""The clauses on single answers that no load judges, and why."""

CLAUSES: tuple[Clause, ...] = tuple(
    clause
    for each in (
        requests,
        body,
        headers,
        plain,
        stream_end,
        framing,
        usage,
        limits,
        tools,
        errors,
        model,
        timing,
    )
    for clause in each.topic.clauses
    if clause.check is not None and clause.id not in LEFT_OUT
)
"""What a load can judge. The contract's catalogue would bring a whole contract run with it."""


MOST_BYTES = 64 << 10
"""A longer answer is not judged: its check would hold up the reading of all others for too long.

It is about 250 chunks, for which a check takes some 5 ms, a third of that without a breath.
"""
_AT_ONCE = 8
"""Clauses that are looked at between two breaths: some 0.2 ms for a stream of 100 chunks."""


def _no_breath() -> None:
    """Where nobody else waits."""


def asked(route: str, fields: Mapping[str, Any]) -> Case:
    """A request of a load in the words of the contract; `fields` are those of its body.

    One value serves all requests of a prompt: no clause that is judged depends on the nonce.
    """
    return Case(route, fields, "load", Expect.EITHER, alone=False)


class Checker:
    """Judges one answer after the other; what is needed for all of them is made once."""

    def __init__(
        self, levels: Sequence[Level] = (Level.MUST,), *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._checks = {route: _checks(route, levels) for route in ROUTES}
        self._most_bytes = most_bytes

    def broken(
        self, case: Case, exchange: Exchange, breathe: Callable[[], None] = _no_breath
    ) -> tuple[str, ...] | None:
        """The ids of the clauses that an answer breaks; None where it is not whole, or too long.

        `breathe` is called between the parts of the work.
        """
        response = exchange.response
        if response is None or exchange.error is not None or response.end is not End.COMPLETE:
            return None
        if sum(len(chunk.data) for chunk in response.chunks) > self._most_bytes:
            return None
        breathe()
        seen = _observed(case, exchange, response)
        return tuple(self._failing(seen, breathe))

    def _failing(self, seen: Observation, breathe: Callable[[], None]) -> Iterator[str]:
        for place, (name, check) in enumerate(self._checks[seen.case.route]):
            if place % _AT_ONCE == 0:
                breathe()
            if check(seen):
                yield name
        breathe()


def _checks(route: str, levels: Sequence[Level]) -> tuple[tuple[str, ExchangeCheck], ...]:
    return tuple(
        (clause.id, clause.check)
        for clause in CLAUSES
        if clause.check is not None and route in clause.routes and clause.level in levels
    )


def _observed(case: Case, exchange: Exchange, response: Response) -> Observation:
    """The answer as checks see it; only a refusal is also read by the client's own parser.

    A 500 is taken for one of its moment: the request is not sent again to find out.
    """
    reading = read(response)
    in_form = case.route in CHAT and reading.streamed == case.stream
    refused = response.status >= 400
    return Observation(
        0,
        case,
        exchange,
        reading,
        choices(reading) if in_form else (),
        parse(case.route, exchange.request, response) if refused else None,
        transient=response.status == 500,
    )
