"""The wheel, built and tried without the sources: what a user installs is what was tested."""

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUICKLY = ("--quiet", "--no-compile")  # most of what is installed is never imported here


def run(*command: str | Path, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel and its locked dependencies only."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+==\S+(?: ; [^\\\n]+)?)", lock, flags=re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins))
    wheel = next(distributions.glob("*.whl"))
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", *QUICKLY, "-c", constraints, wheel, cwd=folder)
    return folder / "bin"


def test_the_wheel_has_one_top_level_name(distributions: Path) -> None:
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"harness"}


def test_the_wheel_carries_the_contract_the_scenarios_and_the_schemas(distributions: Path) -> None:
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())

    for leaf in ("contracts", "locustfiles"):
        sources = {f"harness/_bundled/{leaf}/{path.name}" for path in (ROOT / leaf).glob("*.py")}
        assert sources
        assert sources <= names
    assert "harness/py.typed" in names
    schemas = {str(path.relative_to(ROOT)) for path in ROOT.glob("harness/report/schemas/*.json")}
    assert schemas
    assert schemas <= names


def test_the_source_distribution_builds_the_same_wheel(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as source:
        names = {name.partition("/")[2] for name in source.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "harness/wire.py"} <= names
    assert not [name for name in names if name.startswith("reports/20")]


def test_the_installed_wheel_verifies_the_mock_from_an_empty_folder(
    installed: Path, tmp_path: Path
) -> None:
    done = run(installed / "gateway-harness", "verify", "--target", "mock", "--json", cwd=tmp_path)

    said = json.loads(done.stdout)
    conformance = json.loads((tmp_path / said["out"] / "conformance.json").read_text())
    assert said["verdict"] == "pass"
    assert conformance["verdict"] == "compatible"


def test_the_installed_wheel_loads_the_stand_in_from_an_empty_folder(
    installed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"

    run(
        installed / "gateway-harness",
        *("load", "--target", "local", "--duration", "2s", "--warmup", "0s", "--out", out),
        cwd=tmp_path,
    )

    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["routes"]) == {"native", "compat", "model"}
    assert all(route["requests"] > 0 for route in summary["routes"].values())


PLUGINS = (
    *("pytest-asyncio", "pytest-cov", "pytest-httpx"),
    *("pytest-randomly", "pytest-timeout", "pytest-xdist"),
)
SETTINGS = """[pytest]
strict = true
filterwarnings = error
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
PROJECT = """
import asyncio

import httpx
import pytest
import respx


@pytest.fixture(scope="session", autouse=True)
def no_network():
    with respx.mock(assert_all_called=False):
        yield


async def test_of_asyncio():
    await asyncio.sleep(0)


def test_of_pytest_httpx(httpx_mock):
    httpx_mock.add_response(json={})
    assert httpx.get("http://one.invalid").json() == {}


def test_of_respx(respx_mock):
    respx_mock.get("http://two.invalid").respond(204)
    assert httpx.get("http://two.invalid").status_code == 204
"""


@pytest.fixture(scope="module")
def beside(installed: Path) -> Path:
    """The same environment with the plugins that other people's projects have."""
    run(installed / "python", "-m", "pip", "install", *QUICKLY, *PLUGINS, cwd=installed)
    return installed


def test_a_command_does_not_concern_itself_with_plugins_of_the_environment(
    beside: Path, tmp_path: Path
) -> None:
    done = run(beside / "gateway-harness", "verify", "--profile", "core", cwd=tmp_path)

    assert "pass: native, compat, model" in done.stdout
    assert done.stderr == ""


def test_the_suite_runs_beside_other_plugins(beside: Path, tmp_path: Path) -> None:
    where = "from harness.bundled import folder; print(folder('contracts'))"
    contracts = run(beside / "python", "-c", where, cwd=tmp_path).stdout.strip()
    arguments = ("--target", "mock", "--timeout", "2", "--cov", "harness", "-n", "2", "-k", "usage")

    done = run(beside / "python", "-m", "pytest", contracts, *arguments, cwd=tmp_path)

    assert "pass: native, compat" in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_contract_runs_beside_other_plugins_and_mocks_of_a_whole_session(
    workers: tuple[str, ...], beside: Path, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "test_mine.py").write_text(PROJECT)
    arguments = ("--gateway-target", "mock", "--timeout", "5", "--cov", ".", *workers)

    done = run(beside / "python", "-m", "pytest", *arguments, cwd=tmp_path)

    assert re.search(r"[4-9]\d\d passed", done.stdout)
    assert "failed" not in done.stdout
