"""The statistics of the verdicts by simulation: `python -m tests.stats.run [--runs N]`.

Prints what was simulated, the figure, its bar and whether it is kept; exit code 1 when one is not.
A module of this package with a function `figures(runs)` joins by its line in `SUBJECTS`.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping

from tests.stats import comparison, objectives
from tests.stats.figure import Figure

SUBJECTS: Mapping[str, Callable[[int], Iterator[Figure]]] = {
    "objectives": objectives.figures,
    "comparison": comparison.figures,
}


def main() -> int:
    """Run every subject; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="simulated runs of each kind")
    runs = parser.parse_args().runs
    missed = 0
    for name, figures in SUBJECTS.items():
        print(name)  # noqa: T201 - its job
        for each in figures(runs):
            missed += not each.met
            print(f"  {each.what:<64} {_shown(each)}", flush=True)  # noqa: T201
    return 1 if missed else 0


def _shown(each: Figure) -> str:
    figure = "no answer" if each.figure is None else f"{each.figure:.1%}"
    bar = f"{each.least:.1%} to {each.most:.1%}"
    return f"{figure:>10}  {bar:<18} {'met' if each.met else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main())
