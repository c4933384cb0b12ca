"""`load --extend 3x`: go on until the objectives are settled, or the longest time is over."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.load.plan import LoadPlan
    from harness.load.progress import LoadProgress

MOST = 5
"""So many looks at most: each more makes all intervals wider."""
_TIMES = re.compile(r"([1-9])\s*x")


def parse_times(text: str) -> int:
    """`3x` as a number of times."""
    found = _TIMES.fullmatch(text.strip())
    if found and int(found[1]) <= MOST:
        return int(found[1])
    raise click.BadParameter(f"{text!r}: expected how often its duration, from 1x to {MOST}x")


class Settled:
    """Asked while a load is under way, looks at its samples after each `duration_s`.

    All verdicts are by intervals that hold at every look (`AT_EACH_LOOK`).
    """

    def __init__(self, plan: "LoadPlan") -> None:
        self._folder = Path(plan.folder)
        self._looks = [plan.warmup_s + plan.duration_s * time for time in range(1, plan.extend)]

    def __call__(self, progress: "LoadProgress") -> bool:
        """Whether no objective is left that more requests would settle."""
        if not self._looks or progress.elapsed_s < self._looks[0]:
            return False
        self._looks.pop(0)
        from harness.report.build import assemble
        from harness.report.thresholds import CheckResult

        checked = assemble(self._folder).checked
        return all(each.result is not CheckResult.UNKNOWN for each in checked)
