"""The names of the three routes."""

from enum import StrEnum


class Route(StrEnum):
    """A way from the caller to a Baseten model through AI Gateway."""

    NATIVE = "native"
    """`{provider}/v1/chat/completions`, passed to Baseten's Model APIs as it is."""
    COMPAT = "compat"
    """`compat/chat/completions`, the gateway's own OpenAI-compatible endpoint."""
    MODEL = "model"
    """`baseten/model/{model_id}`, a dedicated model that takes and returns any JSON."""


ROUTES: tuple[str, ...] = tuple(str(route) for route in Route)
"""The route names in the order of every table."""
