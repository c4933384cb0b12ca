"""Run the stand-in for the length of a command, as the `local` target."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.gateway.config import Config
    from harness.settings import Target


TTFT_NS, ITL_NS, JITTER = 40_000_000, 4_000_000, 0.2
"""How the local stand-in answers: like a fast model, so that a short run has many requests."""


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """A stand-in that can be overloaded: `slots` requests at once, each for `service_ns`."""

    slots: int
    service_ns: int


@contextmanager
def running(
    target: "Target",
    *,
    seed: int = 0,
    limits: SlotLimits | None = None,
) -> Iterator["Target"]:
    """The target with its origin: `local` is started and stopped, any other passes through."""
    from harness.settings import Kind

    if target.kind is not Kind.LOCAL:
        yield target
        return
    from harness.defects.make import make_gateway
    from harness.gateway.server.process import GatewayProcess
    from harness.transports.proxies import without_proxies

    config = configure(target, seed=seed)
    if limits is not None:
        config = limited(config, limits)
    with GatewayProcess(partial(make_gateway, config)) as gateway, without_proxies():
        yield target.at(gateway.url)


def limited(config: "Config", limits: SlotLimits) -> "Config":
    """The stand-in with so many slots, and one token at the end of each one's time."""
    timing = replace(config.timing, ttft_ns=limits.service_ns, itl_ns=0, jitter=0.0, tokens=1)
    return replace(config, slots=limits.slots, timing=timing)


def configure(target: "Target", *, seed: int) -> "Config":
    """The stand-in that the target describes, at today's date, which answers like a fast model."""
    from harness.gateway.timing import Timing
    from harness.settings.stand_in import stand_in

    timing = Timing(ttft_ns=TTFT_NS, itl_ns=ITL_NS, jitter=JITTER)
    return replace(stand_in(target, seed=seed), epoch_ns=time.time_ns(), timing=timing)
