"""How many tokens prompts and answers are to have: a number, or a distribution to draw from.

No clock, and no randomness but that of a seed: the request of an index has the same lengths on
every route and in every worker.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

DRAWS = 1009
"""So many lengths are drawn, then they begin again: each is a request that is made once and kept.
A prime, so that the beat of routes and of lengths is long."""
MOST_TOKENS = 1_000_000
DEVIATIONS = 4.0
"""Nothing is drawn further from the middle: one in 16,000 would be."""
_EXPECTED = (
    "expected N, normal:MEAN,SD, lognormal:MEDIAN,SIGMA or uniform:LOW-HIGH in tokens, "
    "such as 512, lognormal:512,0.5 or uniform:16-256"
)
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?)"
_FORM = re.compile(
    rf"(?P<count>\d{{1,9}})|(?P<kind>normal|lognormal)\s*:\s*{_NUMBER}\s*,\s*{_NUMBER}"
    r"|uniform\s*:\s*(?P<low>\d{1,9})\s*-\s*(?P<high>\d{1,9})"
)


@dataclass(frozen=True, slots=True)
class Lengths:
    """A distribution of whole numbers of tokens, by its middle and its spread.

    `kind` is `normal` (mean, standard deviation), `lognormal` (median, standard deviation of the
    logarithm) or `uniform` (both ends); a number alone is a uniform one of equal ends.
    """

    text: str
    kind: str
    middle: float
    spread: float

    @property
    def one(self) -> int | None:
        """The length, where there is only one."""
        return int(self.middle) if self.kind == "uniform" and self.middle == self.spread else None

    @property
    def typical(self) -> int:
        """Its mean, about."""
        if self.kind == "normal":
            return max(round(self.middle), 1)
        if self.kind == "lognormal":
            return round(self.middle * math.exp(self.spread**2 / 2))
        return round((self.middle + self.spread) / 2)

    @property
    def upper(self) -> int:
        """The most that is ever drawn."""
        if self.kind == "normal":
            return round(self.middle + DEVIATIONS * self.spread)
        if self.kind == "lognormal":
            return round(self.middle * math.exp(min(DEVIATIONS * self.spread, 100.0)))
        return round(self.spread)

    def drawn(self, seed: str) -> tuple[int, ...]:
        """The lengths of `DRAWS` requests."""
        rng = random.Random(seed)  # noqa: S311 - no secret
        return tuple(min(max(round(self._draw(rng)), 1), self.upper) for _ in range(DRAWS))

    def _draw(self, rng: random.Random) -> float:
        if self.kind == "normal":
            return rng.gauss(self.middle, self.spread)
        if self.kind == "lognormal":
            return self.middle * math.exp(rng.gauss(0.0, self.spread))
        return rng.randint(int(self.middle), int(self.spread))


def parse_lengths(text: str) -> Lengths:
    """The lengths of `512`, `normal:512,128`, `lognormal:512,0.5` or `uniform:16-256`.

    ValueError with what was expected, what came, and what to do.
    """
    text = text.strip()
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r}: {_EXPECTED}")
    if found["kind"]:
        lengths = Lengths(text, found["kind"], float(found[3]), float(found[4]))
    else:
        low, high = (int(found[name] or found["count"]) for name in ("low", "high"))
        if low > high:
            raise ValueError(f"{text!r}: the lower end, {low}, is above the upper one, {high}")
        lengths = Lengths(text, "uniform", low, high)
    if lengths.middle < 1:
        raise ValueError(f"{text!r}: expected at least 1 token in the middle and at the lower end")
    if lengths.upper > MOST_TOKENS:
        smaller = {"normal": "mean or deviation", "lognormal": "median or sigma"}
        less = smaller.get(lengths.kind, "number")
        raise ValueError(f"{text!r}: more than {MOST_TOKENS:,} tokens: take a smaller {less}")
    return lengths


def describe(drawn: Sequence[int]) -> dict[str, float]:
    """What was drawn, for a manifest."""
    ordered = sorted(drawn)
    p50, p95 = (ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.95))
    return {"mean": fmean(drawn), "p50": p50, "p95": p95, "max": ordered[-1]}
