"""Several folders of one distributed run made one: what each machine recorded, side by side."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.report import manifest, samples, workers
from harness.report.manifest import Manifest

KEPT = ("conformance.json", "junit.xml")
SUMMED = ("expected_records",)


def merge(folders: Sequence[Path], target: Path) -> Manifest:
    """Make `target` a run folder with the samples and the workers of all; the first one is its own.

    UsageError when they are not of one run, with the list, or when `target` holds something.
    """
    runs = {folder: manifest.read(folder) for folder in folders}
    _check(runs, target)
    (target / samples.FOLDER).mkdir(0o700, parents=True, exist_ok=True)
    (target / workers.FOLDER).mkdir(exist_ok=True)
    first, *others = runs.values()
    clocks = dict(first.facts.get("clocks") or {})
    taken: set[str] = set()
    for folder, run in runs.items():
        names = _names(folder, taken)
        taken |= set(names.values())
        _copy(folder, target, names)
        if run is not first:
            clocks |= dict.fromkeys(names.values(), run.clock)
    for name in KEPT:
        if (folders[0] / name).exists():
            shutil.copy2(folders[0] / name, target / name)
    facts = {**_union([run.facts for run in (first, *others)]), "clocks": clocks}
    return manifest.write(target, replace(first, facts=facts))


def _check(runs: Mapping[Path, Manifest], target: Path) -> None:
    if len({run.run_id for run in runs.values()}) > 1:
        listed = "\n".join(f"  {folder}: run {run.run_id}" for folder, run in runs.items())
        raise UsageError(f"expected folders of one run, got\n{listed}")
    going_on = [str(folder) for folder, run in runs.items() if run.going_on]
    if going_on:
        raise UsageError(f"still going on: {', '.join(going_on)}")
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"--out {target}: expected a new or an empty folder")


def _names(folder: Path, taken: set[str]) -> dict[str, str]:
    """A name that is free yet for each worker's files, which mostly is their own."""
    stems = {path.stem for path in _files(folder)}
    return {
        stem: stem if stem not in taken else _free(f"{folder.name}-{stem}", taken)
        for stem in sorted(stems)
    }


def _free(name: str, taken: set[str]) -> str:
    tried = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(each for each in tried if each not in taken)


def _files(folder: Path) -> Iterator[Path]:
    """The files of samples and of workers, each named by its worker."""
    for path in sorted((folder / samples.FOLDER).glob("*.*")):
        if path.suffix in (".arrows", ".parquet") and path.name[0] != ".":
            yield path
    for path in sorted((folder / workers.FOLDER).glob("*.*")):
        if path.suffix in (".json", ".sent") and not path.name.endswith(workers.PLAN):
            yield path


def _copy(folder: Path, target: Path, names: Mapping[str, str]) -> None:
    for path in _files(folder):
        place = target / path.parent.name / f"{names[path.stem]}{path.suffix}"
        try:
            os.link(path, place)
        except OSError:
            shutil.copy2(path, place)


def _union(facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All facts as one: lists joined, counts summed, else the first that says something."""
    whole: dict[str, Any] = {}
    for each in facts:
        for name, value in each.items():
            whole[name] = _joined(name, whole[name], value) if name in whole else value
    return whole


def _joined(name: str, one: Any, other: Any) -> Any:
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *(each for each in other if each not in one)]
    if name in SUMMED and isinstance(one, int) and isinstance(other, int):
        return one + other
    return one or other
