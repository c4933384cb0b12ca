"""What fails only beside other requests is a finding, and what fails alone too an outage."""

import json
import time
from dataclasses import replace

import pytest

from harness.contract.clause import Result
from harness.contract.run.results import Results
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import conclude
from harness.defects.answers import anything, body, label, on, status
from harness.defects.http import BAD_GATEWAY
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.served import Edit, Served
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing
from harness.wire import Response
from tests.contract.runs import judged

SOME = frozenset(
    {"company-answered", "together-answered", "route-answers", "plain-fields", "stream-done"}
)
_PAGE = on(anything, *BAD_GATEWAY)
TIMING = Timing(ttft_ns=50_000_000, itl_ns=1_000_000, tokens=10)


def from_the(number: int, failing: Edit) -> Edit:
    """Of requests in flight this one and each further one is answered otherwise."""

    def edit(served: Served) -> Response:
        now_ns = served.arrival.at_ns
        ends = [end_ns for end_ns in served.memory.get("ends", ()) if end_ns > now_ns]
        served.memory["ends"] = [*ends, now_ns + served.response.end_at_ns]
        good = len(ends) < number - 1 or served.response.status != 200
        return served.response if good else failing(served)

    return edit


def busy(code: int) -> Edit:
    told = json.dumps({"error": {"message": "too many requests at once", "code": code}})
    return on(anything, label("application/json"), body(told.encode()), status(code))


def after(number: int) -> Edit:
    """From a request on, each is answered by the edge's page."""

    def edit(served: Served) -> Response:
        dead = served.arrival.serial > number
        return _PAGE(served) if dead else served.response

    return edit


def run(edit: Edit, *, requests: int = 150) -> Results:
    token = TARGET.credentials.gateway_token
    config = Config(gateway_token=token, epoch_ns=time.time_ns(), timing=TIMING)
    with LocalGateway(Gateway(config, edit=edit)) as gateway:
        address = replace(TARGET.address, origin=gateway.url)
        return judged(replace(TARGET, address=address), clauses=SOME, requests=requests)


def accused(ledger: Results) -> set[str]:
    return {e.clause.id for e in ledger.entries.values() if e.result is Result.FAIL}


@pytest.mark.parametrize("number", [2, 4])
def test_what_fails_in_company_and_not_alone_is_a_finding(number: int) -> None:
    ledger = run(from_the(number, _PAGE))

    assert "company-answered" in accused(ledger) <= {"company-answered", "together-answered"}
    assert conclude(ledger).verdict == "fail"
    assert ledger.entries["plain-fields", "native"].result is Result.PASS  # one by one from then on


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_server_that_says_that_it_has_too_much_to_do_is_not_accused(status: int) -> None:
    assert "company-answered" not in accused(run(from_the(4, busy(status))))


def test_an_outage_is_no_failure_in_company() -> None:
    ledger = run(after(30))

    assert accused(ledger) == set()
    assert conclude(ledger).verdict == "unknown"
