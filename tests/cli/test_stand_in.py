import os

import pytest

from harness.cli.stand_in import SlotLimits, configure, limited, running
from harness.gateway.rng import Rng
from harness.settings import Target, load_settings, resolve_target


def target(text: str = "local", **environment: str) -> Target:
    return resolve_target(text, load_settings(environment=environment), environment=environment)


def test_local_runs_and_answers_for_the_length_of_the_block() -> None:
    with running(target()) as reached, reached.client() as client:
        assert client.chat("Hi", max_tokens=1).status == 200

    assert reached.address.origin.startswith("http://127.0.0.1:")


def test_other_targets_pass_through() -> None:
    url = target("http://127.0.0.1:9")

    with running(url) as reached:
        assert reached is url


@pytest.mark.parametrize(
    ("name", "address"),
    [("HTTP_PROXY", "http://127.0.0.1:1"), ("ALL_PROXY", "socks5://127.0.0.1:1")],
)
def test_a_proxy_does_not_stand_before_our_own_stand_in(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    monkeypatch.setenv("NO_PROXY", "intern.example")

    with running(target()) as reached, reached.client() as client:
        assert client.chat("Hi", max_tokens=1).status == 200

    assert os.environ["NO_PROXY"] == "intern.example"
    assert "no_proxy" not in os.environ


def test_the_stand_in_is_what_the_settings_declare() -> None:
    config = configure(
        target(
            CLOUDFLARE_ACCOUNT_ID="a1",
            BASETEN_API_KEY="k1",
            GATEWAY_EXPECT_AUTH="1",
            GATEWAY_EXPECT_CACHE_TTL="60",
            GATEWAY_EXPECT_RATE_LIMIT="5/10",
        ),
        seed=3,
    )

    assert (config.account_id, config.gateway_id) == ("a1", "gw")
    assert (config.provider_key, config.gateway_token) == ("k1", "gateway-token")
    assert (config.cache_ttl, config.seed) == (60, 3)
    assert config.rate_limit is not None
    assert (config.rate_limit.limit, config.rate_limit.seconds) == (5, 10)


def test_a_limited_one_carries_its_slots_over_its_service_time() -> None:
    config = limited(configure(target(), seed=0), SlotLimits(slots=8, service_ns=100_000_000))

    assert config.slots == 8
    assert config.timing.schedule(1, Rng(0)) == [100_000_000]
