"""Identifiers of one request, from virtual time and seeded draws."""

from harness.gateway.rng import Rng

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7(unix_ms: int, rng: Rng) -> str:
    """A lower-case UUIDv7 (RFC 9562, section 5.7): 48 bits of time, then 74 drawn bits."""
    drawn = int.from_bytes(rng.bytes(10), "big")
    value = (unix_ms & (1 << 48) - 1) << 80 | drawn
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return _dashed(value)


def uuid4(rng: Rng) -> str:
    """A lower-case UUIDv4 (RFC 9562, section 5.4)."""
    value = int.from_bytes(rng.bytes(16), "big")
    value = value & ~(0xF << 76) | 4 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return _dashed(value)


def _dashed(value: int) -> str:
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def ulid(unix_ms: int, rng: Rng) -> str:
    """A ULID: 26 characters of Crockford's base 32, the form of log ids before October 2026."""
    value = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(rng.bytes(10), "big")
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def cf_ray(rng: Rng) -> str:
    """An edge request id: sixteen hexadecimal digits and an airport."""
    return f"{rng.bytes(8).hex()}-FRA"


def provider_request_id(rng: Rng) -> str:
    """An `x-baseten-request-id`, which is not a UUID."""
    return rng.bytes(16).hex()
