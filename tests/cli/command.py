"""A command line run in this process: its exit code, and what it printed."""

import os
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from harness.cli import execute

OURS = ("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_", "GITHUB_", "HTTP", "http", "PYTEST_")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> Done:
    """Run `gateway-harness` in a folder, with nothing set but `environment`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    out, err = StringIO(), StringIO()
    with (
        patch.dict(os.environ, {**kept, **(environment or {})}, clear=True),
        chdir(folder),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = execute(list(arguments))
    return Done(code, out.getvalue(), err.getvalue())
