"""The JSON Schemas of what a contract run leaves behind; they travel with the package."""

import json
from pathlib import Path
from typing import Any, Literal

Name = Literal["conformance", "capsule"]
_FOLDER = Path(__file__).parent / "schemas"


def path_of(name: Name) -> Path:
    """The file of a schema (JSON Schema 2020-12)."""
    return _FOLDER / f"{name}.json"


def schema(name: Name) -> dict[str, Any]:
    """The schema of `conformance.json` or `capsule.json`."""
    found: dict[str, Any] = json.loads(path_of(name).read_text("utf-8"))
    return found
