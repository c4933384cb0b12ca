"""Writing files whole: a reader sees the old content or the new, never a part."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.foreign import harmless_json


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document; a number that JSON cannot hold (NaN, infinity) becomes null."""
    text = json.dumps(_plain(document), indent=2, ensure_ascii=False, default=str, allow_nan=False)
    write_text(path, harmless_json(text) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8; a lone surrogate, which UTF-8 cannot hold, is escaped."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(path)
    except OSError as error:  # of a write, which does not know its file
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
