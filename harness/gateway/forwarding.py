"""From a call to the provider's answer: credential, body, attempts, timeout.

Retries and the timeout follow developers.cloudflare.com/ai-gateway/configuration/request-handling/:
the timeout runs to the first part of the response and does not bound the last attempt of several.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.gateway import envelope
from harness.gateway.call import Call
from harness.gateway.envelope import Refusal
from harness.gateway.options import retry_delay_ns
from harness.gateway.routing import COMPAT
from harness.gateway.rules import Rules
from harness.gateway.upstream import errors
from harness.gateway.upstream.asked import Asked, Malformed
from harness.gateway.upstream.baseten import CHAT_PATH, Baseten
from harness.wire import Chunk, Response

_RETRIED = (500, 502, 503, 504, 529)
"""Statuses that a further attempt answers; undocumented, taken from Baseten's advice to clients."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What came back, after how many attempts, and what the provider was given."""

    answer: Response | Refusal
    attempts: int
    document: Any
    delay_ns: int = 0


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
        return Forwarded(authorization, 0, None)
    asked = _asked(call, rules.credential(call, authorization), rules)
    options = call.options
    elapsed_ns = call.config.timing.extra_ns(call.target.route)
    attempt = 1
    while True:
        last = attempt >= options.max_attempts
        answer, took_ns = _attempt(call, upstream, asked, attempt, last)
        if last or not _failed(answer):
            return Forwarded(_shifted(answer, elapsed_ns), attempt, asked.document, elapsed_ns)
        elapsed_ns += took_ns + retry_delay_ns(options, attempt)
        attempt += 1


def _asked(call: Call, authorization: str | None, rules: Rules) -> Asked:
    fields, request = call.arrival.fields, call.arrival.request
    document, path = call.document, call.target.endpoint
    if call.target.route == COMPAT:
        document, path = {**document, "model": rules.upstream_model(call.model)}, CHAT_PATH
    if not isinstance(document, Malformed):
        document = rules.forward(call, document)
    return Asked(
        method=request.method.upper(),
        path=path,
        authorization=authorization,
        content_type=errors.JSON if call.target.route == COMPAT else fields.get("content-type", ""),
        accept=fields.get("accept", ""),
        user_agent=fields.get("user-agent", ""),
        document=document,
        size=len(request.body),
        serial=call.arrival.serial,
        now_s=call.arrival.now_ns // 1_000_000_000,
    )


def _attempt(
    call: Call, upstream: Baseten, asked: Asked, attempt: int, last: bool
) -> tuple[Response | Refusal, int]:
    """One try and how long it took until it failed or its answer began."""
    answer = _outage(call, attempt) or upstream.answer(asked)
    if isinstance(answer, Refusal):
        return answer, 0
    timeout_ms = call.options.request_timeout_ms
    bounded = timeout_ms is not None and (not last or call.options.max_attempts == 1)
    if bounded and timeout_ms is not None and answer.head_at_ns > timeout_ms * 1_000_000:
        refusal = envelope.timed_out(call.config.behaviour.request_timeout)
        return refusal_response(call, refusal, timeout_ms * 1_000_000), timeout_ms * 1_000_000
    if answer.status >= 500 and call.config.behaviour.upstream_failure == "400-2005":
        return envelope.PROVIDER_FAILED, answer.head_at_ns
    return answer, answer.head_at_ns


def _outage(call: Call, attempt: int) -> Response | Refusal | None:
    outage = call.config.outage
    if outage is None or attempt > outage.attempts:
        return None
    if outage.status is None:
        return envelope.PROVIDER_FAILED
    return errors.flat(outage.status, errors.reason(outage.status))


def refusal_response(call: Call, refusal: Refusal, at_ns: int) -> Response:
    """A refusal as a response at `at_ns`; it can still be retried."""
    body = refusal.body(call.config.behaviour.error_envelope)
    headers = errors.answer(refusal.status, {}).headers
    return Response(refusal.status, headers, (Chunk(body, at_ns),), at_ns, end_at_ns=at_ns)


def _failed(answer: Response | Refusal) -> bool:
    if isinstance(answer, Refusal):
        return True
    return answer.status in _RETRIED or _is_gateway_made(answer)


def _is_gateway_made(answer: Response) -> bool:
    return "x-baseten-request-id" not in answer.headers


def _shifted(answer: Response | Refusal, by_ns: int) -> Response | Refusal:
    if isinstance(answer, Refusal) or by_ns == 0:
        return answer
    return replace(
        answer,
        chunks=tuple(Chunk(chunk.data, chunk.at_ns + by_ns) for chunk in answer.chunks),
        head_at_ns=answer.head_at_ns + by_ns,
        end_at_ns=answer.end_at_ns + by_ns,
    )


def names_of(document: Any) -> tuple[str, ...]:
    """The top-level fields of a forwarded body."""
    return tuple(document) if isinstance(document, Mapping) else ()
