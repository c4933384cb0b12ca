"""Whether sending the same request again can help, by what each layer documents.

Sources: docs.baseten.co/inference/errors (retry 429 500 502 503 504, never 400 401 403 404 422),
openai-python `_base_client.py` (408, 409 and `x-should-retry`), Cloudflare's pages on spend limits,
guardrails and DLP, cloudflare/ai#436 (code 2005 hides a provider's failure behind a 400).
"""

import re

from harness.wire import Headers

_STATUSES = {408, 409, 425, 429}
_FINAL_5XX = {501, 505, 511}
"""Server statuses that state an ability, not a condition."""
_CODES = {
    "2003": True,  # rate limited
    "2005": True,  # no response from the provider
    "2018": True,  # rate limited under Unified Billing
    "2041": False,  # spend limit: over until its window moves or someone raises it
    "2045": False,  # the same under its newer number
    "7013": True,  # the guardrail scanner is down
    "timeout": True,
    "rate_limited": True,
    "model_unavailable": True,
    "model_not_ready": True,
    "internal_baseten_error": True,
    "client_error": False,
    "model_does_not_exist": False,
    "payload_too_large": False,
    "unauthorized": False,
    "invalid_request_error": False,
    "authentication_error": False,
    "permission_error": False,
}
_SPENDING = re.compile(r"\bspend(ing)? limit\b", re.IGNORECASE)


def is_retryable(
    status: int, codes: tuple[str | None, ...], message: str, headers: Headers
) -> bool:
    """Whether the same request can succeed later; the server's own word comes first."""
    said = (headers.get("x-should-retry") or "").lower()
    if said in ("true", "false"):
        return said == "true"
    for code in codes:
        if code in _CODES:
            return _CODES[code]
    if _SPENDING.search(message):
        return False
    if 200 <= status < 300:
        return True
    return status in _STATUSES or (status >= 500 and status not in _FINAL_5XX)
