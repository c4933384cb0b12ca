"""A URL that was pasted from the documentation is taken apart, or refused in its own words."""

from collections.abc import Callable

import pytest

from harness.errors import UsageError
from harness.settings import load_settings, resolve_target
from harness.settings.pasted import GATEWAY, take_apart

ROUTES = (
    *("", "/", "/compat", "/compat/chat/completions", "/baseten", "/baseten/v1"),
    *("/baseten/v1/v1/chat/completions", "/baseten/model/abcd1234", "/openai/v1"),
)
REFUSED = {
    GATEWAY + "/v1/{account_id}/{gateway_id}/compat": "{account_id} is a placeholder",
    GATEWAY + "/v1/<account>/gw": "<account> is a placeholder",
    GATEWAY + "/v1/$CLOUDFLARE_ACCOUNT_ID/gw": "$CLOUDFLARE_ACCOUNT_ID is a placeholder",
    GATEWAY + "/v1/%7Baccount_id%7D/gw": "{account_id} is a placeholder",
    GATEWAY + "/v1/acc": "/v1/ACCOUNT/GATEWAY or an origin",
    GATEWAY + "/acc/gw": "/v1/ACCOUNT/GATEWAY or an origin",
    GATEWAY + "/v1/a b/gw": "expected an id",
    "https://dash.cloudflare.com/acc/ai/ai-gateway/gateways/gw": f"use {GATEWAY}/v1/acc/gw",
    "https://dash.cloudflare.com/login": f"use {GATEWAY}/v1/ACCOUNT/GATEWAY",
    "https://api.cloudflare.com/client/v4/accounts/acc/ai-gateway": "administers gateways",
    "https://inference.baseten.co/v1": "Baseten itself",
    "https://model-abc.api.baseten.co/production/predict": "Baseten itself",
}


@pytest.mark.parametrize("rest", ROUTES)
@pytest.mark.parametrize("origin", [GATEWAY, "http://127.0.0.1:8787"])
def test_the_url_of_a_route_names_account_and_gateway(origin: str, rest: str) -> None:
    target = resolve_target(f"{origin}/v1/acc7/gw7{rest}", load_settings(environment={}))

    assert target.address.base == f"{origin}/v1/acc7/gw7"


@pytest.mark.parametrize("rest", ROUTES)
def test_the_same_url_may_stand_in_the_environment(rest: str) -> None:
    settings = load_settings(environment={"GATEWAY_BASE_URL": f"{GATEWAY}/v1/acc7/gw7{rest}"})

    assert (settings.base_url, settings.account_id, settings.gateway_id) == (GATEWAY, "acc7", "gw7")
    assert settings.provenance["account_id"] == "environment GATEWAY_BASE_URL"


def test_a_target_in_the_command_line_ranks_over_the_environment() -> None:
    settings = load_settings(environment={"CLOUDFLARE_ACCOUNT_ID": "other"})

    target = resolve_target(f"{GATEWAY}/v1/acc7/gw7/compat", settings)

    assert target.address.account_id == "acc7"


def test_two_settings_that_differ_are_both_named() -> None:
    environment = {
        "GATEWAY_BASE_URL": f"{GATEWAY}/v1/acc7/gw7",
        "CLOUDFLARE_GATEWAY_ID": "other",
    }

    with pytest.raises(UsageError, match=r"GATEWAY_BASE_URL: the URL names 'gw7'.*says 'other'"):
        load_settings(environment=environment)


def as_target(url: str) -> None:
    resolve_target(url, load_settings(environment={}))


def as_setting(url: str) -> None:
    load_settings(environment={"GATEWAY_BASE_URL": url})


@pytest.mark.parametrize("given", [as_target, as_setting])
@pytest.mark.parametrize(("url", "said"), REFUSED.items())
def test_what_is_no_gateway_is_refused_by_what_it_is(
    url: str, said: str, given: Callable[[str], None]
) -> None:
    with pytest.raises(UsageError) as caught:
        given(url)

    assert said in str(caught.value)


def test_a_route_of_a_custom_domain_is_cut_off() -> None:
    environment = {
        "GATEWAY_BASE_URL": "https://ai.example.com/compat/chat/completions",
        "GATEWAY_CUSTOM_DOMAIN": "1",
    }
    target = resolve_target("live", load_settings(environment=environment))

    assert target.address.base == "https://ai.example.com"


@pytest.mark.parametrize(
    "text", ["https://user:word@host/v1/a/b", "https://[::1", "no url", "https://host?x=/v1/a/b"]
)
def test_what_others_refuse_is_left_to_them(text: str) -> None:
    assert take_apart(text) is None
