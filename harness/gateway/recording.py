"""Behaviour files, which a contract run writes and the stand-in serves with."""

import json
from pathlib import Path

from harness.errors import UsageError
from harness.gateway.behaviour import EXAMPLE, Behaviour


def read_behaviour(path: Path) -> Behaviour:
    """The behaviour in a file; raises `UsageError` naming the file and what is wrong in it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise UsageError(f"behaviour file {path}: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"behaviour file {path}: expected JSON such as {EXAMPLE}: {exc}") from exc
    try:
        return Behaviour.from_document(document)
    except UsageError as exc:
        raise UsageError(f"behaviour file {path}: {exc}") from exc
