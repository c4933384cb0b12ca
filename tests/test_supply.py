"""What is installed and run is what was looked at: versions, hashes, commits."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LEAST = {
    "h11": (0, 16),  # CVE-2025-43859: chunked bodies that a proxy reads in another way
    "jinja2": (3, 1, 6),  # CVE-2025-27516: out of the sandbox by |attr
}


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@pytest.mark.parametrize("name", LEAST)
def test_the_lowest_version_that_is_allowed_has_no_known_hole(name: str) -> None:
    (bound,) = [each for each in PROJECT["project"]["dependencies"] if each.startswith(f"{name}>=")]

    assert version(bound.partition(">=")[2]) >= LEAST[name]


def test_everything_locked_has_its_hashes() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.strip())

    assert len(blocks) > 50
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_what_builds_the_package_is_pinned_and_locked() -> None:
    (backend,) = PROJECT["build-system"]["requires"]

    assert re.fullmatch(r"hatchling==[0-9.]+", backend)
    assert f"\n{backend} " in f"\n{LOCK}"
    assert "\neditables==" in LOCK


def test_every_build_uses_what_is_locked() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")

    installs = [line for line in makefile.splitlines() if "pip install" in line and " ." in line]
    builds = [line for line in makefile.splitlines() if "-m build" in line]
    assert [line for line in installs if "--no-build-isolation" not in line] == []
    assert [line for line in builds if "--no-isolation" not in line] == []
    assert len(installs) == len(builds) == 1


def test_the_actions_of_the_workflows_are_named_by_commit() -> None:
    workflows = [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "README.md"]
    text = "\n".join(path.read_text("utf-8") for path in workflows)
    used = re.findall(r"uses:\s*(\S+)", text)

    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)] == []
