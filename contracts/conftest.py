"""The contract as one test per clause and route: options, and the one run that all tests look at.

    pytest contracts --target mock|local|live|NAME|URL [--profile core] [--strict] ...

The requests are sent once, before the first test, and feed every clause; each test then shows the
result of one clause on one route. The exit code is that of the verdict: 0 pass, 1 fail, 3 unknown.
"""

from collections.abc import Callable

import pytest

from harness.contract.clause import Clause, Level, Result
from harness.contract.options import COMMON, OPTIONS
from harness.contract.run.collector import collect_seldom
from harness.contract.run.session import RunOutcome, chosen
from harness.contract.topics.catalogue import TOPICS
from harness.errors import ContractError, UsageError
from harness.load.plan import Caps
from harness.report import step_summary
from harness.settings import load_settings, resolve_target
from harness.verification import PytestRun, options_for, verify

ASKED = pytest.StashKey[PytestRun]()
Judge = Callable[[Clause, str], None]
UNJUDGED = (Result.NOT_APPLICABLE, Result.NOT_EXERCISED, Result.WAIVED)
PYTESTS_OWN = "strict"
"""An option of pytest's, which also makes SHOULD binding."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this suite, all but `--strict`, which is pytest's own."""
    group = parser.getgroup("contract", "gateway contract")
    group.addoption("--target", default="mock", help="mock, local, live, a name, or an origin")
    for option in (*OPTIONS, *COMMON):
        if option.name != PYTESTS_OWN:
            group.addoption(
                f"--{option.name}",
                default=None,
                help=option.help,
                action="append" if option.many else "store",
                type=option.kind,
                choices=option.choices or None,
            )


def pytest_configure(config: pytest.Config) -> None:
    """One process sends everything, also with `-n`: workers would each send a run of their own."""
    collect_seldom()
    if getattr(config.option, "dist", "no") != "no":
        config.option.dist, config.option.tx, config.option.numprocesses = "no", [], 0
    handed = [each for each in config.pluginmanager.get_plugins() if isinstance(each, PytestRun)]
    config.stash[ASKED] = handed[0] if handed else _asked(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per clause and route, named by the topic too."""
    if "clause" not in metafunc.fixturenames:
        return
    wanted = {clause.id for clause in chosen(metafunc.config.stash[ASKED].options.profile)}
    found = [(t, c, r) for t, cs in TOPICS.items() for c in cs if c.id in wanted for r in c.routes]
    ids = [f"{topic}:{clause.id}-{route}" for topic, clause, route in found]
    pairs = [(clause, route) for _, clause, route in found]
    metafunc.parametrize(("clause", "route"), pairs, ids=ids)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Send and judge before the first test, whose time and whose fixtures it is none of.

    No request is sent for clauses that were not selected.
    """
    asked = session.config.stash[ASKED]
    pairs: list[tuple[str, str]] = []
    for item in session.items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) else {}
        clause = parameters.get("clause")
        if isinstance(clause, Clause):
            pairs.append((clause.id, str(parameters["route"])))
    if not pairs or session.config.option.collectonly or session.testsfailed:
        return
    try:
        asked.outcome = verify(asked.target, asked.options, pairs=pairs)
    except UsageError as exc:
        raise pytest.UsageError(str(exc)) from exc


@pytest.fixture(scope="session")
def judge(pytestconfig: pytest.Config) -> Judge:
    """Fails, skips or passes as the result of a clause on a route says."""
    asked = pytestconfig.stash[ASKED]
    strict = asked.options.strict

    def check(clause: Clause, route: str) -> None:
        outcome = asked.outcome
        assert outcome is not None, "the run of the contract failed"
        found = outcome.of(clause.id, route)
        if found.result in UNJUDGED:
            pytest.skip(f"{found.result}: {found.evidence}")
        if found.result == Result.ERROR:
            pytest.fail(f"{found.result}: {found.evidence}", pytrace=False)
        if found.result == Result.FAIL and (strict or clause.level is Level.MUST):
            raise ContractError(outcome.explained[clause.id, route])

    return check


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The exit code is that of the verdict."""
    outcome = _outcome(session.config)
    if outcome is not None and session.exitstatus in (0, 1):
        session.exitstatus = outcome.verdict.exit_code


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The verdict in a line, and why."""
    outcome = _outcome(config)
    if outcome is None:
        return
    redact = config.stash[ASKED].target.secrets.redact
    said = "" if config.stash[ASKED].handed else step_summary.append(outcome.markdown)
    terminalreporter.section("contract")
    for line in (
        outcome.verdict.line,
        *outcome.verdict.reasons,
        *outcome.unwritten,
        *filter(None, [said]),
    ):
        terminalreporter.write_line(redact(line))


def _outcome(config: pytest.Config) -> RunOutcome | None:
    asked = config.stash.get(ASKED, None)
    return None if asked is None else asked.outcome


def _asked(config: pytest.Config) -> PytestRun:
    """The target and the options of the command line; what cannot be asked is said at once."""
    given = {each.key: config.getoption(f"--{each.name}") for each in (*OPTIONS, *COMMON)}
    given = {name: value for name, value in given.items() if value is not None}
    given["strict"] = bool(config.getini("strict"))
    caps = Caps(*(given.pop(key, None) for key in ("max_requests", "max_total_tokens", "max_cost")))
    try:
        target = resolve_target(config.getoption("--target"), load_settings())
        return PytestRun(target, options_for(target, caps=caps, **given), handed=False)
    except UsageError as exc:
        raise pytest.UsageError(str(exc)) from exc
