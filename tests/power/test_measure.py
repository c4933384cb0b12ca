"""The measurement of the suite: what counts as killed, what the page says, and that it is true."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.contract.clause import Level
from harness.contract.options import RunOptions
from harness.contract.run import standin
from harness.contract.run.session import perform
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import ContractVerdict
from harness.contract.topics.catalogue import BY_ID, CLAUSES
from harness.defects.table import DEFECTS, UPSTREAM
from harness.defects.variants import VARIANTS
from tests.power import page
from tests.power.exempt import STANDS
from tests.power.score import (
    BUDGETS,
    Power,
    percent,
    score,
    trials,
)
from tests.power.trial import KILLERS, Trial, TrialOutcome, attempt, run

PAGE = Path(__file__).parents[2] / "contracts" / "POWER.md"
SAMPLE = ("missing-role", "usage-zero", "stop-ignored")


def outcome(defect: str | None, budget: int, **broken: int) -> TrialOutcome:
    named = {name.replace("_", "-"): count for name, count in broken.items()}
    verdict = "fail" if broken else "pass"
    return TrialOutcome(Trial(budget, defect=defect), named, budget, verdict)


def measured(*outcomes: TrialOutcome) -> Power:
    return score(outcomes, partial=True)


def test_only_a_listed_clause_kills() -> None:
    listed = next(iter(KILLERS["missing-role"])).replace("-", "_")

    killed, alive = (
        outcome("missing-role", 300, **{listed: 7}),
        outcome("missing-role", 300, other=2),
    )

    assert killed.killed_after == 7
    assert alive.killed_after is None


def test_a_survivor_misses_the_bar_by_name() -> None:
    power = measured(*(outcome("missing-role", budget) for budget in BUDGETS))

    misses = power.misses()
    assert len(misses) == len(BUDGETS)
    assert all("missing-role" in miss for miss in misses)


def test_an_alarm_misses_the_bar_by_variant_and_seed() -> None:
    alarmed = TrialOutcome(
        Trial(seed=3, variant=next(iter(VARIANTS))), {"role-first": 1}, 9, "fail"
    )

    (miss,) = measured(alarmed).misses()

    assert miss == f"alarm on {next(iter(VARIANTS))}, seed 3: role-first"


def test_a_legal_stand_in_without_a_verdict_is_an_alarm() -> None:
    (alarm,) = measured(TrialOutcome(Trial(), {}, 9, "unknown")).alarms

    assert str(alarm) == "the clean stand-in, seed 0: verdict unknown"


def test_a_share_is_never_rounded_up() -> None:
    assert percent(0.99999) == "99.9 %"


def test_the_plan_has_every_defect_and_every_variant() -> None:
    planned = trials(seeds=2)

    assert {t.defect for t in planned} - {None} == set(DEFECTS)
    legal = [(t.variant, t.seed) for t in planned if t.defect is None]
    assert sorted(legal, key=str) == sorted(
        ((name, seed) for name in (None, *VARIANTS) for seed in (0, 1)), key=str
    )


def test_a_crash_of_the_suite_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "mock", None)

    assert attempt(Trial()).verdict.startswith("crash: TypeError")


def test_a_budget_counts_what_arrives_at_the_stand_in() -> None:
    assert run(Trial(40)).arrived == 40


@pytest.mark.parametrize("defect", ["missing-role", "empty-200"])
def test_a_trial_breaks_what_a_run_breaks(defect: str) -> None:
    pairs = [(clause.id, route) for clause in CLAUSES for route in clause.routes]
    verdict: ContractVerdict = perform(
        TARGET,
        RunOptions(defect=defect, strict=True, max_requests=100),
        pairs=pairs,
    ).verdict

    broken = run(Trial(100, defect=defect)).broken
    told = {
        reason.partition(" broken on ")[0] for reason in verdict.reasons if " broken on " in reason
    }
    assert told == broken.keys()


def test_only_clauses_that_exist_say_why_they_stand() -> None:
    assert STANDS.keys() <= BY_ID.keys()


@pytest.mark.parametrize("name", SAMPLE)
def test_the_page_says_what_a_run_finds(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")

    (killing,) = measured(*map(run, trials(seeds=0, names=[name]))).killings
    assert page.line(page.row(killing)) in text.splitlines()


def test_the_page_names_every_defect_variant_and_must_clause() -> None:
    text = PAGE.read_text(encoding="utf-8")

    names = [*DEFECTS, *UPSTREAM, *VARIANTS]
    names += [clause.id for clause in CLAUSES if clause.level is Level.MUST]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_page_says_that_the_bar_is_met() -> None:
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    curve = [row.split(" | ") for row in rows if row.split(" | ")[0].removeprefix("| ").isdigit()]

    assert [row[0].removeprefix("| ") for row in curve] == [str(budget) for budget in BUDGETS]
    assert all(float(row[3].split()[0]) >= float(row[4].rstrip("%")) for row in curve)


def test_the_command_measures_one_defect() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.power", "missing-role", "--workers", "1"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "the bar is met" in done.stdout
