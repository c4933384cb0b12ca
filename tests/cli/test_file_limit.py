"""A limit of the system on files is named as such wherever it strikes."""

import subprocess
import sys
from pathlib import Path

LIMIT_BLOCKS = 16
"""Of 512 bytes, as POSIX has it."""


def limited(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command none of whose files may grow beyond the limit."""
    shell = f'ulimit -f {LIMIT_BLOCKS} && exec "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", shell, "sh", sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_a_load_that_cannot_write_its_samples_names_the_limit(tmp_path: Path) -> None:
    load = ("load", "--target", "local", "--routes", "native", "--users", "4", "--duration", "2s")

    done = limited(tmp_path, *load, "--warmup", "0s", "--no-calibrate", "--out", "run")

    assert done.returncode == 2
    assert "error: a file may not grow so large; raise the limit (ulimit -f)" in done.stderr


def test_a_verdict_stands_where_its_files_cannot_be_written(tmp_path: Path) -> None:
    done = limited(tmp_path, "verify", "--target", "mock", "--profile", "core", "--out", "run")

    assert done.returncode == 0
    assert "conformance.json was not written: File too large" in done.stdout + done.stderr
    assert not (tmp_path / "run" / "conformance.json").exists()
    assert "Traceback" not in done.stderr
