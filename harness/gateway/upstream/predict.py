"""The dedicated model behind `/baseten/model/{id}`: any JSON in, an answer out.

Truss semantics (basetenlabs/truss truss_server.py): a generator becomes an octet stream of raw text
without framing, a plain result one JSON document.
"""

from collections.abc import Mapping
from typing import Any

from harness.gateway.rng import Rng
from harness.gateway.timing import Timing
from harness.gateway.upstream.asked import ForwardedRequest
from harness.gateway.upstream.errors import answer
from harness.gateway.upstream.prompt import text_tokens
from harness.gateway.upstream.text import prose
from harness.wire import Chunk, Headers, Response

_MOST = 16_384


def predict(asked: ForwardedRequest, *, seed: int, timing: Timing, gathers: bool) -> Response:
    """The model's answer; streamed when the body says `"stream": true`, whatever Accept says.

    With `gathers`, Accept application/json turns the stream into one body.
    """
    document = asked.document
    body = document if isinstance(document, Mapping) else {}
    tokens = _tokens(body, document, seed, timing)
    times = timing.schedule(len(tokens), Rng("predict timing", seed, asked.serial))
    if body.get("stream") is not True:
        return _plain(document, tokens, times[-1])
    if gathers and "application/json" in asked.accept and "openai" not in asked.user_agent.lower():
        return _gathered(tokens, times[-1])
    chunks = tuple(Chunk(token.encode(), at_ns) for token, at_ns in zip(tokens, times, strict=True))
    headers = Headers((("content-type", "application/octet-stream"),))
    return Response(200, headers, chunks, times[0], end_at_ns=times[-1])


def _tokens(body: Mapping[str, Any], document: Any, seed: int, timing: Timing) -> list[str]:
    named = {name: value for name, value in body.items() if name not in ("stream", "max_tokens")}
    rng = Rng("predict", seed, repr(named if body else document))
    natural = timing.tokens if timing.tokens is not None else rng.between(20, 48)
    return prose(max(1, min(natural, _limit(body.get("max_tokens")))), rng)


def _limit(value: Any) -> int:
    is_limit = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return min(int(value), _MOST) if is_limit else _MOST


def _plain(document: Any, tokens: list[str], at_ns: int) -> Response:
    usage = {"prompt_tokens": text_tokens(document), "completion_tokens": len(tokens)}
    made = answer(200, {"output": "".join(tokens), "usage": usage})
    return Response(200, made.headers, (Chunk(made.body, at_ns),), at_ns, end_at_ns=at_ns)


def _gathered(tokens: list[str], at_ns: int) -> Response:
    headers = Headers((("content-type", "application/octet-stream"),))
    data = "".join(tokens).encode()
    return Response(200, headers, (Chunk(data, at_ns),), at_ns, end_at_ns=at_ns)
