"""Every fixed case has its place in a run with the default budget, on each route it is for."""

import pytest

from harness.contract.requests.cases import Cases
from tests.contract.answers import MODEL
from tests.contract.runs import explore


@pytest.mark.parametrize("seed", [0, 7])
def test_every_fixed_case_is_sent_by_a_default_run(seed: int) -> None:
    run = explore(seed=seed)
    sent = {(seen.case.route, seen.case.topic) for seen in run.sender.seen}
    if run.limited is not None:
        sent |= {(seen.case.route, seen.case.topic) for seen in run.limited.seen}

    supply = Cases(MODEL, seed)
    wanted = {
        (route, case.topic)
        for route in ("native", "compat", "model")
        for case in (supply.first(route), *supply.required(route))
    }

    assert wanted - sent == set()
    assert ("native", "cut JSON") in wanted
