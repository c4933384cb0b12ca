"""Fixtures and `--gateway-*` options for other people's suites, where this package is installed.

It must stay as light as pytest itself: what it imports, every test run of such a project imports.
All else is imported when a fixture or an option is used.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.contract.clause import Clause
    from harness.gateway.config import Config
    from harness.gateway.respx import Mocked
    from harness.gateway.server import LocalGateway

NAME = "gateway-contract"
Row = dict[str, Any]


@pytest.fixture
def gateway_config() -> "Config":
    """How the stand-in is configured; override it for a cache, a rate limit or a token."""
    from harness.gateway.config import Config

    return Config()


@pytest.fixture
def gateway_defect() -> str | None:
    """The defect that the stand-in has; override it to see what your client does about one."""
    return None


@pytest.fixture
def gateway(gateway_config: "Config", gateway_defect: str | None) -> Iterator["LocalGateway"]:
    """A stand-in gateway on a loopback socket, at `gateway.url`; a new one for each test."""
    from harness.gateway.model import Gateway
    from harness.gateway.server import LocalGateway

    with LocalGateway(Gateway(gateway_config, defect=gateway_defect)) as running:
        yield running


@pytest.fixture
def gateway_mock(gateway_config: "Config", gateway_defect: str | None) -> Iterator["Mocked"]:
    """A stand-in gateway behind respx, where httpx finds it at Cloudflare's own address.

    Time is virtual: a stream of a minute takes no time, and `gateway_mock.clock` can be advanced.
    """
    from harness.gateway.model import Gateway
    from harness.gateway.respx import mocked

    with mocked(Gateway(gateway_config, defect=gateway_defect)) as running:
        yield running


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that all begin with `--gateway-`; none is a short one."""
    group = parser.getgroup("gateway-harness", "contract of an AI gateway")
    group.addoption(
        "--gateway-target",
        metavar="TARGET",
        help="also run the contract against this gateway: live, local, mock, a name, or a URL",
    )
    group.addoption("--gateway-profile", choices=("core", "extended", "all"), default="core")
    group.addoption("--gateway-strict", action="store_true", help="a broken SHOULD fails as well")
    group.addoption("--gateway-max-requests", type=int, default=None, metavar="N")
    group.addoption("--gateway-waivers", type=Path, default=None, metavar="FILE")
    group.addoption("--gateway-out", type=Path, default=None, metavar="DIR", help="for the report")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each clause and route when a target is given."""
    if config.getoption("--gateway-target") is not None:
        _check(config)
        contract = Contract.from_parent(session, name=NAME, nodeid=NAME)
        items.extend(contract.collect())


class Contract(pytest.Collector):
    """The bundled contract as a part of somebody's session: one run feeds all of its items."""

    def collect(self) -> "Iterable[ClauseItem | VerdictItem]":
        """An item for each clause on each of its routes, and one for the verdict."""
        from harness.contract.clauses.catalogue import CLAUSES

        profile = self.config.getoption("--gateway-profile")
        for clause in CLAUSES:
            for route in clause.routes if profile in ("all", clause.profile) else ():
                name = f"{clause.id}[{route}]"
                yield ClauseItem.from_parent(self, name=name, clause=clause, route=route)
        yield VerdictItem.from_parent(self, name="verdict")


class _Judged(pytest.Item):
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> str:
        """What was found, without a traceback through the harness."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it belongs: to no file."""
        return self.path, None, f"{NAME}::{self.name}"


class ClauseItem(_Judged):
    """One clause on one route."""

    def __init__(self, *, clause: "Clause", route: str, **options: Any) -> None:
        super().__init__(**options)
        self.clause = clause
        self.route = route

    def runtest(self) -> None:
        """Fail, skip or pass as the run found."""
        from harness.errors import ContractError

        folder, document = _outcome(self.config)
        rows: list[Row] = document["clauses"]
        mine = [r for r in rows if (r["id"], r["route"]) == (self.clause.id, self.route)]
        row = mine[0]
        if row["result"] in ("not_applicable", "not_exercised", "waived"):
            pytest.skip(f"{row['result']}: {row['evidence']}")
        binding = row["level"] == "MUST" or self.config.getoption("--gateway-strict")
        if row["result"] == "fail" and binding:
            raise ContractError((folder / row["capsule"] / "README.txt").read_text("utf-8"))


class VerdictItem(_Judged):
    """The verdict: an unknown one is never green, though no clause failed."""

    def runtest(self) -> None:
        """Fail unless the verdict is pass."""
        from harness.errors import ContractError

        folder, document = _outcome(self.config)
        if document["exit_code"] != 0:
            lines = [document["line"], *document["reasons"], f"report: {folder}"]
            raise ContractError("\n  ".join(lines))


def _check(config: pytest.Config) -> None:
    """Say at once what is wrong with the target."""
    from harness.errors import UsageError
    from harness.settings import load_settings, resolve_target

    try:
        resolve_target(config.getoption("--gateway-target"), load_settings())
    except UsageError as exc:
        raise pytest.UsageError(str(exc).replace("--target", "--gateway-target")) from exc


def _outcome(config: pytest.Config) -> tuple[Path, dict[str, Any]]:
    """The folder and the document of this session's run, which the first item starts.

    Under pytest-xdist the first worker runs it and the others wait for it.
    """
    import fcntl
    import json

    folder = _folder(config)
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()} {id(config)}"
    done, found = folder / "session", folder / "conformance.json"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != session:
            found.unlink(missing_ok=True)
            done.write_text(session)  # before the run: one that fails is not tried again
            _run(config, folder)
    if not found.exists():
        pytest.skip("the run of the contract failed")
    document: dict[str, Any] = json.loads(found.read_text("utf-8"))
    return folder, document


def _folder(config: pytest.Config) -> Path:
    given: Path | None = config.getoption("--gateway-out")
    return (given or config.rootpath / ".gateway-harness" / "contract").resolve()


def _run(config: pytest.Config, folder: Path) -> None:
    import shutil

    from harness.bundled import folder as bundled
    from harness.contract.run import run_contract

    shutil.rmtree(folder / "failures", ignore_errors=True)
    run_contract(
        config.getoption("--gateway-target"),
        suite=bundled("contracts"),
        folder=folder,
        profile=config.getoption("--gateway-profile"),
        strict=config.getoption("--gateway-strict"),
        max_requests=config.getoption("--gateway-max-requests"),
        waivers=config.getoption("--gateway-waivers"),
    )
