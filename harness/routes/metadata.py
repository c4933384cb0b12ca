"""What the gateway says about its own work in the header fields of an answer."""

from dataclasses import dataclass

from harness.wire import Headers


@dataclass(frozen=True, slots=True)
class GatewayMetadata:
    """The gateway's response fields; None where a field is absent.

    `cache_status` is upper case as sent (`HIT`, `MISS`). `step` is the index of the provider that
    answered, None also when the field is no number. `dlp` is JSON text.
    Sources: developers.cloudflare.com/ai-gateway/features/caching/, .../usage/universal/,
    .../features/dlp/, and the changelog of 2026-10-08 for log, request and event ids.
    """

    cache_status: str | None = None
    log_id: str | None = None
    request_id: str | None = None
    event_id: str | None = None
    step: int | None = None
    model: str | None = None
    provider: str | None = None
    dlp: str | None = None
    cf_ray: str | None = None


NO_METADATA = GatewayMetadata()


def gateway_metadata(headers: Headers) -> GatewayMetadata:
    """The metadata that `headers` carry."""
    found = {name.lower(): value for name, value in reversed(headers.fields)}
    return GatewayMetadata(
        cache_status=found.get("cf-aig-cache-status"),
        log_id=found.get("cf-aig-log-id"),
        request_id=found.get("cf-aig-request-id"),
        event_id=found.get("cf-aig-event-id"),
        step=_number(found.get("cf-aig-step")),
        model=found.get("cf-aig-model"),
        provider=found.get("cf-aig-provider"),
        dlp=found.get("cf-aig-dlp"),
        cf_ray=found.get("cf-ray"),
    )


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    return int(text)
