"""The cf-aig-* request headers, read as the gateway reads them.

Ranges: developers.cloudflare.com/ai-gateway/features/caching/, configuration/request-handling/ and
observability/custom-metadata/.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.gateway import envelope
from harness.gateway.envelope import Refusal

MONTH_S = 30 * 24 * 3600
_METADATA_ENTRIES = 5


@dataclass(frozen=True, slots=True)
class OptionRange:
    """A numeric option: its header, the older alias, and the documented bounds."""

    header: str
    low: int
    high: int
    alias: str | None = None
    zero: bool = False


CACHE_TTL = OptionRange("cf-aig-cache-ttl", 60, MONTH_S, alias="cf-cache-ttl", zero=True)
REQUEST_TIMEOUT = OptionRange("cf-aig-request-timeout", 1, 24 * 3600 * 1000)
MAX_ATTEMPTS = OptionRange("cf-aig-max-attempts", 1, 5)
RETRY_DELAY = OptionRange("cf-aig-retry-delay", 0, 5000)


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """One request's options; None where the request does not say."""

    cache_ttl: int | None = None
    skip_cache: bool = False
    cache_key: str | None = None
    request_timeout_ms: int | None = None
    max_attempts: int = 1
    retry_delay_ms: int = 0
    backoff: str = "constant"
    event_id: str | None = None
    collect_log: bool | None = None
    byok_alias: str | None = None


def read_options(fields: Mapping[str, str], *, reject: bool) -> RequestOptions | Refusal:
    """The options in lower-case header fields; a refusal only when `reject` is on."""
    numbers: dict[str, int | None] = {}
    for option in (CACHE_TTL, REQUEST_TIMEOUT, MAX_ATTEMPTS, RETRY_DELAY):
        text = _text(fields, option)
        number = _number(text, option)
        if reject and text is not None and str(number) != text.strip():
            return envelope.bad_option(option.header, text)
        numbers[option.header] = number
    skip = fields.get("cf-aig-skip-cache", fields.get("cf-skip-cache", ""))
    return RequestOptions(
        cache_ttl=numbers[CACHE_TTL.header],
        skip_cache=skip.strip().lower() == "true",
        cache_key=fields.get("cf-aig-cache-key") or None,
        request_timeout_ms=numbers[REQUEST_TIMEOUT.header],
        max_attempts=numbers[MAX_ATTEMPTS.header] or 1,
        retry_delay_ms=numbers[RETRY_DELAY.header] or 0,
        backoff=fields.get("cf-aig-backoff", "constant"),
        event_id=fields.get("cf-aig-event-id") or None,
        collect_log=_flag(fields.get("cf-aig-collect-log")),
        byok_alias=fields.get("cf-aig-byok-alias") or None,
    )


_NONE = RequestOptions()


def options_of(fields: Mapping[str, str], *, reject: bool) -> RequestOptions | Refusal:
    """`read_options`, without its work when no field could be an option."""
    some = any(name.startswith("cf-") for name in fields)
    return read_options(fields, reject=reject) if some else _NONE


def _text(fields: Mapping[str, str], option: OptionRange) -> str | None:
    text = fields.get(option.header)
    return fields.get(option.alias) if text is None and option.alias else text


def _number(text: str | None, option: OptionRange) -> int | None:
    """The number clamped into its range; None when there is none that could be meant."""
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        return None
    value = int(digits)
    return 0 if option.zero and value == 0 else min(max(value, option.low), option.high)


def _flag(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get((text or "").strip().lower())


def retry_delay_ns(options: RequestOptions, attempt: int) -> int:
    """The pause after failed `attempt` (1 is the first), by the option's backoff."""
    factors = {"linear": attempt, "exponential": 1 << (attempt - 1)}
    factor = factors.get(options.backoff, 1)
    return options.retry_delay_ms * factor * 1_000_000


def read_metadata(text: str | None) -> dict[str, str | float | bool]:
    """The log tags of cf-aig-metadata: at most five flat entries, all lost if one is not flat.

    `cf.` keys are reserved and left out (developers.cloudflare.com/ai-gateway/observability/
    custom-metadata/); one null or object was seen to lose all entries.
    """
    document = _json_object(text)
    if not all(isinstance(value, str | int | float | bool) for value in document.values()):
        return {}
    kept = [(name, value) for name, value in document.items() if not name.startswith("cf.")]
    return dict(kept[:_METADATA_ENTRIES])


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
