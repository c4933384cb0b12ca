"""The suite's power on defects that nobody thought of: a sample of generated ones.

`python -m tests.power --drawn N --seed S`. Mutants that leave every answer of a clean
run as it is are not shown: they are counted and not judged.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from harness.contract.run.reference import Reference, reference
from harness.defects.mutants.mutant import FAMILIES, Mutant, parse
from harness.defects.mutants.values import documents, places
from harness.wire import Response
from tests.power import legal
from tests.power.population import population, sample
from tests.power.trial import Trial, TrialOutcome, attempt

RARE = 8
"""So few of the 291 answers of a clean run show a rare mutant: to meet it more must be asked."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one mutant.

    `shows` is how many answers of a clean run it changes. `why` says why it may be alive: it is
    legal, or rare, or made the verdict unknown; None for a hole, and for what was killed.
    """

    mutant: Mutant
    shows: int
    outcome: TrialOutcome
    why: str | None = None

    @property
    def killed(self) -> bool:
        """Whether a clause failed under `--strict`."""
        return bool(self.outcome.broken)

    @property
    def hole(self) -> bool:
        """Whether it passed and nothing excuses that."""
        return not self.killed and self.why is None

    def __str__(self) -> str:
        if self.killed:
            clause, after = next(iter(self.outcome.broken.items()))
            return f"killed {self.mutant.name} after {after} by {clause}"
        return f"alive  {self.mutant.name} ({self.shows} answers): {self.why or 'A HOLE'}"


@dataclass(slots=True)
class Sample:
    """Mutants that are judged one after the other; `hidden` counts those that change no answer."""

    seed: int
    hidden: Counter[str] = field(default_factory=Counter)
    found: list[Fate] = field(default_factory=list)

    def draw(self, count: int) -> Iterator[Fate]:
        """Judge the first `count` of the seed's mutants that change an answer of a clean run."""
        known = reference()
        mutants = sample(population(value_places(known.clean)), seed=self.seed)
        yield from islice(self._judged(mutants, known), count)

    def judge(self, names: Iterable[str]) -> Iterator[Fate]:
        """Judge the mutants of these names."""
        yield from self._judged(map(parse, names), reference())

    def _judged(self, mutants: Iterable[Mutant], known: Reference) -> Iterator[Fate]:
        for mutant in mutants:
            shows = known.shows(mutant.name)
            if not shows:
                self.hidden[mutant.family] += 1
                continue
            self.found.append(_fate(mutant, shows))
            yield self.found[-1]

    @property
    def holes(self) -> list[Fate]:
        """What passed and should not have."""
        return [fate for fate in self.found if fate.hole]

    def table(self) -> str:
        """The sample per family, every survivor in a line, and the share that was killed."""
        heads = ("shown", "killed", "excused", "holes")
        lines = [f"{'':10}{''.join(f'{head:>8}' for head in heads)}{'not shown':>11}"]
        for family in FAMILIES:
            mine = [fate for fate in self.found if fate.mutant.family == family]
            lines.append(f"{family:10}{_counts(mine)}{self.hidden[family]:11}")
        lines += [str(fate) for fate in self.found if not fate.killed]
        killed, holes = sum(f.killed for f in self.found), len(self.holes)
        share = 100 * killed / (killed + holes) if killed + holes else 100.0
        lines.append(
            f"{len(self.found)} generated defects change an answer: {killed} killed, "
            f"{len(self.found) - killed - holes} excused, {holes} holes; "
            f"{share:.1f} % of what nothing excuses is killed"
        )
        return "\n".join(lines) + "\n"


def _fate(mutant: Mutant, shows: int) -> Fate:
    fate = Fate(mutant, shows, _tried(mutant))
    if fate.killed:
        return fate
    if fate.outcome.verdict == "unknown":
        return replace(fate, why="the verdict is unknown, which is never green")
    return replace(fate, why=legal.reason(mutant) or _rare(mutant, shows))


def _rare(mutant: Mutant, shows: int) -> str | None:
    """Whether it is the occasions that lack: the same edit is seen where it always shows."""
    if shows > RARE:
        return None
    always = replace(mutant, condition="always", route="all")
    if always == mutant or not _tried(always).broken:
        return None
    return f"rare: {always.name} is killed"


def _tried(mutant: Mutant) -> TrialOutcome:
    return attempt(Trial(defect=mutant.name, until_killed=True))


def _counts(mine: Sequence[Fate]) -> str:
    killed, holes = sum(f.killed for f in mine), sum(f.hole for f in mine)
    return f"{len(mine):8}{killed:8}{len(mine) - killed - holes:8}{holes:8}"


def value_places(clean: Iterable[Response]) -> frozenset[str]:
    """Every place in the JSON of some answers, as the generated defects name them."""
    found: set[str] = set()
    for response in clean:
        for kind, document in documents(response):
            found.update(".".join((kind, *steps)) for steps in places(document))
    return frozenset(found)
