"""Named ways to break the contract: how the contract suite is itself tested.

A module per subject, each with the rows of its defects; this one has them all, and finds them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.defects.auth import AUTH
from harness.defects.cache import CACHE
from harness.defects.compat_and_model import COMPAT_AND_MODEL
from harness.defects.completions import COMPLETIONS
from harness.defects.concurrency import CONCURRENCY
from harness.defects.defect import Defect
from harness.defects.errors import ERRORS
from harness.defects.framing import FRAMING
from harness.defects.http import HTTP
from harness.defects.mutants import generated
from harness.defects.options import OPTIONS
from harness.defects.rare import RARE
from harness.defects.rate import RATE
from harness.defects.request import REQUEST
from harness.defects.sdk_path import SDK_PATH
from harness.defects.sizes import SIZES
from harness.defects.stream_pieces import PIECES
from harness.defects.text import TEXT
from harness.defects.timing import TIMING
from harness.defects.tools import TOOLS
from harness.defects.universal import UNIVERSAL
from harness.defects.usage import USAGE
from harness.errors import UsageError, did_you_mean
from harness.gateway.config import DEFAULT_GATEWAY_KEY, Config, RateLimit


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
    *HTTP,
    *FRAMING,
    *COMPLETIONS,
    *PIECES,
    *TEXT,
    *TOOLS,
    *USAGE,
    *REQUEST,
    *ERRORS,
    *TIMING,
    *CACHE,
    *AUTH,
    *RATE,
    *CONCURRENCY,
    *SIZES,
    *COMPAT_AND_MODEL,
    *SDK_PATH,
    *UNIVERSAL,
    *OPTIONS,
    *RARE,
)
EVERY = Catalogue(_ALL)
"""All defects, whoever can see them."""
DEFECTS = Catalogue(tuple(d for d in _ALL if not d.upstream_only))
"""What a client can see."""
UPSTREAM = Catalogue(tuple(d for d in _ALL if d.upstream_only))
"""What only the provider can see; the stand-in's log shows it."""


def killed_by(clause: str) -> tuple[str, ...]:
    """The names of the defects that a clause, by its id, must see."""
    return tuple(name for name, defect in EVERY.items() if clause in defect.killed_by)


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
