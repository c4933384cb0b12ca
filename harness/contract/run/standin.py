"""The embedded stand-in as a target: on a respx router with a virtual clock, or on a socket.

Everything that the contract can judge is switched on: authentication, a cache, and, in a second
gateway of its own, a rate limit, so that the limit does not slow the rest of the run.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import respx

from harness.contract.run.sender import Transport
from harness.contract.run.waits import RunClock
from harness.defects.make import make_gateway
from harness.gateway.clock import VirtualClock
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.respx import mount
from harness.gateway.server import LocalGateway
from harness.routes.address import Address, Credentials
from harness.routes.route import DEFAULT_MODEL
from harness.settings import Expectations, Kind, RateLimit, Target
from harness.settings.stand_in import stand_in
from harness.settings.target import (
    STAND_IN_ACCOUNT,
    STAND_IN_GATEWAY,
    STAND_IN_MODEL_ID,
    STAND_IN_PROVIDER_KEY,
    STAND_IN_TOKEN,
)
from harness.transports.httpx import HttpxTransport
from harness.transports.network import DIRECT

RATE = RateLimit(3, 1)
"""The stand-in's rate limit."""
CACHE_TTL_S = 3
"""The stand-in's cache TTL: long enough for a slow machine, short enough to wait for."""
MOCK, MOCK_LIMITED = "http://stand-in.invalid", "http://limited.stand-in.invalid"
TARGET = Target(
    Kind.MOCK,
    "mock",
    Address(MOCK, STAND_IN_ACCOUNT, STAND_IN_GATEWAY),
    Credentials(STAND_IN_PROVIDER_KEY, STAND_IN_TOKEN),
    DEFAULT_MODEL,
    STAND_IN_MODEL_ID,
)
"""The stand-in by its own names and keys."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running stand-in: the target, how to reach it, and the same with a rate limit.

    `gateways` are the two behind them; their logs hold every request that arrived.
    """

    target: Target
    limited: Target
    transport: Transport
    clock: RunClock
    gateways: tuple[Gateway, ...] = ()

    @property
    def arrived(self) -> int:
        """How many requests the stand-in has seen."""
        return sum(len(gateway.log) for gateway in self.gateways)


def declared(target: Target) -> Target:
    """The target with everything declared that the stand-in can be configured for."""
    said = target.expectations
    auth = bool(target.credentials.gateway_token) and said.auth is not False
    ttl = CACHE_TTL_S if said.cache_ttl is None else said.cache_ttl
    return replace(target, expectations=Expectations(auth, ttl))


@contextmanager
def mock(
    target: Target, *, defect: str | None = None, variant: str | None = None, seed: int = 0
) -> Iterator[Embedded]:
    """The stand-in in this process: no socket, and time that passes only when it is waited for."""
    target, limited = _pair(target)
    clock = VirtualClock()
    waiting = RunClock(clock.now_ns, lambda seconds: clock.advance(int(seconds * 1e9)), free=True)
    with (
        respx.mock(assert_all_called=False, using="httpx") as router,
        HttpxTransport(now_ns=clock.now_ns, network=DIRECT) as sent,
    ):
        gateways = tuple(
            make_gateway(stand_in(each, seed=seed), defect=defect, variant=variant)
            for each in (target, limited)
        )
        for gateway, origin in zip(gateways, (MOCK, MOCK_LIMITED), strict=True):
            mount(router, gateway, origin=origin, clock=clock)
        yield Embedded(target.at(MOCK), limited.at(MOCK_LIMITED), sent, waiting, gateways)


@contextmanager
def local(
    target: Target, *, defect: str | None = None, variant: str | None = None, seed: int = 0
) -> Iterator[Embedded]:
    """The stand-in on loopback sockets, under the real clock."""
    target, limited = _pair(target)
    clock = RunClock(time.monotonic_ns, time.sleep)
    with ExitStack() as stack:
        gateways = tuple(
            make_gateway(_today(stand_in(each, seed=seed)), defect=defect, variant=variant)
            for each in (target, limited)
        )
        urls = [stack.enter_context(LocalGateway(gateway)).url for gateway in gateways]
        transport = stack.enter_context(HttpxTransport(network=DIRECT))
        yield Embedded(target.at(urls[0]), limited.at(urls[1]), transport, clock, gateways)


def _today(config: Config) -> Config:
    return replace(config, epoch_ns=time.time_ns())


def _pair(target: Target) -> tuple[Target, Target]:
    """The target with everything declared, and one with a rate limit of its own and no cache."""
    full = declared(target)
    limit = target.expectations.rate_limit or RATE
    return full, replace(full, expectations=Expectations(full.expectations.auth, None, limit))
