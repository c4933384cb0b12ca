"""One simulated figure and the bar that it must keep."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`figure` must lie from `least` to `most`; None when no simulated run gave an answer."""

    what: str
    figure: float | None
    least: float = 0.0
    most: float = 1.0
    of: int = 0
    """How many simulated runs the figure is a share of."""

    @property
    def met(self) -> bool:
        """Whether the bar is kept; what gave no answer breaks none."""
        return self.figure is None or self.least <= self.figure <= self.most

    def within(self, deviations: float) -> bool:
        """Whether the bar is kept but for so many standard deviations of the simulation."""
        if self.figure is None:
            return True
        slack = [
            deviations * math.sqrt(bar * (1 - bar) / self.of) for bar in (self.least, self.most)
        ]
        return self.least - slack[0] <= self.figure <= self.most + slack[1]
