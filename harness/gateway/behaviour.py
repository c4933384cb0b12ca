"""What nobody documents, as named switches: each has a default, its legal values and a source.

A live verification records what it saw in the same form, and the stand-in can be served with it.
Reading and writing files is in `recording`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from harness.errors import UsageError, did_you_mean

SCHEMA_VERSION = 1
EXAMPLE = '{"schema_version": 1, "behaviour": {"sdk_path": "pass-through"}}'
"""A behaviour file; the names and values are those of `serve --list behaviours`."""

Value = bool | str | int | None


def _switch(default: Value, *others: Value, meaning: str, source: str) -> Any:
    """A field whose legal values are its default and `others`."""
    choices = (default, *others)
    return field(
        default=default, metadata={"choices": choices, "meaning": meaning, "source": source}
    )


def _flag(default: bool, *, meaning: str, source: str) -> Any:
    return _switch(default, not default, meaning=meaning, source=source)


_GATEWAY = "developers.cloudflare.com/ai-gateway"
_DYNAMO = "ai-dynamo/dynamo lib/llm/src/http/service"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One value per undocumented behaviour; `SWITCHES` says what each means."""

    sdk_path: str = _switch(
        "rewrite-to-v1",
        "pass-through",
        "gateway-error",
        meaning="POST /baseten/chat/completions, where the documented SDK base URL leads: served "
        "as /v1, relayed to the provider (404 there), or refused by the gateway",
        source=f"{_GATEWAY}/usage/providers/baseten/ shows the base URL, no page says what happens",
    )
    compat_model: str = _switch(
        "upstream",
        "prefixed",
        meaning="the `model` of a compat answer: the provider's name, or with baseten/ in front",
        source=f"{_GATEWAY}/usage/chat-completion/ is silent; Workers AI answered with its own",
    )
    compat_unknown_prefix: str = _switch(
        "model-not-found",
        "invalid-provider",
        meaning="the 2008 message for an unknown provider prefix on compat",
        source="capture of 2026-10-09; anomalyco/opencode#44827 for the older wording",
    )
    compat_token_in_authorization: bool = _flag(
        False,
        meaning="on compat, a lone `Authorization: Bearer <gateway token>` is gateway auth",
        source=f"{_GATEWAY}/features/dynamic-routing/ does it, troubleshooting denies it",
    )
    wrong_method: str = _switch(
        "provider-405",
        "gateway-400",
        meaning="another method than POST on a provider route: relayed, or refused",
        source="undocumented; axum answers 405 to a method without a handler",
    )
    request_timeout: str = _switch(
        "400-2005",
        "408",
        "504",
        "524",
        meaning="the answer when cf-aig-request-timeout expires",
        source=f"{_GATEWAY}/configuration/request-handling/ says only `returns an error`",
    )
    upstream_failure: str = _switch(
        "relay",
        "400-2005",
        meaning="an error status of the provider: relayed with its body, or hidden in 400/2005",
        source="cloudflare/ai#436 saw both",
    )
    option_out_of_range: str = _switch(
        "clamp",
        "reject",
        meaning="a cf-aig-* number outside its documented range (garbage is ignored when clamping)",
        source=f"{_GATEWAY}/configuration/request-handling/ gives ranges, not what happens outside",
    )
    ghost_cache: bool = _flag(
        False,
        meaning="a gateway with cache TTL 0 still serves hits for five minutes",
        source="capture of 2026-10-02, through the Workers binding only",
    )
    skip_cache_writes: bool = _flag(
        False,
        meaning="a request with cf-aig-skip-cache stores its answer",
        source=f"{_GATEWAY}/features/caching/ says only that the cached version is bypassed",
    )
    stream_cached: bool = _flag(
        False,
        meaning="streamed answers are cached like plain ones",
        source=f"{_GATEWAY}/troubleshooting/: not cached by default",
    )
    cache_status_on_errors: bool = _flag(
        False,
        meaning="error answers carry cf-aig-cache-status",
        source="absent in captures; undocumented",
    )
    refused_requests_count: bool = _flag(
        False,
        meaning="a request refused by the rate limit counts for the next ones",
        source="undocumented",
    )
    rate_limit_answer: str = _switch(
        "429-2003",
        "401-2009",
        meaning="the answer above the rate limit",
        source=f"{_GATEWAY}/features/rate-limiting/ says 429; can1357/oh-my-pi#11327 saw 401/2009",
    )
    error_envelope: str = _switch(
        "full",
        "short",
        "minimal",
        meaning="how much of the AiGatewayError envelope is sent: nine fields, seven, or four",
        source="captures of 2026-10-09, can1357/oh-my-pi#11327, cloudflare/ai#436",
    )
    log_id: str = _switch(
        "uuidv7",
        "ulid",
        meaning="the form of cf-aig-log-id",
        source="developers.cloudflare.com/changelog/ 2026-10-08; ULID before",
    )
    pad_chunks: bool = _flag(
        False,
        meaning="streamed chunks carry a `p` of random length against traffic analysis",
        source="blog.cloudflare.com/ai-side-channel-attack-mitigated; unconfirmed for Baseten",
    )
    unknown_parameter: str = _switch(
        "reject",
        "ignore",
        meaning="a request field that the provider does not know",
        source="Baseten's frontend v1.2 rejects, v1.0 and v1.1 ignore",
    )
    n_policy: str = _switch(
        "reject",
        "serve",
        "first-only",
        meaning="n above 1: 400, n choices, or one choice",
        source="docs.baseten.co: n is 1 only; Dynamo's validator allows 128",
    )
    temperature_max: int = _switch(
        2,
        4,
        meaning="the highest temperature that is accepted",
        source="Dynamo validate.rs: 2; Baseten's published schema: 4",
    )
    stop_items_max: int = _switch(
        32,
        4,
        meaning="the longest `stop` list that is accepted",
        source="Baseten and Dynamo: 32; OpenAI: 4",
    )
    developer_role: str = _switch(
        "accept",
        "reject",
        meaning="a message with the role developer",
        source="OpenAI accepts, Baseten's published schema does not list it",
    )
    stream_options_without_stream: str = _switch(
        "reject",
        "ignore",
        meaning="stream_options in a request without stream",
        source="Baseten's frontend v1.2 rejects, v1.0 ignores",
    )
    stream_usage: str = _switch(
        "every-chunk",
        "final-chunk",
        "none",
        meaning="usage of a stream when stream_options do not say",
        source="docs.baseten.co: include_usage and continuous_usage_stats both default to true",
    )
    nulls: str = _switch(
        "omit",
        "send",
        meaning="optional fields without a value are left out, or sent as null",
        source="Baseten's frontend v1.2 omits them (PATCH-006)",
    )
    role_chunk: str = _switch(
        "with-content",
        "alone",
        meaning="the first delta carries the role together with content, or alone",
        source="Dynamo delta.rs: together; OpenAI: alone",
    )
    early_headers: bool = _flag(
        False,
        meaning="the head of a stream is sent before the first token exists",
        source=f"Baseten holds it back (PATCH-007); {_DYNAMO}/openai.rs elsewhere",
    )
    keep_alive_comments: bool = _flag(
        False,
        meaning="a stream starts with a comment, as keep-alives look",
        source="axum sends `:` when sse_keep_alive is configured",
    )
    thinks_by_default: bool = _flag(
        False,
        meaning="the model reasons without being asked",
        source="docs.baseten.co/inference/model-apis/reasoning: per model",
    )
    content_type_required: bool = _flag(
        True,
        meaning="chat requests without an application/json content type get 400",
        source=f"{_DYNAMO}/openai.rs (axum Json)",
    )
    duplicate_keys: str = _switch(
        "last-wins",
        "reject",
        meaning="a request body that names a field twice",
        source="undocumented; serde rejects, JavaScript takes the last",
    )
    universal_bad_body: str = _switch(
        "400-2001",
        "400-2019",
        meaning="the answer of the universal endpoint to a body that is no list of steps",
        source=f"{_GATEWAY}/usage/universal/ is silent; 2001 is the answer to a bad path",
    )
    universal_fallback: str = _switch(
        "any-error",
        "retryable",
        meaning="which answers of a step hand over to the next: all errors, or 408, 429 and 5xx",
        source=f"{_GATEWAY}/configuration/fallbacks/ says `returns an error`",
    )
    universal_last_error: str = _switch(
        "last-step",
        "400-2005",
        meaning="what is answered when every step failed: the last step's error, or the gateway's",
        source="undocumented; cloudflare/ai#436 saw 2005 for swallowed failures",
    )
    universal_refused_step: str = _switch(
        "refuse",
        "fall-back",
        meaning="a step whose provider or options the gateway refuses: ends the request, or counts "
        "as a failed step",
        source="undocumented",
    )
    universal_authorization: str = _switch(
        "step",
        "step-or-request",
        meaning="where a step's provider key is looked for",
        source=f"{_GATEWAY}/usage/universal/ shows it in the step only",
    )
    universal_rate_count: str = _switch(
        "request",
        "step",
        meaning="what the rate limit counts on the universal endpoint",
        source="undocumented",
    )
    predict_gathers_for_json: bool = _flag(
        False,
        meaning="a model stream becomes one body when Accept is application/json",
        source="basetenlabs/truss truss_server.py, unless the User-Agent contains openai",
    )

    @classmethod
    def from_document(cls, document: Any) -> "Behaviour":
        """The behaviour that a decoded JSON document describes; switches it lacks keep defaults.

        Raises `UsageError` naming what is wrong.
        """
        if not isinstance(document, Mapping) or not isinstance(document.get("behaviour"), Mapping):
            raise UsageError(f"expected {EXAMPLE}")
        version = document.get("schema_version")
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise UsageError(
                f"schema_version: expected {SCHEMA_VERSION}, got {version!r}, as in {EXAMPLE}"
            )
        values = document["behaviour"]
        for name, value in values.items():
            _check(name, value)
        return cls(**values)

    def to_document(self) -> dict[str, Any]:
        """This behaviour as a JSON document, every switch named."""
        values = {switch.name: getattr(self, switch.name) for switch in SWITCHES}
        return {"schema_version": SCHEMA_VERSION, "behaviour": values}


@dataclass(frozen=True, slots=True)
class Switch:
    """One undocumented behaviour: default, legal values, meaning and source."""

    name: str
    default: Value
    choices: tuple[Value, ...]
    meaning: str
    source: str


SWITCHES: tuple[Switch, ...] = tuple(
    Switch(
        name=item.name,
        default=item.metadata["choices"][0],
        choices=item.metadata["choices"],
        meaning=item.metadata["meaning"],
        source=item.metadata["source"],
    )
    for item in fields(Behaviour)
)

_BY_NAME: Mapping[str, Switch] = {switch.name: switch for switch in SWITCHES}


def _check(name: str, value: object) -> None:
    switch = _BY_NAME.get(name)
    if switch is None:
        hint = did_you_mean(name, _BY_NAME, otherwise="serve --list behaviours has all")
        raise UsageError(f"behaviour {name!r} is unknown; {hint}")
    legal = any(value == choice and type(value) is type(choice) for choice in switch.choices)
    if not legal:
        expected = ", ".join(repr(choice) for choice in switch.choices)
        raise UsageError(f"behaviour {name!r}: expected one of {expected}, got {value!r}")
