"""Named legal variants: what a contract suite must let pass.

Entries of the catalogue of breaks that are legal for a client to meet are here, with the reason.
"""

from collections.abc import Mapping
from types import MappingProxyType

from harness.defects.variants.chunks import CHUNKS
from harness.defects.variants.exchange import EXCHANGE
from harness.defects.variants.framing import FRAMING
from harness.defects.variants.variant import NO_VARIANT, Variant
from harness.errors import UsageError, did_you_mean

__all__ = ["NO_VARIANT", "VARIANTS", "Variant", "variant_named"]

VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {variant.name: variant for variant in (*FRAMING, *CHUNKS, *EXCHANGE)}
)


def variant_named(name: str) -> Variant:
    """The variant called `name`; raises `UsageError` with those that are near."""
    if name not in VARIANTS:
        hint = did_you_mean(name, VARIANTS, otherwise="serve --list variants has all")
        raise UsageError(f"unknown variant {name!r}; {hint}")
    return VARIANTS[name]
