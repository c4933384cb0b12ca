"""Named ways to break the contract: how the contract suite is itself tested.

Two modules per class of the catalogue at most; each ends with the tuple of its defects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.errors import UsageError, did_you_mean
from harness.gateway.config import Config, RateLimit
from harness.gateway.defects.access import ACCESS
from harness.gateway.defects.billing import BILLING
from harness.gateway.defects.bodies import BODIES
from harness.gateway.defects.caching import CACHING
from harness.gateway.defects.calls import CALLS
from harness.gateway.defects.carriage import CARRIAGE
from harness.gateway.defects.company import COMPANY
from harness.gateway.defects.completions import COMPLETIONS
from harness.gateway.defects.counting import COUNTING
from harness.gateway.defects.credentials import CREDENTIALS
from harness.gateway.defects.defect import Defect
from harness.gateway.defects.events import EVENTS
from harness.gateway.defects.failures import FAILURES
from harness.gateway.defects.fields import FIELDS
from harness.gateway.defects.framing import FRAMING
from harness.gateway.defects.integrity import INTEGRITY
from harness.gateway.defects.leaving import LEAVING
from harness.gateway.defects.mutants import generated
from harness.gateway.defects.pacing import PACING
from harness.gateway.defects.parameters import PARAMETERS
from harness.gateway.defects.passage import PASSAGE
from harness.gateway.defects.quota import QUOTA
from harness.gateway.defects.rare import RARE
from harness.gateway.defects.refusals import REFUSALS
from harness.gateway.defects.retries import RETRIES
from harness.gateway.defects.sdkpath import SDKPATH
from harness.gateway.defects.sizes import SIZES
from harness.gateway.defects.steps import STEPS
from harness.gateway.defects.storage import STORAGE
from harness.gateway.defects.structure import STRUCTURE
from harness.gateway.defects.tempo import TEMPO
from harness.gateway.defects.text import TEXT
from harness.gateway.defects.toolcalls import TOOLCALLS
from harness.gateway.defects.transport import TRANSPORT
from harness.gateway.defects.unseen import UNSEEN
from harness.gateway.defects.usage import USAGE


class Catalogue(Mapping[str, Defect]):
    """Defects by name, in the order of the catalogue."""

    def __init__(self, defects: tuple[Defect, ...]) -> None:
        self._defects = {defect.name: defect for defect in defects}

    def __getitem__(self, name: str) -> Defect:
        return self._defects[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._defects)

    def __len__(self) -> int:
        return len(self._defects)

    def named(self, name: str) -> Defect:
        """The defect called `name`; raises `UsageError` with those that are near.

        A name with a colon is that of a generated defect, which no catalogue lists.
        """
        if ":" in name:
            return generated(name)
        if name not in self._defects:
            hint = did_you_mean(name, self._defects, otherwise="serve --list defects has all")
            raise UsageError(f"unknown defect {name!r}; {hint}")
        return self._defects[name]


_ALL = (
    *TRANSPORT,
    *CARRIAGE,
    *FRAMING,
    *EVENTS,
    *STRUCTURE,
    *COMPLETIONS,
    *INTEGRITY,
    *TEXT,
    *CALLS,
    *TOOLCALLS,
    *USAGE,
    *BILLING,
    *PARAMETERS,
    *BODIES,
    *UNSEEN,
    *FAILURES,
    *REFUSALS,
    *PACING,
    *TEMPO,
    *CACHING,
    *STORAGE,
    *ACCESS,
    *CREDENTIALS,
    *QUOTA,
    *COUNTING,
    *COMPANY,
    *SIZES,
    *PASSAGE,
    *SDKPATH,
    *STEPS,
    *RETRIES,
    *LEAVING,
    *FIELDS,
    *RARE,
)
EVERY = Catalogue(_ALL)
"""All defects, whoever can see them."""
DEFECTS = Catalogue(tuple(d for d in _ALL if not d.upstream_only))
"""What a client can see."""
UPSTREAM = Catalogue(tuple(d for d in _ALL if d.upstream_only))
"""What only the provider can see; the stand-in's log shows it."""

DEFAULT_GATEWAY_KEY = "gateway-token"


def suited(config: Config, name: str) -> Config:
    """The configuration with what the defect needs to be seen: auth, cache or a rate limit."""
    needs = EVERY.named(name).needs
    if "auth" in needs and config.gateway_token is None:
        config = replace(config, gateway_token=DEFAULT_GATEWAY_KEY)
    if "cache" in needs and not config.cache_ttl:
        config = replace(config, cache_ttl=60)
    if "rate_limit" in needs and config.rate_limit is None:
        config = replace(config, rate_limit=RateLimit(20, 60))
    return config
