"""Fixtures and `--gateway-*` options for other people's suites, where this package is installed.

It must stay as light as pytest itself: what it imports, every test run of such a project imports.
All else is imported when a fixture or an option is used.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.contract.options import named

if TYPE_CHECKING:
    from harness.contract.clause import Clause
    from harness.gateway.config import Config
    from harness.gateway.respx import Mocked
    from harness.gateway.server import LocalGateway
    from harness.verification import PytestRun

NAME = "gateway-contract"
OPTIONS = named("profile", "strict", "max-requests", "waivers", "out")
UNJUDGED = ("not_applicable", "not_exercised", "waived")


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
    from harness.defects.make import make_gateway
    from harness.gateway.server import LocalGateway

    with LocalGateway(make_gateway(gateway_config, defect=gateway_defect)) as running:
        yield running


@pytest.fixture
def gateway_mock(gateway_config: "Config", gateway_defect: str | None) -> Iterator["Mocked"]:
    """A stand-in gateway behind respx, where httpx finds it at Cloudflare's own address.

    Time is virtual: a stream of a minute takes no time, and `gateway_mock.clock` can be advanced.
    """
    from harness.defects.make import make_gateway
    from harness.gateway.respx import mocked

    with mocked(make_gateway(gateway_config, defect=gateway_defect)) as running:
        yield running


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that all begin with `--gateway-`; none is a short one."""
    group = parser.getgroup("gateway-harness", "contract of an AI gateway")
    group.addoption(
        "--gateway-target",
        metavar="TARGET",
        help="also run the contract against this gateway: live, local, mock, a name, or a URL",
    )
    for option in OPTIONS:
        value: dict[str, Any] = {"default": None, "help": option.help}
        if option.kind is bool:
            value["action"] = "store_true"
        elif option.choices:
            value["choices"] = option.choices
        else:
            action = "append" if option.many else "store"
            value |= {"type": option.kind, "metavar": option.metavar, "action": action}
        group.addoption(f"--gateway-{option.name}", **value)


@dataclass(frozen=True, slots=True)
class Found:
    """What one run of the contract found, for all items of a session and all of its workers."""

    folder: Path
    document: dict[str, Any]

    @property
    def green(self) -> bool:
        """Whether the verdict is pass."""
        return bool(self.document["exit_code"] == 0)

    def row(self, clause: str, route: str) -> dict[str, Any]:
        """What was found about a clause on a route."""
        rows: list[dict[str, Any]] = self.document["clauses"]
        return next(row for row in rows if (row["id"], row["route"]) == (clause, route))


ASKED = pytest.StashKey["PytestRun"]()
FOUND = pytest.StashKey["Found | str"]()
"""The run of this session, or why there is none."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each clause and route when a target is given."""
    if config.getoption("--gateway-target") is not None:
        config.stash[ASKED] = _asked(config)
        contract = Contract.from_parent(session, name=NAME, nodeid=NAME)
        items.extend(contract.collect())


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Send and judge before the first test, whose fixtures and whose timeout it is none of."""
    config = session.config
    if config.option.collectonly or session.testsfailed:
        return
    if any(isinstance(item, _Judged) for item in session.items):
        config.stash[FOUND] = _found(config)


class Contract(pytest.Collector):
    """The bundled contract as a part of somebody's session: one run feeds all of its items."""

    def collect(self) -> "Iterable[ClauseItem | VerdictItem]":
        """An item for each clause on each of its routes, and one for the verdict."""
        from harness.contract.run.session import pairs_of
        from harness.contract.topics.catalogue import BY_ID

        for clause, route in pairs_of(self.config.stash[ASKED].options.profile):
            name = f"{clause}[{route}]"
            yield ClauseItem.from_parent(self, name=name, clause=BY_ID[clause], route=route)
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

        found = self.config.stash[FOUND]
        if isinstance(found, str):
            pytest.skip("the run of the contract failed")
        row = found.row(self.clause.id, self.route)
        if row["result"] in UNJUDGED:
            pytest.skip(f"{row['result']}: {row['evidence']}")
        if row["result"] == "error":
            pytest.fail(row["evidence"], pytrace=False)
        binding = row["level"] == "MUST" or self.config.getoption("--gateway-strict")
        if row["result"] == "fail" and binding:
            told = found.folder / row["capsule"] / "README.txt"
            raise ContractError(told.read_text("utf-8") if told.exists() else row["evidence"])


class VerdictItem(_Judged):
    """The verdict: an unknown one is never green, though no clause failed."""

    def runtest(self) -> None:
        """Fail unless the verdict is pass."""
        from harness.errors import ContractError

        found = self.config.stash[FOUND]
        if isinstance(found, str):
            raise ContractError(found)
        if not found.green:
            document = found.document
            lines = [document["line"], *document["reasons"], f"report: {found.folder}"]
            raise ContractError("\n  ".join(lines))


def _asked(config: pytest.Config) -> "PytestRun":
    """The run that is asked for; what cannot be asked is said at once."""
    from harness.errors import UsageError
    from harness.load.plan import Caps
    from harness.settings import load_settings, resolve_target
    from harness.verification import PytestRun, options_for

    given = {each.key: config.getoption(f"--gateway-{each.name}") for each in OPTIONS}
    caps = Caps(given.pop("max_requests"))
    folder = given["out"] or config.rootpath / ".gateway-harness" / "contract"
    given |= {"out": folder.resolve(), "profile": given["profile"] or "core"}
    try:
        target = resolve_target(config.getoption("--gateway-target"), load_settings())
        return PytestRun(target, options_for(target, caps=caps, **given), handed=False)
    except UsageError as exc:
        raise pytest.UsageError(str(exc).replace("--target", "--gateway-target")) from exc


def _found(config: pytest.Config) -> Found | str:
    """What this session's run found, or why it failed.

    Under pytest-xdist the first worker runs it and the others wait for it.
    """
    import fcntl
    import json

    folder = config.stash[ASKED].options.out
    assert folder is not None  # noqa: S101 - it has a default
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()} {id(config)}"
    done, written = folder / "session", folder / "conformance.json"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != session:
            written.unlink(missing_ok=True)
            done.write_text(session)  # before the run: one that fails is not tried again
            return _run(config, folder)
    if not written.exists():
        return "the run of the contract failed in another worker"
    return Found(folder, json.loads(written.read_text("utf-8")))


def _run(config: pytest.Config, folder: Path) -> Found | str:
    import shutil

    from harness.errors import HarnessError
    from harness.report import step_summary
    from harness.verification import verify

    shutil.rmtree(folder / "failures", ignore_errors=True)
    asked = config.stash[ASKED]
    try:
        outcome = verify(asked.target, asked.options)
    except HarnessError as exc:
        return f"the contract was not judged: {asked.target.secrets.redact(str(exc))}"
    step_summary.append(outcome.markdown)
    if outcome.interrupted:
        raise KeyboardInterrupt
    return Found(folder, outcome.document)
