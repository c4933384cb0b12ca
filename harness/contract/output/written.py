"""Files that a run writes: tried before its first request, and said where they fail at its end."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError


def check_writable(paths: Iterable[tuple[str, Path | None]]) -> None:
    """Try the path of each option that has one; UsageError for one that cannot be written."""
    for option, path in paths:
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            with path.open("a"):
                pass
            if new:
                path.unlink()
        except OSError as exc:
            raise UsageError(f"{option} {path} cannot be written: {exc.strerror}") from exc


class Output:
    """Writes what it can; `unwritten` says what could not be written, and why."""

    def __init__(self) -> None:
        self.unwritten: list[str] = []

    def write(self, path: Path, how: Callable[[Path], object]) -> None:
        """Have `how` write to a path, whose folder is made."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            how(path)
        except OSError as exc:
            self.unwritten.append(f"{path} was not written: {exc.strerror or exc}")


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document, in ASCII so that any text in it survives."""
    put(path, json.dumps(document, indent=1) + "\n")


def put(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; what that cannot hold is escaped."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
