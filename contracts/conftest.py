"""The short options of the contract suite, and the one run that all its tests look at.

    pytest contracts --target mock|local|live|NAME|URL [--profile core] [--strict] ...

The requests are sent once, before the first test, and feed every clause; each test then shows the
result of one clause on one route. The exit code is that of the verdict: 0 pass, 1 fail, 3 unknown.
"""

import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.subject import subject_of, with_token
from harness.contract.clause import Clause, Level
from harness.contract.documents import explain
from harness.contract.garbage import collect_seldom
from harness.contract.ledger import Result
from harness.contract.session import DEFAULT_REQUESTS, Options, Outcome, chosen, perform
from harness.errors import ContractError, UsageError
from harness.gateway.defects import DEFECTS
from harness.load.budget import price_per_token
from harness.settings import Kind, Target, load_settings, resolve_target
from harness.wire import Headers

OUTCOME = pytest.StashKey[Outcome]()
SEED = pytest.StashKey[int]()
PAIRS = pytest.StashKey[list[tuple[str, str]]]()
Judge = Callable[[Clause, str], None]
ROUTES = ("native", "compat", "model")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this suite; `--strict` is pytest's own and also makes SHOULD binding."""
    group = parser.getgroup("contract", "gateway contract")
    group.addoption("--target", default="mock", help="mock, local, live, a name, or an origin")
    group.addoption("--profile", choices=("core", "extended", "all"), default=None)
    group.addoption("--mode", choices=("pr", "nightly", "live"), default=None)
    group.addoption("--require", default="", help="settings that must be declared: model,cache")
    group.addoption("--waivers", type=Path, default=None)
    group.addoption("--junit", type=Path, default=None)
    group.addoption("--record", type=Path, default=None)
    group.addoption("--against", type=Path, default=None)
    group.addoption("--examples", type=Path, default=None, help="what failed, for --mode nightly")
    group.addoption("--defect", default=None, help="a defect of the stand-in (mock, local)")
    group.addoption("--max-requests", type=int, default=DEFAULT_REQUESTS)
    group.addoption("--max-total-tokens", type=int, default=None)
    group.addoption("--max-cost", type=float, default=None)
    group.addoption("--seed", type=int, default=0)
    group.addoption("--out", type=Path, default=None, help="where the files of the run go")


