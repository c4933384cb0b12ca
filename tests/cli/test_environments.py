"""`gateway-harness` in the environments that people have: other packages, folders and variables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("gateway-harness")
"""As installed: `python -m` would put the current folder on the path itself."""
SHADOW = "raise RuntimeError('this module is somebody else's')\n"
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("CLOUDFLARE_", "BASETEN_", "CF_AIG_", "GATEWAY_", "GITHUB_"))
}


def command(*arguments: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, *arguments, "--out", "run"],
        cwd=folder,
        env={**CLEAN, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def shadowing(folder: Path) -> Path:
    """A folder with modules that have the names of others."""
    for name in ("httpx.py", "types.py", "random.py", "pytest.py", "locust.py"):
        (folder / name).write_text(SHADOW)
    (folder / "harness").mkdir()
    (folder / "harness" / "__init__.py").write_text(SHADOW)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--target", "mock", "--profile", "core"),
        ("load", "--target", "local", "--duration", "1s", "--warmup", "0s", "--no-calibrate"),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_modules_of_the_current_folder_do_not_concern_a_command(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = command(*arguments, folder=shadowing(tmp_path))

    assert done.returncode == 0, done.stderr
    assert "somebody else's" not in done.stderr
    assert done.stdout.splitlines()[-1].startswith("report: run")


def test_an_optimizing_interpreter_verifies(tmp_path: Path) -> None:
    done = command("verify", "--profile", "core", folder=tmp_path, PYTHONOPTIMIZE="2")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_summary_that_cannot_be_written_is_said_and_changes_nothing(tmp_path: Path) -> None:
    done = command(
        *("verify", "--profile", "core", "--json"),
        folder=tmp_path,
        GITHUB_STEP_SUMMARY="/nowhere/x/summary.md",
    )

    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "pass"
    assert done.stderr == (
        "note: GITHUB_STEP_SUMMARY=/nowhere/x/summary.md cannot be written, "
        "so no summary goes there: No such file or directory\n"
    )
