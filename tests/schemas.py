"""Documents against the schemas that are published of them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from harness.report.schema import names, schema


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.validator_for(schema(name))


def problems(name: str, document: Any) -> list[str]:
    """Where a document is not what its schema says; empty when it is."""
    errors = _validator(name).iter_errors(document)
    return [f"{name}: {list(error.instance_path)}: {error.message}" for error in errors]


def problems_in(folder: Path) -> list[str]:
    """The same of every document with a schema in a folder and those below it.

    An empty file only stands in the way of a command; no command leaves one.
    """
    found = [path for name in names() for path in sorted(folder.rglob(f"{name}.json"))]
    return [
        problem
        for path in found
        if path.stat().st_size
        for problem in problems(path.stem, json.loads(path.read_text("utf-8")))
    ]
