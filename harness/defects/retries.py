"""Retries and timeouts (developers.cloudflare.com/ai-gateway/configuration/request-handling/)."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.defect import Defect
from harness.defects.edits import with_body
from harness.gateway import envelope
from harness.gateway.call import Call
from harness.gateway.rules import Rules
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


def _bounded(name: str, statement: str, shown_by: str, rules: Callable[[Rules], Rules]) -> Defect:
    """A defect of the timeout."""
    return Defect(name, "own", "retries", statement, shown_by, "constructed", rules=rules)


def _defect(
    name: str, statement: str, shown_by: str, respond: Callable[[Served], Response]
) -> Defect:
    return Defect(name, "own", "retries", statement, shown_by, "constructed", respond)


RETRIES = (
    _defect(
        "attempts-five-refused",
        "five attempts are refused: the bound is taken as exclusive",
        "cf-aig-max-attempts: 5",
        _refusing(_ATTEMPTS, "5"),
    ),
    _defect(
        "attempts-one-is-none",
        "one attempt is no retry and no attempt either",
        "cf-aig-max-attempts: 1",
        _refusing(_ATTEMPTS, "1", refusal=envelope.PROVIDER_FAILED),
    ),
    _defect(
        "retry-delay-refused",
        "a delay of 5000 ms is refused: the bound is taken as exclusive",
        "cf-aig-retry-delay: 5000",
        _refusing(_DELAY, "5000"),
    ),
    _defect(
        "backoff-linear-refused",
        "linear backoff is not known",
        "cf-aig-backoff: linear",
        _refusing(_BACKOFF, "linear"),
    ),
    _defect(
        "compat-retries-refused",
        "exponential backoff is not known on compat",
        "cf-aig-backoff: exponential on compat",
        _refusing(_BACKOFF, "exponential", route="compat"),
    ),
    _defect(
        "retry-delay-first",
        "the retry delay is waited for before the first attempt",
        "cf-aig-retry-delay above 0",
        _delayed,
    ),
    _bounded(
        "timeout-ignored",
        "cf-aig-request-timeout bounds nothing",
        "a timeout that no model keeps",
        lambda rules: replace(rules, timeout_ms=lambda _call: None),
    ),
    _bounded(
        "timeout-long-is-none",
        "a timeout above 65 s ends every call at once",
        "a timeout of an hour",
        lambda rules: replace(rules, timeout_ms=_at_once),
    ),
    _bounded(
        "timeout-bounds-last",
        "the timeout bounds the last of several attempts too",
        "a timeout that no model keeps, and two attempts",
        lambda rules: replace(rules, last_attempt_waits=False),
    ),
)
