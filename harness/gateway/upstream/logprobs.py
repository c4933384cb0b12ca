"""Log probabilities that belong to the tokens: the same text, the same bytes, and they add up."""

import math
from collections.abc import Sequence
from typing import Any

from harness.gateway.rng import Rng

_OTHERS = tuple(
    f" {a}{b}" for a in ("al", "be", "ca", "do", "el") for b in ("pha", "ta", "ne", "ra")
)


def token_logprobs(tokens: Sequence[str], top: int, rng: Rng) -> list[dict[str, Any]]:
    """One entry per token in the shape of OpenAI's `logprobs.content`."""
    return [_entry(token, top, rng) for token in tokens]


def _entry(token: str, top: int, rng: Rng) -> dict[str, Any]:
    probability = 0.5 + 0.49 * rng.unit()
    chosen = _one(token, math.log(probability))
    return {**chosen, "top_logprobs": _ranked(token, chosen, 1 - probability, top)}


def _ranked(token: str, chosen: dict[str, Any], rest: float, top: int) -> list[dict[str, Any]]:
    """The chosen token first, then others whose probabilities halve and stay below the rest."""
    others = [other for other in _OTHERS if other != token][: max(0, top - 1)]
    ranked = [_one(other, math.log(rest / 2 ** (n + 1))) for n, other in enumerate(others)]
    return [dict(chosen), *ranked][:top]


def _one(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 6), "bytes": list(token.encode())}
