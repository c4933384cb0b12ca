"""The names of the three routes and of the way without the gateway, and what is asked on them."""

from enum import StrEnum


class Route(StrEnum):
    """A way from the caller to a Baseten model through AI Gateway."""

    NATIVE = "native"
    """`{provider}/v1/chat/completions`, passed to Baseten's Model APIs as it is."""
    COMPAT = "compat"
    """`compat/chat/completions`, the gateway's own OpenAI-compatible endpoint."""
    MODEL = "model"
    """`baseten/model/{model_id}`, a dedicated model that takes and returns any JSON."""

    DIRECT = "direct"
    """Baseten without the gateway: what the other routes are compared with."""


ROUTES: tuple[str, ...] = ("native", "compat", "model")
"""The routes of a gateway in the order of every table."""

CHAT_ROUTES: tuple[str, ...] = ("native", "compat")
"""The routes that take chat completions; the model route takes what its model takes."""

ARMS: tuple[str, ...] = ("direct", *ROUTES)
"""What a comparison may hold against each other, in the order of every table."""

DEFAULT_MODEL = "openai/gpt-oss-120b"
"""What is asked on the chat routes where nobody names a model."""


def routes_for(model_id: str | None) -> tuple[str, ...]:
    """The routes that can be asked: the model route only with a model id."""
    return ROUTES if model_id else CHAT_ROUTES
