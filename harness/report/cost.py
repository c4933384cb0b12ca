"""What more blocks of a comparison would take: time, tokens, dollars."""

from dataclasses import dataclass

from harness.report import figures
from harness.report.arrays import NULL, Ints
from harness.report.frame import Frame
from harness.report.pairing import Blocks
from harness.report.plan import Prices


@dataclass(frozen=True, slots=True)
class Cost:
    """What one block takes; None where nobody knows."""

    seconds: float
    tokens: float | None = None
    dollars: float | None = None

    def of(self, blocks: float) -> str:
        """What so many blocks take, in a few words."""
        told = [figures.long_duration(blocks * self.seconds)]
        if self.tokens is not None:
            told.append(f"{figures.count(round(blocks * self.tokens))} tokens")
        if self.dollars is not None:
            told.append(f"${blocks * self.dollars:.2f}")
        return ", ".join(told)


def of_blocks(blocks: Blocks, prices: Prices) -> Cost:
    """What one of these blocks took; `prices` are those of a token."""
    rows, count = blocks.rows, max(blocks.count, 1)
    ended = max(int(rows.ints(name).max(initial=NULL)) for name in ("done_ns", "closed_ns"))
    seconds = 0.0
    if ended != NULL:
        seconds = max(float(ended - int(rows.ints("begun_ns")[0])) / 1e9, 0.0)
    prompt, completion = (_known(rows, f"{kind}_tokens") for kind in ("prompt", "completion"))
    if not len(prompt) or not len(completion):
        return Cost(seconds / count)
    used = float(prompt.sum()), float(completion.sum())
    dollars = None
    if prices.price_in is not None and prices.price_out is not None:
        dollars = (used[0] * prices.price_in + used[1] * prices.price_out) / count
    return Cost(seconds / count, sum(used) / count, dollars)


def _known(rows: Frame, name: str) -> Ints:
    return rows.ints(name)[rows.known(name)]