def pytest_configure(config: pytest.Config) -> None:
    """One process sends everything, also with `-n`: workers would each send a run of their own."""
    collect_seldom()
    if getattr(config.option, "dist", "no") != "no":
        config.option.dist, config.option.tx, config.option.numprocesses = "no", [], 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per clause of the module's topic and route of the clause."""
    if "clause" not in metafunc.fixturenames:
        return
    wanted = {clause.id for clause in chosen(_profile(metafunc.config))}
    clauses: tuple[Clause, ...] = metafunc.module.CLAUSES
    pairs = [(c, route) for c in clauses if c.id in wanted for route in c.routes]
    ids = [f"{clause.id}-{route}" for clause, route in pairs]
    metafunc.parametrize(("clause", "route"), pairs, ids=ids)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember which clauses were selected: no request is sent for the others.

    What cannot be asked is said here once, not by every test.
    """
    _options(session.config, _target(session.config))
    pairs: list[tuple[str, str]] = []
    for item in session.items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) else {}
        clause = parameters.get("clause")
        if isinstance(clause, Clause):
            pairs.append((clause.id, str(parameters["route"])))
    session.config.stash[PAIRS] = pairs


@pytest.fixture(scope="session")
def outcome(pytestconfig: pytest.Config) -> Outcome:
    """The run: everything is sent and judged here."""
    target = _target(pytestconfig)
    pairs: list[tuple[str, str]] = pytestconfig.stash[PAIRS]
    options = _options(pytestconfig, target)
    found = perform(subject_of(target), options, pairs=pairs, redact=target.secrets.redact)
    pytestconfig.stash[OUTCOME] = found
    return found


@pytest.fixture(scope="session")
def judge(outcome: Outcome, pytestconfig: pytest.Config) -> Judge:
    """Fails, skips or passes as the result of a clause on a route says."""
    redact = _target(pytestconfig).secrets.redact
    strict = _strict(pytestconfig)

    def check(clause: Clause, route: str) -> None:
        entry = outcome.ledger.entries[clause.id, route]
        if entry.result in (Result.NOT_APPLICABLE, Result.NOT_EXERCISED, Result.WAIVED):
            pytest.skip(redact(f"{entry.result}: {entry.why}"))
        if entry.result is Result.FAIL and (strict or clause.level is Level.MUST):
            raise ContractError(explain(entry, redact))

    return check


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The exit code is that of the verdict."""
    found = session.config.stash.get(OUTCOME, None)
    if found is not None and session.exitstatus in (0, 1):
        session.exitstatus = found.verdict.exit_code


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The verdict in a line, and why."""
    found = config.stash.get(OUTCOME, None)
    if found is None:
        return
    redact = _target(config).secrets.redact
    terminalreporter.section("contract")
    terminalreporter.write_line(redact(found.verdict.line))
    for reason in found.verdict.reasons:
        terminalreporter.write_line(f"  {redact(reason)}")


def _target(config: pytest.Config) -> Target:
    extra = json.loads(os.environ.get("GATEWAY_HARNESS_HEADERS", "[]"))
    headers = Headers((str(name), str(value)) for name, value in extra)
    try:
        target = resolve_target(config.getoption("--target"), load_settings(), headers=headers)
    except UsageError as exc:
        raise pytest.UsageError(str(exc)) from exc
    return with_token(target)


def _options(config: pytest.Config, target: Target) -> Options:
    defect = config.getoption("--defect")
    if defect is not None and not target.embedded:
        raise pytest.UsageError("--defect needs --target mock or local")
    try:
        if defect is not None:
            DEFECTS.named(defect)
    except UsageError as exc:
        raise pytest.UsageError(f"--defect {defect}: {exc}") from exc
    return Options(
        kind=target.kind.value,
        paid=not target.loopback,
        profile=_profile(config),
        mode=config.getoption("--mode") or ("pr" if target.loopback else "live"),
        strict=_strict(config),
        required=tuple(name for name in config.getoption("--require").split(",") if name),
        max_requests=config.getoption("--max-requests"),
        max_tokens=config.getoption("--max-total-tokens"),
        max_cost=config.getoption("--max-cost"),
        dollars_per_token=_price(config, target),
        seed=_seed(config),
        defect=defect,
        waivers=config.getoption("--waivers"),
        out=config.getoption("--out"),
        junit=config.getoption("--junit"),
        record=config.getoption("--record"),
        against=config.getoption("--against"),
        summary=_path(os.environ.get("GITHUB_STEP_SUMMARY")),
        examples=_examples(config, target),
        patience=_patience(),
    )


def _seed(config: pytest.Config) -> int:
    """The seed as given; a nightly run draws one, which its files name."""
    given: int = config.getoption("--seed")
    if given or config.getoption("--mode") != "nightly":
        return given
    return config.stash.setdefault(SEED, 1 + secrets.randbelow(1_000_000))


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _examples(config: pytest.Config, target: Target) -> Path | None:
    """Where a nightly run keeps what failed on this target, for the next one to send first."""
    if config.getoption("--mode") != "nightly":
        return None
    given = config.getoption("--examples")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", target.name).strip("-")
    return Path(given or ".gateway-harness/examples") / f"{name}.jsonl"


def _patience() -> float:
    """What `GATEWAY_HARNESS_PATIENCE` scales every limit of time by; 1 unless it is set."""
    text = os.environ.get("GATEWAY_HARNESS_PATIENCE", "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1000:
        raise pytest.UsageError(f"GATEWAY_HARNESS_PATIENCE={text}: expected a factor such as 0.5")
    return factor


def _price(config: pytest.Config, target: Target) -> float:
    """Dollars per token, an upper bound; needed where dollars are capped."""
    price = price_per_token(target.model)
    if price is None and config.getoption("--max-cost") is not None:
        raise pytest.UsageError(f"--max-cost: the price of {target.model} is not known")
    return max(price) if price else 0.0


def _profile(config: pytest.Config) -> str:
    """`core` on a live target unless said otherwise, `all` elsewhere."""
    given = config.getoption("--profile")
    if given is not None:
        return str(given)
    return "core" if config.getoption("--target") == Kind.LIVE else "all"


def _strict(config: pytest.Config) -> bool:
    return bool(config.getini("strict"))
