"""Named ways to break the contract: how the contract suite is itself tested.

One module per class of the catalogue; each ends with the tuple of its defects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.errors import UsageError
from harness.gateway.config import Config, RateLimit
from harness.gateway.defects.access import ACCESS
from harness.gateway.defects.caching import CACHING
from harness.gateway.defects.calls import CALLS
from harness.gateway.defects.defect import Defect
from harness.gateway.defects.failures import FAILURES
from harness.gateway.defects.framing import FRAMING
from harness.gateway.defects.integrity import INTEGRITY
from harness.gateway.defects.pacing import PACING
from harness.gateway.defects.parameters import PARAMETERS
from harness.gateway.defects.quota import QUOTA
from harness.gateway.defects.structure import STRUCTURE
from harness.gateway.defects.transport import TRANSPORT
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
        """The defect called `name`; raises `UsageError` that lists the known names."""
        if name not in self._defects:
            raise UsageError(f"unknown defect {name!r}; known are {', '.join(self._defects)}")
        return self._defects[name]


DEFECTS = Catalogue(
    (
        *TRANSPORT,
        *FRAMING,
        *STRUCTURE,
        *INTEGRITY,
        *CALLS,
        *USAGE,
        *PARAMETERS,
        *FAILURES,
        *PACING,
        *CACHING,
        *ACCESS,
        *QUOTA,
    )
)

DEFAULT_GATEWAY_KEY = "gateway-token"


def suited(config: Config, name: str) -> Config:
    """The configuration with what the defect needs to be seen: auth, cache or a rate limit."""
    needs = DEFECTS.named(name).needs
    if "auth" in needs and config.gateway_token is None:
        config = replace(config, gateway_token=DEFAULT_GATEWAY_KEY)
    if "cache" in needs and not config.cache_ttl:
        config = replace(config, cache_ttl=60)
    if "rate_limit" in needs and config.rate_limit is None:
        config = replace(config, rate_limit=RateLimit(20, 60))
    return config
