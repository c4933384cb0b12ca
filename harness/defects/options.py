"""Retries and timeouts (developers.cloudflare.com/ai-gateway/configuration/request-handling/)."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.edits import with_body
from harness.defects.rows import deciding, rows
from harness.gateway import envelope
from harness.gateway.call import Call
from harness.gateway.served import Served
from harness.gateway.timing import shifted
from harness.wire import Response

_ATTEMPTS, _DELAY, _BACKOFF = "cf-aig-max-attempts", "cf-aig-retry-delay", "cf-aig-backoff"


def _refusing(
    name: str, value: str, *, refusal: envelope.Refusal | None = None, route: str | None = None
) -> Callable[[Served], Response]:
    """One value of one option is refused, on a route or on all."""

    def respond(served: Served) -> Response:
        asked = served.arrival.fields.get(name) == value
        there = served.call is not None and route in (None, served.call.target.route)
        if not (asked and there) or served.response.status != 200:
            return served.response
        made = refusal or envelope.bad_option(name, value)
        return replace(with_body(served.response, made.body("full")), status=made.status)

    return respond


def _delayed(served: Served) -> Response:
    """The pause comes before the first attempt too."""
    text = served.arrival.fields.get(_DELAY, "")
    return shifted(served.response, int(text) * 1_000_000) if text.isdigit() else served.response


def _at_once(call: Call) -> int | None:
    """A time that is too long for a number of 16 bits is none at all."""
    asked = call.options.request_timeout_ms
    return 1 if asked is not None and asked > 65_535 else asked


OPTIONS = rows(
    "retries",
    (
        "attempts-five-refused",
        "five attempts are refused: the bound is taken as exclusive",
        _refusing(_ATTEMPTS, "5"),
        "retry-options",
    ),
    (
        "attempts-one-is-none",
        "one attempt is no retry and no attempt either",
        _refusing(_ATTEMPTS, "1", refusal=envelope.PROVIDER_FAILED),
        "retry-options",
    ),
    (
        "retry-delay-refused",
        "a delay of 5000 ms is refused: the bound is taken as exclusive",
        _refusing(_DELAY, "5000"),
        "retry-options",
    ),
    (
        "backoff-linear-refused",
        "linear backoff is not known",
        _refusing(_BACKOFF, "linear"),
        "retry-options",
    ),
    (
        "compat-retries-refused",
        "exponential backoff is not known on compat",
        _refusing(_BACKOFF, "exponential", route="compat"),
        "retry-options",
    ),
    (
        "retry-delay-first",
        "the retry delay is waited for before the first attempt",
        _delayed,
        "retry-delay-unused",
    ),
    (
        "timeout-ignored",
        "cf-aig-request-timeout bounds nothing",
        deciding(timeout_ms=lambda _call: None),
        "timeout-expires",
    ),
    (
        "timeout-long-is-none",
        "a timeout above 65 s ends every call at once",
        deciding(timeout_ms=_at_once),
        "timeout-long",
    ),
    (
        "timeout-bounds-last",
        "the timeout bounds the last of several attempts too",
        deciding(last_attempt_waits=False),
        "timeout-last-attempt",
    ),
)
