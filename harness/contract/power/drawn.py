"""The suite's power on defects that nobody thought of: a sample of generated ones.

`python -m harness.contract.power --drawn N --seed S`. Mutants that leave every answer of a clean
run as it is are not shown: they are counted and not judged.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.contract.power.legal import reason
from harness.contract.power.reference import Reference, reference, value_places
from harness.contract.power.trial import Outcome, Trial, attempt
from harness.gateway.defects.mutants.drawn import population, sample
from harness.gateway.defects.mutants.mutant import FAMILIES, Mutant


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one mutant: the requests until any clause failed, and which one did."""

    mutant: Mutant
    outcome: Outcome

    @property
    def killed(self) -> bool:
        """Whether a clause failed under `--strict`."""
        return bool(self.outcome.broken)

    @property
    def reason(self) -> str | None:
        """Why a survivor is no hole; None when nobody says."""
        return None if self.killed else reason(self.mutant)


def shown(reference: Reference, *, seed: int, hidden: Counter[str]) -> Iterator[Mutant]:
    """The sample without what changes no answer; `hidden` counts that, per family."""
    for mutant in sample(population(value_places(reference.clean)), seed=seed):
        if reference.differs(mutant.name):
            yield mutant
        else:
            hidden[mutant.family] += 1


def fates(count: int, *, seed: int, hidden: Counter[str]) -> Iterator[Fate]:
    """What becomes of the first `count` mutants of a sample that change an answer."""
    for mutant, _ in zip(shown(reference(), seed=seed, hidden=hidden), range(count), strict=False):
        yield Fate(mutant, attempt(Trial(defect=mutant.name, until_killed=True)))


def table(found: Sequence[Fate], hidden: Counter[str]) -> str:
    """The sample per family, and every survivor in a line."""
    lines = [f"{'family':10} {'shown':>6} {'killed':>7} {'legal':>6} {'holes':>6} {'not shown':>10}"]
    for family in FAMILIES:
        mine = [fate for fate in found if fate.mutant.family == family]
        alive = [fate for fate in mine if not fate.killed]
        holes = sum(fate.reason is None for fate in alive)
        counts = (len(mine), len(mine) - len(alive), len(alive) - holes, holes, hidden[family])
        lines.append(f"{family:10} {counts[0]:6} {counts[1]:7} {counts[2]:6} {counts[3]:6} {counts[4]:10}")
    alive = [fate for fate in found if not fate.killed]
    lines += [f"alive  {fate.mutant.name}: {fate.reason or 'A HOLE'}" for fate in alive]
    holes = sum(fate.reason is None for fate in alive)
    judged = len(found) - len(alive) + holes
    share = 100 * (judged - holes) / judged if judged else 100.0
    lines.append(
        f"{len(found)} mutants change an answer: {len(found) - len(alive)} killed, "
        f"{len(alive) - holes} alive for a reason, {holes} holes; "
        f"{share:.1f} % of those that a clause could kill"
    )
    return "\n".join(lines) + "\n"


def measure(count: int, *, seed: int) -> tuple[str, bool]:
    """The table of a sample, and whether it has no hole."""
    started, hidden = time.monotonic(), Counter[str]()
    found = list(fates(count, seed=seed, hidden=hidden))
    took = f"{time.monotonic() - started:.0f} s\n"
    holes = any(not fate.killed and fate.reason is None for fate in found)
    return table(found, hidden) + took, not holes
