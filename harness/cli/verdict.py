"""From a verdict to the exit code, and the last line or JSON document that a command prints.

0 pass · 1 fail · 2 nothing was asked, or the harness failed · 3 unknown. Unknown is never green.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from harness.errors import EXIT_CODES
from harness.foreign import Place, harmless, harmless_json

ORDER = ("pass", "unknown", "fail")


def note(text: str) -> None:
    """Say something beside the verdict, on standard error."""
    click.echo(_shown(text), err=True)


def summarise(out: Path | None) -> None:
    """Append the page of a run to the summary of its CI step, where there are both."""
    pages = [] if out is None else [out / name for name in ("report.md", "gate.md")]
    page = next((page for page in pages if page.exists()), None)
    if page is None:
        return
    from harness.report import step_summary

    try:
        text = page.read_text("utf-8", "replace")
    except OSError:
        return  # whoever could not write it has said so
    said = "" if step_summary.complaint() else step_summary.append(text)
    if said:
        note(said)


def exit_code(verdict: str) -> int:
    """The exit code of `pass`, `fail` or `unknown`."""
    return EXIT_CODES[verdict]


def worst(verdicts: Sequence[str]) -> str:
    """The verdict over several parts: any fail is a fail, no part at all is unknown."""
    return max(verdicts, key=ORDER.index, default="unknown")


def conclude(
    verdict: str,
    *,
    reasons: Sequence[str] = (),
    summary: str = "",
    out: Path | None = None,
    as_json: bool = False,
    code: int | None = None,
    **extra: Any,
) -> NoReturn:
    """Print the verdict, its reasons and where the report is, and leave with its exit code.

    With `as_json` standard output gets one JSON document and nothing else; `extra` goes into it.
    `code` is for 2, which no verdict has. What a server sent back cannot show a secret here.
    """
    code = exit_code(verdict) if code is None else code
    summarise(out)
    if as_json:
        document = {
            "schema_version": 1,
            "verdict": verdict,
            "exit_code": code,
            "reasons": list(reasons),
            "out": None if out is None else str(out),
            **extra,
        }
        click.echo(harmless_json(_clean(json.dumps(document))))
    else:
        click.echo(_shown(f"{verdict}: {summary}" if summary else verdict))
        for reason in reasons:
            click.echo(f"  {_shown(reason)}")
        if out is not None:
            click.echo(_shown(f"report: {_page(out)}"))
    raise click.exceptions.Exit(code)


def _page(out: Path) -> Path:
    """What to open: the page where the command made one, else the folder."""
    pages = (out / name for name in ("report.html", "gate.html"))
    return next((page for page in pages if page.exists()), out)


def _shown(text: str) -> str:
    """A sentence in which a target may have had a word."""
    return harmless(_clean(text), Place.TERMINAL)


def _clean(text: str) -> str:
    from harness.settings.redaction import Secrets

    return Secrets.of_process(os.environ, sys.argv).redact(text)
