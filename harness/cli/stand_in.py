"""Run the stand-in for the length of a command, as the `local` target."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.gateway.config import Config
    from harness.settings import Target


TTFT_NS, ITL_NS, JITTER = 40_000_000, 4_000_000, 0.2
"""How the local stand-in answers: like a fast model, so that a short run has many requests."""


@contextmanager
def running(target: "Target", *, defect: str | None = None, seed: int = 0) -> Iterator["Target"]:
    """The target with its origin: `local` is started and stopped, any other passes through."""
    from harness.settings import Kind

    if target.kind is not Kind.LOCAL:
        yield target
        return
    from harness.gateway.server.process import GatewayProcess

    config = configure(target, seed=seed)
    with GatewayProcess(config, defect=defect) as gateway, _unproxied():
        yield target.at(gateway.url)


def configure(target: "Target", *, seed: int) -> "Config":
    """The stand-in with the target's identity, set up as is declared about it, at today's date."""
    from harness.gateway.config import Config, RateLimit
    from harness.gateway.timing import Timing

    expected = target.expectations
    limit = expected.rate_limit
    return Config(
        account_id=target.address.account_id,
        gateway_id=target.address.gateway_id,
        provider_key=target.credentials.provider_key or "",
        gateway_token=target.credentials.gateway_token if expected.auth else None,
        model_id=target.model_id or "",
        cache_ttl=expected.cache_ttl or None,
        rate_limit=RateLimit(limit.requests, limit.seconds) if limit else None,
        custom_domain=target.address.custom_domain,
        seed=seed,
        epoch_ns=time.time_ns(),
        timing=Timing(ttft_ns=TTFT_NS, itl_ns=ITL_NS, jitter=JITTER),
    )


@contextmanager
def _unproxied() -> Iterator[None]:
    """Keep the proxies of the environment out of the way to our own stand-in, in subprocesses too.

    Not by the stand-in's name: httpx sets up every proxy that is named, whether it is used or not.
    """
    names = ("NO_PROXY", "no_proxy")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "*"))
    try:
        yield
    finally:
        for name, listed in before.items():
            if listed is None:
                del os.environ[name]
            else:
                os.environ[name] = listed
