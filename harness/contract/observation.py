"""One exchange as the checks see it: what was asked, what came, and two readings of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.contract.answer.bounds import bounded
from harness.contract.answer.choices import SaidChoice, choices, tokens
from harness.contract.answer.reading import Reading, read
from harness.contract.case import Case
from harness.errors import Layer
from harness.routes.answer import Answer
from harness.routes.parse import parse
from harness.transports.exchange import Exchange
from harness.wire import Headers, Response

CHAT = ("native", "compat")
PASSING = frozenset((408, 429, 502, 503, 504, *range(520, 528), 529, 530))
"""Statuses that say "not now": overload, or an edge that does not reach what is behind it.

SDKs send such a request again, and no clause judges the answer.
"""


@dataclass(frozen=True)
class Observation:
    """One request of a run and its answer; `number` counts the requests of the run from 1.

    `reading` and `choices` come from the contract's own reading of the bytes, `answer` from the
    client's incremental parser. Without a response they are empty or None. An answer that is a
    stream where none was asked for, or the reverse, or that broke off, has no choices: one clause
    judges that. `transient` is a 500 in place of which the same request at once got another answer.
    `too_long` is a refusal because the context of the model is small: a shorter one was sent then.
    `late_ns` is how late this process was, at most, while the answer came.
    A hundred checks ask the same questions of one observation, so answers are kept, and it has no
    slots.
    """

    number: int
    case: Case
    exchange: Exchange
    reading: Reading | None = None
    choices: tuple[SaidChoice, ...] = ()
    answer: Answer | None = None
    transient: bool = False
    too_long: bool = False
    late_ns: int = 0

    @cached_property
    def response(self) -> Response | None:
        """The response, also when it is not whole."""
        return self.exchange.response

    @cached_property
    def status(self) -> int | None:
        """The HTTP status, None when no head arrived."""
        return self.response.status if self.response else None

    @cached_property
    def headers(self) -> Headers:
        """The response's header fields."""
        return self.response.headers if self.response else Headers()

    @cached_property
    def body(self) -> bytes:
        """The bytes of the answer, as far as they came."""
        return self.response.body if self.response else b""

    @cached_property
    def document(self) -> Any:
        """The JSON value of a plain answer; None without an answer, or as it was read."""
        return self.reading.document if self.reading else None

    @cached_property
    def ok(self) -> bool:
        """Whether the target said that it accepts the request."""
        return self.status is not None and 200 <= self.status < 300

    @cached_property
    def rejected(self) -> bool:
        """Whether the target said no."""
        return self.status is not None and self.status >= 400

    @cached_property
    def passing(self) -> bool:
        """Whether the target only said that it cannot answer now, or not one that is so long."""
        return self.transient or self.too_long or self.status in PASSING

    @cached_property
    def chat(self) -> bool:
        """Whether this is a chat request, not a model call."""
        return self.case.route in CHAT

    @cached_property
    def good(self) -> bool:
        """Whether a sound chat request was accepted, so that clauses on chat answers apply."""
        judged = self.chat and self.case.sound and not self.case.apart
        return self.ok and judged and self.reading is not None

    @cached_property
    def layer(self) -> Layer | None:
        """Who failed, as far as the answer or the transport tells."""
        if self.exchange.error is not None:
            return self.exchange.error.layer
        failure = self.answer.failure if self.answer else None
        return failure.layer if failure else None

    @cached_property
    def completion_tokens(self) -> int | None:
        """The completion tokens that usage reports."""
        return tokens(self.reading, "completion_tokens") if self.reading else None

    @cached_property
    def cache_status(self) -> str | None:
        """What the gateway says about its cache."""
        return self.headers.get("cf-aig-cache-status")

    @cached_property
    def documents(self) -> tuple[tuple[int, dict[str, Any]], ...]:
        """Every JSON object of the answer with the number of its event; a plain body is event 0."""
        if self.reading is None:
            return ()
        if self.reading.streamed:
            return tuple((event.number, document) for event, document in self.reading.chunks)
        document = self.reading.document
        return ((0, document),) if isinstance(document, dict) else ()


def observe(number: int, case: Case, exchange: Exchange, *, late_ns: int = 0) -> Observation:
    """Read an exchange twice and keep both readings; what holds too much is cut off before."""
    exchange = bounded(exchange)
    response = exchange.response
    if response is None:
        return Observation(number, case, exchange, late_ns=late_ns)
    reading = read(response)
    in_form = case.route in CHAT and reading.streamed == case.stream
    found = choices(reading) if in_form and exchange.whole else ()
    answer = parse(case.route, exchange.request, response, sent_ns=exchange.sent_ns)
    return Observation(number, case, exchange, reading, found, answer, late_ns=late_ns)
