"""What GitHub shows on the page of a job: `GITHUB_STEP_SUMMARY` names a file to append Markdown to.

It is a courtesy: where the file cannot be written that is said, and changes nothing else.
"""

import os
from pathlib import Path

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST = 900_000
"""So many bytes are appended; GitHub takes 1 MiB of one step, and nothing of a longer file."""


def complaint() -> str:
    """Why the file cannot be written, or nothing; to be asked before a command sends anything."""
    path = _path()
    if path is None:
        return ""
    try:
        with path.open("a"):
            return ""
    except OSError as exc:
        return f"{VARIABLE}={path} cannot be written, so no summary goes there: {exc.strerror}"


def append(markdown: str) -> str:
    """Append the Markdown of a run; what went wrong, in a sentence, or nothing."""
    path = _path()
    if path is None:
        return ""
    data = markdown.encode("utf-8", "backslashreplace")
    if len(data) > MOST:
        data = data[:MOST].decode("utf-8", "ignore").encode() + b"\n\n(the rest is in report.md)\n"
    try:
        with path.open("ab") as file:
            file.write(data if data.endswith(b"\n") else data + b"\n")
    except OSError as exc:
        return f"no summary was appended to {VARIABLE}={path}: {exc.strerror}"
    return ""


def _path() -> Path | None:
    text = os.environ.get(VARIABLE)
    return Path(text) if text else None
