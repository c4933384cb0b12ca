"""Caching that a request asks for, judged undeclared on a gateway that caches nothing."""

from dataclasses import replace

import pytest

from harness.contract.clause import Result
from harness.contract.run.standin import TARGET
from harness.gateway import rules as documented
from harness.gateway.call import Call
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.rules import Rules
from harness.gateway.server import LocalGateway
from tests.contract.runs import judged

ASKED = frozenset({"cache-asked-ttl", "cache-asked-key"})


def _only_where_it_is_on(call: Call) -> int:
    return 0 if call.config.cache_ttl is None else documented.cache_ttl(call)


def results(rules: Rules, *, cache_ttl: int | None = None) -> dict[str, Result]:
    config = Config(gateway_token=TARGET.credentials.gateway_token, cache_ttl=cache_ttl)
    with LocalGateway(Gateway(config, rules=rules)) as gateway:
        address = replace(TARGET.address, origin=gateway.url)
        ledger = judged(replace(TARGET, address=address), routes=("native",), clauses=ASKED)
    return {name: ledger.entries[name, "native"].result for name in sorted(ASKED)}


@pytest.mark.parametrize("cache_ttl", [None, 0, 60])
def test_a_gateway_that_stores_what_it_is_asked_to_store_passes(cache_ttl: int | None) -> None:
    found = results(Rules(), cache_ttl=cache_ttl)

    assert set(found.values()) == {Result.PASS}


def test_a_gateway_that_stores_only_where_it_caches_by_itself_is_accused() -> None:
    off = Rules(cache_ttl=_only_where_it_is_on, reads_cache=lambda c: _only_where_it_is_on(c) > 0)

    found = results(off)

    assert set(found.values()) == {Result.FAIL}
