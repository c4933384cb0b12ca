"""A sixth of the known defects again: what `contracts/POWER.md` calls killed must be killed."""

import random
from pathlib import Path

import pytest

from harness.defects.table import DEFECTS
from tests.power import page
from tests.power.trial import Trial, run

PAGE = Path(__file__).parents[2] / "contracts" / "POWER.md"
BUDGET = 100
SEED = 11
"""Which sixth; the same in every run, so that a loss can be seen again."""


def sixth() -> list[str]:
    """Of the defects that the page says the budget kills, without those that need a socket."""
    killed = page.killed(PAGE.read_text(encoding="utf-8"), BUDGET)
    known = [name for name in DEFECTS if name in killed and not DEFECTS[name].socket_only]
    return random.Random(SEED).sample(known, len(known) // 6)  # noqa: S311 - a sample, no secret


@pytest.mark.parametrize("defect", sixth())
def test_what_the_page_calls_killed_is_killed(defect: str) -> None:
    outcome = run(Trial(BUDGET, defect=defect, until_killed=True))

    assert outcome.killed_after is not None, f"only {sorted(outcome.broken)} failed"
    assert outcome.verdict == "fail"
