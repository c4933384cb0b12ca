"""The plan travels by file, secrets do not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.load.arrivals import Arrivals
from harness.load.plan import Caps, Identity, LoadPlan, read_identity, read_plan, write_plan
from harness.routes.address import Address, Credentials
from harness.transports.exchange import Timeouts

PLAN = LoadPlan(
    run_id="r",
    folder="/somewhere",
    address=Address("https://h", "a", "g", custom_domain=True),
    model="m",
    model_id="i",
    routes=("native", "model"),
    rate=2.5,
    arrivals=Arrivals.GAMMA,
    thresholds=("error_rate < 1%",),
    caps=Caps(requests=3, cost=0.5),
    timeouts=Timeouts(total=None),
)


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan.json")

    assert read_plan(tmp_path / "plan.json") == PLAN


def test_a_plan_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({**PLAN.to_dict(), "schema_version": 99}))

    with pytest.raises(UsageError, match="schema version"):
        read_plan(file)


def test_an_identity_comes_back_and_does_not_show_itself() -> None:
    identity = Identity(Credentials("provider-secret", "token-secret", "alias"), (("x", "hidden"),))

    assert read_identity(identity.to_text()) == identity
    assert "secret" not in repr(identity)
    assert "hidden" not in repr(identity)


def test_a_relative_folder_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert PLAN.in_folder(Path("out")).folder == str(tmp_path / "out")


def test_a_manifest_gets_neither_folder_nor_address() -> None:
    described = PLAN.describe()

    assert "/somewhere" not in json.dumps(described)
    assert described["thresholds"] == ("error_rate < 1%",)


def test_a_rate_makes_the_loop_open() -> None:
    assert PLAN.open_loop
    assert not replace(PLAN, rate=None).open_loop


def test_an_open_loop_holds_ten_seconds_of_its_rate_unless_it_is_told() -> None:
    plan = replace(PLAN, rate=250.5)

    assert plan.bound == 2505
    assert replace(plan, rate=1.0).bound == 100
    assert replace(plan, in_flight=7).bound == 7


def test_users_are_shared_out_exactly() -> None:
    plan = replace(PLAN, rate=None, users=7, workers=3)

    assert [plan.users_of(index) for index in range(3)] == [3, 2, 2]
    assert [replace(plan, rate=5.0).users_of(index) for index in range(3)] == [1, 1, 1]
