"""Measures the contract suite and writes `contracts/POWER.md`: `make mutants`.

python -m tests.power [NAME ...] [--seeds N] [--workers N] [--out FILE]
python -m tests.power --drawn N [--seed S]

The second form draws N generated defects instead of the listed ones; the names of such, which have
a colon, are judged by the first.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.contract.run.collector import collect_seldom
from tests.power import page
from tests.power.drawn import Fate, Sample
from tests.power.score import SEEDS, Power, score, trials
from tests.power.trial import Trial, TrialOutcome, attempt

PAGE = Path("contracts/POWER.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials; 0 when the bar is met, else 1."""
    options = _parser().parse_args(arguments)
    generated = [name for name in options.names if ":" in name]
    if options.drawn or generated:
        sample = Sample(options.seed)
        fates = sample.judge(generated) if generated else sample.draw(options.drawn)
        return _judge(sample, fates)
    names = options.names or None
    planned = trials(seeds=options.seeds, names=names)
    if not planned:
        sys.stderr.write(f"no defect or variant is called {' or '.join(options.names)}\n")
        return 2
    started = time.monotonic()
    outcomes = []
    with (options.trace or Path(os.devnull)).open("w", encoding="utf-8", buffering=1) as trace:
        for outcome in _measured(planned, options.workers):
            trace.write(page.trace(outcome))
            outcomes.append(outcome)
    power = score(outcomes, partial=names is not None)
    whole = names is None and options.seeds >= SEEDS
    if whole:
        options.out.write_text(page.render(power), encoding="utf-8")
    sys.stdout.write(page.terminal(power, outcomes, seconds=time.monotonic() - started))
    if not whole:
        sys.stdout.write(f"{options.out} is written by a run on everything with {SEEDS} seeds\n")
    return _verdict(power)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="defects and variants; all without any")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs on each legal stand-in")
    parser.add_argument("--drawn", type=int, default=0, help="judge so many generated defects")
    parser.add_argument("--seed", type=int, default=0, help="which sample of them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", type=Path, help="a file for a line per run, as it ends")
    parser.add_argument("--out", type=Path, default=PAGE)
    return parser


def _judge(sample: Sample, fates: Iterator[Fate]) -> int:
    """Show a sample of generated defects; 1 when one of them is a hole."""
    for number, _ in enumerate(fates, 1):
        if number % 25 == 0:
            sys.stderr.write(f"\r{number} generated defects")
            sys.stderr.flush()
    sys.stdout.write(f"\n{sample.table()}")
    return 1 if sample.holes else 0


def _measured(planned: list[Trial], workers: int) -> Iterator[TrialOutcome]:
    """The outcomes as they come, with a line of progress on standard error."""
    context = multiprocessing.get_context("forkserver")
    with context.Pool(workers, collect_seldom) as pool:
        for number, outcome in enumerate(pool.imap_unordered(attempt, planned), 1):
            if number % 25 == 0 or number == len(planned):
                sys.stderr.write(f"\r{number} of {len(planned)} runs")
                sys.stderr.flush()
            yield outcome
    sys.stderr.write("\n")


def _verdict(power: Power) -> int:
    misses = power.misses()
    for miss in misses:
        sys.stdout.write(f"below the bar: {miss}\n")
    if not misses:
        sys.stdout.write("the bar is met\n")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
