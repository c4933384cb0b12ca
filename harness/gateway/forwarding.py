"""From a call to the provider's answer: credential, body, attempts, timeout.

Retries and the timeout follow developers.cloudflare.com/ai-gateway/configuration/request-handling/:
the timeout runs to the first part of the response and does not bound the last attempt of several.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.gateway import envelope
from harness.gateway.call import Arrival, Call
from harness.gateway.envelope import Refusal
from harness.gateway.options import retry_delay_ns
from harness.gateway.routing import COMPAT
from harness.gateway.rules import Rules
from harness.gateway.timing import shifted
from harness.gateway.upstream import errors
from harness.gateway.upstream.asked import ForwardedRequest, MalformedBody
from harness.gateway.upstream.baseten import CHAT_PATH, Baseten
from harness.wire import Response

_RETRIED = (500, 502, 503, 504, 529)
"""Statuses that a further attempt answers; undocumented, taken from Baseten's advice to clients."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What came back, after how many attempts, and the body that the provider was given.

    `timed_out` is whether the answer is that of an expired `cf-aig-request-timeout`.
    """

    answer: Response
    attempts: int
    document: Any
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt: its answer, and whether another attempt could do better."""

    answer: Response
    failed: bool
    timed_out: bool = False


def credential(call: Call) -> str | Refusal | None:
    """The provider credential by precedence: request, then stored key, then none.

    configuration/bring-your-own-keys/ and features/unified-billing/; Baseten has no wholesale
    billing, so without a credential the provider refuses.
    """
    given = call.authorization
    token = call.config.gateway_token
    if given is not None and not _is_gateway_token(call, given, token):
        return given
    stored = dict(call.config.stored_keys)
    alias = call.options.byok_alias or "default"
    if alias in stored:
        return f"Bearer {stored[alias]}"
    if call.options.byok_alias is not None:
        return envelope.unknown_alias("baseten", alias, tuple(stored))
    wholesale = call.arrival.fields.get("cf-aig-no-wholesale", "").lower() != "true"
    return None if wholesale and not call.config.byok_only else envelope.no_credential()


def _is_gateway_token(call: Call, given: str, token: str | None) -> bool:
    single = call.config.behaviour.compat_token_in_authorization and token is not None
    return single and call.target.route == COMPAT and given == f"Bearer {token}"


def forward(call: Call, upstream: Baseten, rules: Rules) -> Forwarded:
    """Send the call to the provider, as often as its options allow."""
    authorization = credential(call)
    if isinstance(authorization, Refusal):
        return Forwarded(_made(call, authorization, call.config.timing.gateway_ns), 0, None)
    asked = _asked(call, rules.credential(call, authorization), rules)
    elapsed_ns = call.config.timing.extra_ns(call.target.route)
    attempt = 1
    while True:
        last = attempt >= call.options.max_attempts
        timeout_ns = _timeout_ns(call, rules, last=last)
        at_ns = asked.at_ns + elapsed_ns
        until_ns = None if timeout_ns is None else at_ns + timeout_ns
        sent = replace(asked, at_ns=at_ns, until_ns=until_ns)
        tried = _attempt(call, upstream, sent, attempt, timeout_ns)
        if last or not tried.failed:
            answer = shifted(tried.answer, elapsed_ns)
            return Forwarded(answer, attempt, asked.document, tried.timed_out)
        elapsed_ns += tried.answer.head_at_ns + retry_delay_ns(call.options, attempt)
        attempt += 1


def _asked(call: Call, authorization: str | None, rules: Rules) -> ForwardedRequest:
    document, path = call.document, call.target.endpoint
    if call.target.route == COMPAT:
        document, path = {**document, "model": rules.upstream_model(call.model)}, CHAT_PATH
    if not isinstance(document, MalformedBody):
        document = rules.forward(call, document)
    asked = asked_of(call.arrival, path, document)
    kind = errors.JSON if call.target.route == COMPAT else asked.content_type
    return replace(asked, authorization=authorization, content_type=kind)


def asked_of(arrival: Arrival, path: str, document: Any) -> ForwardedRequest:
    """A request for a path of the provider as it came, with a body that is read already."""
    fields, request = arrival.fields, arrival.request
    return ForwardedRequest(
        method=request.method.upper(),
        path=path,
        authorization=fields.get("authorization"),
        content_type=fields.get("content-type", ""),
        accept=fields.get("accept", ""),
        user_agent=fields.get("user-agent", ""),
        document=document,
        size=len(request.body),
        serial=arrival.serial,
        now_s=arrival.now_ns // 1_000_000_000,
        at_ns=arrival.at_ns,
    )


def _attempt(
    call: Call, upstream: Baseten, asked: ForwardedRequest, attempt: int, timeout_ns: int | None
) -> _Try:
    answer = _outage(call, asked, attempt) or upstream.answer(asked)
    if isinstance(answer, Refusal):
        return _Try(_made(call, answer, call.config.timing.gateway_ns), failed=True)
    behaviour = call.config.behaviour
    if timeout_ns is not None and answer.head_at_ns > timeout_ns:
        refusal = envelope.timed_out(behaviour.request_timeout)
        return _Try(_made(call, refusal, timeout_ns), failed=True, timed_out=True)
    if answer.status >= 500 and behaviour.upstream_failure == "400-2005":
        return _Try(_made(call, envelope.PROVIDER_FAILED, answer.head_at_ns), failed=True)
    return _Try(answer, answer.status in _RETRIED)


def _timeout_ns(call: Call, rules: Rules, *, last: bool) -> int | None:
    """The bound on this attempt; the last of several has none."""
    timeout_ms = rules.timeout_ms(call)
    waits = last and call.options.max_attempts > 1 and rules.last_attempt_waits
    unbounded = timeout_ms is None or waits
    return None if unbounded or timeout_ms is None else timeout_ms * 1_000_000


def _outage(call: Call, asked: ForwardedRequest, attempt: int) -> Response | Refusal | None:
    outage = call.config.outage
    if outage is None or attempt > outage.attempts:
        return None
    if outage.model is not None and outage.model != model_of(asked.document):
        return None
    if outage.status is None:
        return envelope.PROVIDER_FAILED
    return errors.flat(outage.status, errors.reason(outage.status))


def _made(call: Call, refusal: Refusal, at_ns: int) -> Response:
    """A refusal as the gateway's answer at `at_ns`."""
    return refusal.response(call.config.behaviour.error_envelope, at_ns)


def model_of(document: Any) -> str | None:
    """The model that a forwarded body names."""
    model = document.get("model") if isinstance(document, Mapping) else None
    return model if isinstance(model, str) else None


def altered(call: Call | None, document: Any) -> tuple[str, ...]:
    """The fields of a body that the provider got in another form than the client sent them.

    The model of a compat request is no such field: its prefix has to go.
    """
    given = call.document if call else None
    if call is None or given is document or not isinstance(document, Mapping):
        return ()
    if not isinstance(given, Mapping):
        return ()
    renamed = {"model"} if call.target.route == COMPAT else set()
    names = [name for name in {**given, **document} if name not in renamed]
    gone = object()
    changed = tuple(n for n in names if given.get(n, gone) != document.get(n, gone))
    return changed or (() if list(given) == list(document) else ("*order",))


def names_of(document: Any) -> tuple[str, ...]:
    """The top-level fields of a forwarded body."""
    return tuple(document) if isinstance(document, Mapping) else ()
