"""The embedded stand-in as a subject: on a respx router with a virtual clock, or on a socket.

Everything that the contract can judge is switched on: authentication, a cache, and, in a second
gateway of its own, a rate limit, so that the limit does not slow the rest of the run.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import respx

from harness.contract.subject import RunClock, Subject, Transport
from harness.defects.make import make_gateway
from harness.gateway.clock import VirtualClock
from harness.gateway.config import Config, RateLimit
from harness.gateway.model import Gateway
from harness.gateway.respx import mount
from harness.gateway.server import LocalGateway
from harness.transports.httpx import HttpxTransport
from harness.transports.network import DIRECT

RATE = (3, 1)
"""The stand-in's rate limit: requests and seconds."""
CACHE_TTL_S = 3
"""The stand-in's cache TTL: long enough for a slow machine, short enough to wait for."""
MOCK, MOCK_LIMITED = "http://stand-in.invalid", "http://limited.stand-in.invalid"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running stand-in: the subject, how to reach it, and the same with a rate limit.

    `gateways` are the two behind them; their logs hold every request that arrived.
    """

    subject: Subject
    limited: Subject
    transport: Transport
    clock: RunClock
    gateways: tuple[Gateway, ...] = ()

    @property
    def arrived(self) -> int:
        """How many requests the stand-in has seen."""
        return sum(len(gateway.log) for gateway in self.gateways)


def declared(subject: Subject) -> Subject:
    """The subject with everything declared that the stand-in can be configured for."""
    return replace(
        subject,
        auth=bool(subject.credentials.gateway_token) and subject.auth is not False,
        cache_ttl=CACHE_TTL_S if subject.cache_ttl is None else subject.cache_ttl,
        rate_limit=None,
    )


@contextmanager
def mock(
    subject: Subject, *, defect: str | None = None, variant: str | None = None, seed: int = 0
) -> Iterator[Embedded]:
    """The stand-in in this process: no socket, and time that passes only when it is waited for."""
    subject, limited = _pair(subject)
    clock = VirtualClock()
    waiting = RunClock(clock.now_ns, lambda seconds: clock.advance(int(seconds * 1e9)), free=True)
    with (
        respx.mock(assert_all_called=False, using="httpx") as router,
        HttpxTransport(now_ns=clock.now_ns, network=DIRECT) as sent,
    ):
        gateways = tuple(
            make_gateway(config(each, seed=seed), defect=defect, variant=variant)
            for each in (subject, limited)
        )
        for gateway, origin in zip(gateways, (MOCK, MOCK_LIMITED), strict=True):
            mount(router, gateway, origin=origin, clock=clock)
        yield Embedded(_at(subject, MOCK), _at(limited, MOCK_LIMITED), sent, waiting, gateways)


@contextmanager
def local(
    subject: Subject, *, defect: str | None = None, variant: str | None = None, seed: int = 0
) -> Iterator[Embedded]:
    """The stand-in on loopback sockets, under the real clock."""
    subject, limited = _pair(subject)
    clock = RunClock(time.monotonic_ns, time.sleep)
    with ExitStack() as stack:
        gateways = tuple(
            make_gateway(config(each, seed=seed, now=True), defect=defect, variant=variant)
            for each in (subject, limited)
        )
        urls = [stack.enter_context(LocalGateway(gateway)).url for gateway in gateways]
        transport = stack.enter_context(HttpxTransport(network=DIRECT))
        yield Embedded(_at(subject, urls[0]), _at(limited, urls[1]), transport, clock, gateways)


def config(subject: Subject, *, seed: int, now: bool = False) -> Config:
    """The stand-in's configuration for a subject; with `now` its wall clock is today's."""
    made = Config(
        account_id=subject.address.account_id,
        gateway_id=subject.address.gateway_id,
        provider_key=subject.credentials.provider_key or "",
        gateway_token=subject.credentials.gateway_token if subject.auth else None,
        model_id=subject.model_id or "",
        cache_ttl=subject.cache_ttl,
        rate_limit=RateLimit(*subject.rate_limit) if subject.rate_limit else None,
        custom_domain=subject.address.custom_domain,
        seed=seed,
    )
    return replace(made, epoch_ns=time.time_ns()) if now else made


def _pair(subject: Subject) -> tuple[Subject, Subject]:
    limit = subject.rate_limit or RATE
    full = declared(subject)
    return full, replace(full, rate_limit=limit, cache_ttl=None)


def _at(subject: Subject, origin: str) -> Subject:
    return replace(subject, address=replace(subject.address, origin=origin))
