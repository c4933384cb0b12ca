"""Sends a case and observes the answer: the one place where a contract run does I/O.

It builds the request, keeps to the budget and the pace, marks its traffic, follows redirects within
the origin, and remembers everything that it saw.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from harness.contract.answer.choices import tokens
from harness.contract.case import Case, Key
from harness.contract.observation import Observation, observe
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.context import fitted, limit_of
from harness.contract.run.deployment import taken
from harness.contract.run.lateness import Lateness
from harness.contract.run.redirect import HOPS, next_hop
from harness.contract.run.threads import Lanes, at_once
from harness.contract.run.waits import RunClock
from harness.errors import TransportError, TransportKind
from harness.routes import compat, universal
from harness.routes.address import Address, Credentials, GatewayOptions
from harness.routes.body import USER_AGENT
from harness.routes.build import build
from harness.settings import Target
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.httpx import HttpxTransport, Incoming
from harness.wire import Request

TAKEN_AT_ITS_WORD = 5
"""So many requests that got a 500 each of three times show that a 500 of this target lasts."""
FITS = 3
"""So often a request is made shorter for a model whose context is small."""
LATE = "the time for this run is used up"
GRACE_S = 5.0
"""So long after the deadline an exchange that has begun may still end."""
WRONG = "wrong-key-of-the-contract-run"


class Transport(Protocol):
    """Sends one request and brings back the exchange; never raises for what the target does."""

    def send(self, request: Request, *, timeouts: Timeouts | None = None) -> Exchange:
        """The whole exchange."""
        ...


@dataclass(slots=True)
class Sender:
    """Sends cases to one target; `seen` is every observation in the order of their ends.

    `interval_s` is the least time between two requests on `clock`, `deadline_ns` a moment of it
    after which none is sent. Threads may share a sender. `stopped` says why it sends nothing any
    more, `waits` has for each thread that waits until when it does, and what for. `lateness`
    samples how late this process is, where time is real. `marked` is whether the dedicated model
    takes a field beside its own input, `context` the tokens that the chat model has room for, once
    it said so. `lanes` keeps apart what must be alone in flight; with `one_by_one` every case is.
    """

    target: Target
    transport: Transport
    clock: RunClock
    budget: Budget
    run_id: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    interval_s: float = 0.0
    seen: list[Observation] = field(default_factory=list)
    due_ns: int = 0
    lasting: int = 0
    deadline_ns: int | None = None
    lateness: Lateness | None = None
    marked: bool = False
    context: int | None = None
    one_by_one: bool = False
    lanes: Lanes = field(default_factory=Lanes)
    stopped: str = ""
    waits: dict[int, tuple[int, str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def paced(self) -> bool:
        """Whether requests go one at a time: by a pace, or because time is not real."""
        return self.clock.free or self.interval_s > 0

    def stop(self, reason: str) -> None:
        """Send nothing more, and end what is under way; any thread may call it."""
        self.stopped = self.stopped or reason
        if isinstance(self.transport, HttpxTransport):
            self.transport.abort()

    def sleep(self, seconds: float, awaited: str) -> None:
        """Let time pass on the run's clock; BudgetError when the run was stopped meanwhile."""
        until_ns = self.clock.now_ns() + int(seconds * 1e9)
        self.waits[threading.get_ident()] = (until_ns, awaited)
        try:
            self.clock.sleep(seconds)
        finally:
            del self.waits[threading.get_ident()]
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self.stopped:
            raise BudgetError(self.stopped)

    def send(self, case: Case, *, patient: bool = True) -> Observation:
        """The observation of one case; BudgetError when it may not be sent.

        After a 500 the case is sent again, at most twice, unless not `patient`: one that does not
        come back says nothing about the contract. When enough have lasted, the target is taken at
        its word.
        """
        with self.lanes.alone() if self.one_by_one else self.lanes.beside():
            return self._answered(self.taken(case), patient=patient)

    def _answered(self, case: Case, *, patient: bool) -> Observation:
        if not patient:
            return self._kept(self._sent(case))
        failed: list[Observation] = []
        seen = self._in_context(case)
        case = seen.case
        try:
            while seen.status == 500 and self.lasting < TAKEN_AT_ITS_WORD and len(failed) < 2:
                failed.append(seen)
                seen = self._sent(case)
        finally:
            passed = seen.status != 500
            self.lasting += len(failed) == 2 and not passed
            for each in failed:
                self._kept(replace(each, transient=passed))
        return self._kept(seen)

    def _in_context(self, case: Case) -> Observation:
        """What is answered to the case, made to fit where the model's context turns out small."""
        seen = self._sent(case)
        for _ in range(FITS):
            limit = limit_of(seen)
            if limit is None:
                break
            self.context = limit if self.context is None else min(limit, self.context * 3 // 4)
            seen = replace(seen, too_long=True)
            shorter = fitted(case, self.context)
            if shorter == case:
                break
            self._kept(seen)
            case = shorter
            seen = self._sent(case)
        return seen

    @property
    def distinct(self) -> bool:
        """Whether requests to the dedicated model can be told apart by a field of ours."""
        return self.marked or not self.target.model_input

    def taken(self, case: Case) -> Case:
        """The case as the target takes it."""
        known = taken(case, self.target.model_input, marked=self.marked)
        return known if self.context is None else fitted(known, self.context)

    def _sent(self, case: Case) -> Observation:
        number = self._reserve(case)
        self._wait()
        request = self.request(case, number)
        if case.leaves and isinstance(self.transport, HttpxTransport):
            return self._observed(number, case, self._left(request, self.transport))
        return self._observed(number, case, self._followed(case, self._exchanged(request)))

    def _left(self, request: Request, transport: HttpxTransport) -> Exchange:
        """The beginning of an exchange that the client leaves."""
        try:
            with transport.open(request, timeouts=self.timeouts) as incoming:
                next(iter(incoming), None)
        except TransportError as error:
            self._check_stopped()
            return Exchange(request, self.clock.now_ns(), None, error)
        return incoming.exchange()

    def send_together(self, cases: Sequence[Case]) -> tuple[Observation, ...]:
        """The observations of cases that are in flight at once, in the order of the cases.

        Where time is not real, every head is awaited before a body is read to its end. BudgetError
        when not all of them may be sent; none is sent then.
        """
        with self.lanes.beside():
            return self._together([self.taken(case) for case in cases])

    def _together(self, cases: Sequence[Case]) -> tuple[Observation, ...]:
        with self.lock:
            numbers = [self._reserve(case) for case in cases]
        requests = [self.request(case, n) for case, n in zip(cases, numbers, strict=True)]
        if self.clock.free and isinstance(self.transport, HttpxTransport):
            begun = self._interleaved(requests, self.transport)
            sent = [self._followed(*each) for each in zip(cases, begun, strict=True)]
        else:
            sent = self._at_once(cases, requests)
        found = zip(numbers, cases, sent, strict=True)
        return tuple(self._kept(self._observed(*each)) for each in found)

    def _followed(self, case: Case, exchange: Exchange) -> Exchange:
        """The exchange at the end of redirects within the origin; each hop is a request more."""
        following = next_hop(exchange)
        while following is not None and len(exchange.redirected) < HOPS:
            with self.lock:
                self._reserve(case)
                self.budget.settle(case.cost, 0)
            self._wait()
            redirected = (*exchange.redirected, exchange.request)
            sent = self._exchanged(following)
            exchange = replace(sent, redirected=redirected)
            following = next_hop(exchange)
        return exchange

    def _at_once(self, cases: Sequence[Case], requests: Sequence[Request]) -> list[Exchange]:
        def send(case: Case, request: Request) -> Exchange:
            self._wait()
            return self._followed(case, self._exchanged(request))

        works = [partial(send, *each) for each in zip(cases, requests, strict=True)]
        return at_once(works, name="together")

    def _interleaved(
        self, requests: Sequence[Request], transport: HttpxTransport
    ) -> Sequence[Exchange]:
        """All of them begun, and then read; one thread, so that a virtual clock stays in order."""
        begun: list[Exchange | Incoming] = []
        with ExitStack() as stack:
            for request in requests:
                try:
                    opened = transport.open(request, timeouts=self.timeouts)
                    begun.append(stack.enter_context(opened))
                except TransportError as error:
                    begun.append(Exchange(request, self.clock.now_ns(), None, error))
            return [each if isinstance(each, Exchange) else each.exchange() for each in begun]

    def _exchanged(self, request: Request) -> Exchange:
        """The exchange; BudgetError when the end of the run, not the target's, cut it off."""
        left = None if self.deadline_ns is None else self._seconds_left(self.deadline_ns)
        total = self.timeouts.total
        whole = left is None or (total is not None and total <= left)
        timeouts = self.timeouts if whole else replace(self.timeouts, total=left)
        exchange = self.transport.send(request, timeouts=timeouts)
        if exchange.error is not None:
            self._check_stopped()
            if not whole and exchange.error.kind is TransportKind.TOTAL_TIMEOUT:
                raise BudgetError(LATE)
        return exchange

    def _seconds_left(self, deadline_ns: int) -> float:
        """Seconds that an exchange may last: until a little after the deadline."""
        return (deadline_ns - self.clock.now_ns()) / 1e9 + GRACE_S

    def _reserve(self, case: Case) -> int:
        """The number of a request that the budget and the time allow."""
        with self.lock:
            self._check_stopped()
            if self.deadline_ns is not None and self.clock.now_ns() >= self.deadline_ns:
                raise BudgetError(LATE)
            self.budget.reserve(case.cost)
            return self.budget.requests

    def _observed(self, number: int, case: Case, exchange: Exchange) -> Observation:
        seen = observe(number, case, exchange, late_ns=self._late_ns(exchange))
        used = tokens(seen.reading, "total_tokens") if seen.reading else None
        with self.lock:
            self.budget.settle(case.cost, 0 if seen.rejected else used)
        return seen

    def _late_ns(self, exchange: Exchange) -> int:
        response = exchange.response
        if self.lateness is None or response is None:
            return 0
        return self.lateness.during(exchange.sent_ns, exchange.sent_ns + response.end_at_ns)

    def _kept(self, seen: Observation) -> Observation:
        with self.lock:
            self.seen.append(seen)
        return seen

    def request(self, case: Case, number: int) -> Request:
        """The HTTP request of a case."""
        options = GatewayOptions(
            skip_cache=True if case.fresh else None,
            event_id=f"{self.run_id}-{number}",
            metadata={"run": self.run_id},
            extra=(*self.target.headers, ("User-Agent", f"{USER_AGENT}-contract"), *case.headers),
        )
        credentials = _credentials(case, self.target.credentials)
        if case.universal:
            return _universal(case, self.target, credentials, options)
        built = _build(case, self.target, credentials, options)
        built = _placed(case, self.target, built)
        if case.method == "POST":
            return built
        return Request(case.method, built.url, built.headers.without("content-type"), b"")

    def _wait(self) -> None:
        if self.interval_s <= 0:
            return
        now = self.clock.now_ns()
        if now < self.due_ns:
            self.sleep((self.due_ns - now) / 1e9, "the pace of the run")
        self.due_ns = max(now, self.due_ns) + int(self.interval_s * 1e9)


def _build(
    case: Case, target: Target, credentials: Credentials, options: GatewayOptions
) -> Request:
    address = _address(case, target.address)
    body: Mapping[str, Any] | bytes = case.body
    return build(
        case.route,
        address,
        body,
        model_id=case.model_id or target.model_id or "",
        prefix=compat.PREFIX if case.prefix else "",
        credentials=credentials,
        options=options,
    )


def _placed(case: Case, target: Target, built: Request) -> Request:
    """The request at the case's own path, where it has one."""
    if case.path is None:
        return built
    base = _address(case, target.address).base
    return Request(built.method, base + case.path, built.headers, built.body)


def _universal(
    case: Case, target: Target, credentials: Credentials, options: GatewayOptions
) -> Request:
    """The case and its steps as one request to the universal endpoint."""
    address = _address(case, target.address)
    if isinstance(case.body, bytes):
        return universal.build(address, case.body, credentials=credentials, options=options)
    steps = [_step(each, target) for each in case.listed]
    return universal.build(address, steps, credentials=credentials, options=options)


def _step(case: Case, target: Target) -> Request:
    """What the case sends when it goes to its own route."""
    credentials = _credentials(case, target.credentials)
    built = _build(case, target, credentials, GatewayOptions(extra=case.headers))
    return _placed(case, target, built)


def _address(case: Case, address: Address) -> Address:
    if case.gateway is None:
        return address
    return Address(address.origin, address.account_id, case.gateway, address.custom_domain)


def _credentials(case: Case, given: Credentials) -> Credentials:
    return Credentials(
        provider_key=_key(case.provider_key, given.provider_key),
        gateway_token=_key(case.gateway_key, given.gateway_token),
        byok_alias=given.byok_alias,
    )


def _key(which: Key, given: str | None) -> str | None:
    if which is Key.GIVEN:
        return given
    return WRONG if which is Key.WRONG else None
