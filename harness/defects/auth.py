"""Credentials: who is let in, and with whose key."""

from collections.abc import Callable
from dataclasses import replace

from harness.defects.answers import body, both, by_gateway, on, refused, where, with_status
from harness.defects.edits import with_body, with_header
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Arrival, Call
from harness.gateway.config import Config
from harness.gateway.envelope import UNAUTHORIZED
from harness.gateway.rules import Rules, authorised
from harness.gateway.served import Edit, Served
from harness.gateway.upstream.errors import encode
from harness.wire import Response

TokenCheck = Callable[[Arrival, str, str], bool]
"""Whether a request is let in, by the token that it has and the one that it should have."""


def _letting_in(check: TokenCheck) -> Decisions:
    """Somebody is let in beside those who have the token."""

    def rule(arrival: Arrival, config: Config) -> bool:
        if authorised(arrival, config) or config.gateway_token is None:
            return True
        given = arrival.fields.get("cf-aig-authorization", "")
        return check(arrival, given, f"Bearer {config.gateway_token}")

    return deciding(authorised=rule)


def _there(path: str) -> TokenCheck:
    return lambda arrival, _given, _expected: path in arrival.request.path


def _own_key(call: Call) -> str:
    return f"Bearer {call.config.provider_key}"


def _remembering(rules: Rules) -> Rules:
    """A key that was good once is used for those who come without one."""
    seen: list[str] = []

    def credential(call: Call, given: str | None) -> str | None:
        if given == _own_key(call):
            seen.append(given)
        return given or (seen[-1] if seen else None)

    return replace(rules, credential=credential)


def _locking(rules: Rules) -> Rules:
    """After a wrong token nobody is let in for a while."""
    refused_at: list[int] = []

    def rule(arrival: Arrival, config: Config) -> bool:
        if refused_at and arrival.at_ns - refused_at[-1] < 2_000_000_000:
            return False
        good = authorised(arrival, config)
        if not good:
            refused_at.append(arrival.at_ns)
        return good

    return replace(rules, authorised=rule)


def _echoed(name: str, as_field: str) -> Edit:
    """A credential comes back in a header field."""

    def edit(served: Served) -> Response:
        secret = served.arrival.fields.get(name)
        return with_header(served.response, as_field, secret) if secret else served.response

    return edit


def _key_in_error(served: Served) -> Response:
    secret = served.arrival.fields.get("authorization")
    if not secret:
        return served.response
    return with_body(served.response, encode({"error": f"Invalid API key: {secret}"}))


AUTH = (
    *rows(
        "auth",
        (
            "gateway-token-ignored",
            "an authenticated gateway serves requests without its token",
            deciding(authorised=lambda _arrival, _config: True),
            "auth-token-missing",
        ),
        (
            "token-any-value",
            "any token is accepted, only a missing one is refused",
            _letting_in(lambda _arrival, given, _expected: bool(given)),
            "auth-token-wrong auth-token-near",
        ),
        (
            "token-optional",
            "a missing token is accepted, a wrong one is refused",
            _letting_in(lambda _arrival, given, _expected: not given),
            "auth-token-missing auth-token-code",
        ),
        (
            "token-by-its-length",
            "a token of the right length is accepted",
            _letting_in(lambda _, given, expected: len(given) == len(expected)),
            "error-rejected auth-token-near",
        ),
        (
            "token-by-prefix",
            "a token that begins like the right one is accepted",
            _letting_in(lambda _, given, expected: given.startswith(expected[:-1])),
            "error-rejected auth-token-near",
        ),
        (
            "token-any-case",
            "the token is compared without case",
            _letting_in(lambda _, given, expected: given.lower() == expected.lower()),
            "error-rejected auth-token-near",
        ),
        (
            "token-free-on-native",
            "native asks for no token",
            _letting_in(_there("/baseten/v1/")),
            "auth-token-missing auth-token-wrong",
        ),
        (
            "token-free-on-compat",
            "compat asks for no token",
            _letting_in(_there("/compat/")),
            "auth-token-missing auth-token-wrong",
        ),
        (
            "token-free-on-model",
            "the model route asks for no token",
            _letting_in(_there("/model/")),
            "auth-token-missing auth-token-wrong",
        ),
        (
            "lockout-after-wrong-token",
            "after a wrong token the right one is refused",
            Decisions(_locking),
            "route-answers auth-recovers",
        ),
        (
            "gateway-401-as-provider",
            "the gateway's refusal of a token looks like the provider's",
            on(both(by_gateway, with_status(401)), body(encode({"error": "Invalid API key"}))),
            "auth-token-code",
        ),
        needs=("auth",),
    ),
    *rows(
        "auth",
        (
            "provider-key-ignored",
            "a missing or wrong provider key is accepted",
            deciding(credential=lambda call, _: _own_key(call)),
            "auth-key-missing",
            "E17",
        ),
        (
            "wrong-layer-401",
            "the provider's 401 is replaced by the gateway's own (2009)",
            on(both(refused, with_status(401)), body(UNAUTHORIZED.body("full"))),
            "auth-key-layer",
        ),
        (
            "key-echoed",
            "the provider key comes back in a response header",
            _echoed("authorization", "x-debug-authorization"),
            "no-secret-back",
        ),
        (
            "authorization-dropped-on-streams",
            "Authorization is lost on the way of streams",
            deciding(credential=lambda call, given: None if call.stream else given),
            "route-answers",
            "E17",
        ),
        (
            "provider-key-free-on-model",
            "the model route needs no provider key",
            deciding(
                credential=lambda call, given: (
                    _own_key(call) if call.target.route == "model" else given
                )
            ),
            "auth-key-missing auth-key-wrong",
            "E17",
        ),
        (
            "provider-key-replaced",
            "a wrong provider key is replaced by a good one",
            deciding(credential=lambda call, given: _own_key(call) if given else given),
            "error-rejected auth-key-wrong",
            "E17",
        ),
        (
            "provider-key-optional",
            "a missing provider key is filled in",
            deciding(credential=lambda call, given: given or _own_key(call)),
            "error-rejected auth-key-missing",
            "E17",
        ),
        (
            "provider-key-remembered",
            "a missing provider key is filled in from an earlier request",
            Decisions(_remembering),
            "error-rejected auth-key-missing",
        ),
        (
            "key-in-error",
            "the refusal of a key repeats it",
            where(both(refused, with_status(401)), _key_in_error),
            "no-secret-back",
        ),
        (
            "token-echoed",
            "the gateway's token comes back in a header",
            _echoed("cf-aig-authorization", "x-gateway-auth"),
            "no-secret-back",
        ),
    ),
)
