"""The JSON Schemas (2020-12) of what a run leaves behind; they travel with the package.

One file per document in `schemas/`; its name is the document's name. `schema_version` grows when a
field is removed or changes its meaning.
"""

import json
from importlib.resources import files
from typing import Any

_FOLDER = files("harness.report") / "schemas"


def names() -> list[str]:
    """The documents that have a schema: `run`, `summary`, `conformance` and so on."""
    return sorted(entry.name.removesuffix(".json") for entry in _FOLDER.iterdir())


def schema(name: str) -> dict[str, Any]:
    """The schema of a document; KeyError when there is none."""
    if name not in names():
        raise KeyError(name)
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return found
