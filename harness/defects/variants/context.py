"""Models whose context is smaller than the prompts of the contract."""

import json

from harness.defects.variants.variant import Variant
from harness.gateway.served import Served
from harness.gateway.upstream.errors import encode
from harness.wire import Chunk, Headers, Response

TOKENS = 1024


def _refused(served: Served) -> Response:
    """llama.cpp's refusal of what does not fit, a token counted for each five characters."""
    document = _document(served)
    size = len(str(document.get("messages", ""))) // 5
    if not (served.completed or served.streamed) or size <= TOKENS:
        return served.response
    error = {
        "code": 400,
        "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": size,
        "n_ctx": TOKENS,
    }
    body = encode({"error": error})
    fields = served.response.headers.without("transfer-encoding").without("content-length")
    headers = Headers(fields).replacing("content-type", "application/json")
    at_ns = served.response.head_at_ns
    return Response(
        400,
        headers.replacing("content-length", str(len(body))),
        (Chunk(body, at_ns),),
        at_ns,
        end_at_ns=at_ns,
    )


def _document(served: Served) -> dict[str, object]:
    try:
        document = json.loads(served.arrival.request.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


CONTEXT = (
    Variant(
        name="small-context",
        statement=f"the model has room for {TOKENS} tokens, and refuses more with 400",
        why="a model may be served with any context",
        source="ggml-org/llama.cpp server: exceed_context_size_error",
        respond=_refused,
    ),
)
