from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gateway.config import Config
from harness.settings import Kind, Target, load_settings, resolve_target
from harness.wire import Headers

LIVE = {"CLOUDFLARE_ACCOUNT_ID": "acc1", "CLOUDFLARE_GATEWAY_ID": "gw1"}


def resolve(
    text: str,
    environment: dict[str, str] | None = None,
    *,
    folder: Path = Path("/nonexistent"),
    headers: Headers | None = None,
) -> Target:
    variables = environment or {}
    settings = load_settings(environment=variables, folder=folder)
    return resolve_target(text, settings, headers=headers, environment=variables)


@pytest.mark.parametrize("text", ["local", "mock", "http://127.0.0.1:8787", "http://localhost:1"])
def test_on_loopback_the_stand_in_defaults_stand_for_what_is_not_set(text: str) -> None:
    target = resolve(text)

    stand_in = Config()
    assert target.address.account_id == stand_in.account_id
    assert target.address.gateway_id == stand_in.gateway_id
    assert target.credentials.provider_key == stand_in.provider_key
    assert target.credentials.gateway_token is None
    assert target.model_id == stand_in.model_id
    assert target.loopback


def test_the_stand_in_token_is_used_only_where_authentication_is_declared() -> None:
    target = resolve("local", {"GATEWAY_EXPECT_AUTH": "1"})

    assert target.credentials.fields()[-1] == (
        "cf-aig-authorization",
        "Bearer gateway-token",
    )


def test_what_is_set_is_the_identity_of_the_stand_in() -> None:
    target = resolve("local", {**LIVE, "BASETEN_API_KEY": "k1", "BASETEN_MODEL_ID": "m1"})

    assert (target.address.account_id, target.address.gateway_id) == ("acc1", "gw1")
    assert (target.credentials.provider_key, target.model_id) == ("k1", "m1")


def test_a_url_is_an_origin_to_which_account_and_gateway_are_appended() -> None:
    target = resolve("http://127.0.0.1:8787/")

    assert target.kind is Kind.URL
    assert target.name == "http://127.0.0.1:8787"
    assert target.address.base == "http://127.0.0.1:8787/v1/acc/gw"


def test_a_remote_url_gets_no_defaults() -> None:
    target = resolve("https://gateway.example", LIVE)

    assert target.credentials.provider_key is None
    assert target.model_id is None
    assert target.routes == ("native", "compat")
    assert not target.loopback


@pytest.mark.parametrize("text", ["live", "https://gateway.example"])
def test_missing_ids_are_listed_by_their_variables(text: str) -> None:
    with pytest.raises(UsageError, match="CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_GATEWAY_ID not set"):
        resolve(text)
    with pytest.raises(UsageError, match=": CLOUDFLARE_GATEWAY_ID not set; export it"):
        resolve(text, {"CLOUDFLARE_ACCOUNT_ID": "acc1"})


def test_a_password_in_a_url_is_refused_unseen() -> None:
    with pytest.raises(UsageError, match="no user and password") as by_flag:
        resolve("http://me:hush-1234@127.0.0.1")
    with pytest.raises(UsageError, match="no user and password") as by_variable:
        resolve("live", {**LIVE, "GATEWAY_BASE_URL": "http://me:hush-1234@127.0.0.1"})

    assert "hush" not in f"{by_flag.value}{by_variable.value}"


@pytest.mark.parametrize(
    "text",
    ["me:hush-1234@127.0.0.1:8787", "http://127.0.0.1/?key=hush-1234", "http://h/#hush-1234"],
)
def test_what_may_be_a_secret_in_a_wrong_url_is_not_shown(text: str) -> None:
    with pytest.raises(UsageError, match="expected") as refused:
        resolve(text)

    assert "hush" not in str(refused.value)


def test_a_custom_domain_needs_no_ids() -> None:
    target = resolve(
        "live", {"GATEWAY_BASE_URL": "https://ai.example", "GATEWAY_CUSTOM_DOMAIN": "1"}
    )

    assert target.address.base == "https://ai.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8787", "such as http://127.0.0.1:8787"),
        ("http://h/v1/a", "/v1/ACCOUNT/GATEWAY or an origin"),
        ("ftp://h", "expected a URL such as"),
        ("lvie", "did you mean live?"),
        ("nowhere", "expected mock, local, live, a URL, or a target of harness.toml"),
        ("", "expected mock, local, live"),
    ],
)
def test_an_unknown_target_is_answered_with_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(text)

    assert expected in str(refused.value)


def test_a_named_target_ranks_over_the_environment_and_the_rest_falls_through(
    tmp_path: Path,
) -> None:
    (tmp_path / "harness.toml").write_text(
        """
        model = "top/model"
        [headers]
        x-top = "1"
        [targets.staging]
        base_url = "https://staging.example"
        gateway_id = "gw2"
        provider_key_env = "STAGING_KEY"
        expect_rate_limit = "5/60"
        """
    )

    target = resolve(
        "staging",
        {**LIVE, "STAGING_KEY": "k2-0123456789", "BASETEN_API_KEY": "k1-0123456789"},
        folder=tmp_path,
        headers=Headers([("x-flag", "2")]),
    )

    assert target.kind is Kind.NAMED
    assert target.address.base == "https://staging.example/v1/acc1/gw2"
    assert target.credentials.provider_key == "k2-0123456789"
    assert target.model == "top/model"
    assert str(target.expectations.rate_limit) == "5/60"
    assert target.headers.fields == (("x-top", "1"), ("x-flag", "2"))
    assert target.secrets.redact("k2-0123456789 k1-0123456789") == "$STAGING_KEY $BASETEN_API_KEY"


def test_a_named_target_whose_variable_is_not_set_says_so(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text(
        '[targets.staging]\nbase_url = "https://s.example"\nprovider_key_env = "STAGING_KEY"'
    )

    with pytest.raises(UsageError, match="provider_key_env names STAGING_KEY, which is not set"):
        resolve("staging", LIVE, folder=tmp_path)


def test_a_description_and_a_representation_hold_no_secret() -> None:
    target = resolve(
        "live",
        {**LIVE, "BASETEN_API_KEY": "hush-1234", "CF_AIG_TOKEN": "hush-5678"},
        headers=Headers([("authorization", "Bearer hush-9999")]),
    )

    assert "hush" not in repr(target)
    assert "hush" not in repr(target.describe())
    assert target.describe()["provider_key"] is True
    assert "hush" not in target.secrets.redact("hush-1234 hush-5678 hush-9999")


def test_the_stand_in_gets_its_origin_when_it_runs() -> None:
    target = resolve("local").at("http://127.0.0.1:4242")

    assert target.address.base == "http://127.0.0.1:4242/v1/acc/gw"


def test_a_stored_key_on_loopback_is_said_by_an_empty_variable() -> None:
    target = resolve("http://127.0.0.1:8787", {"BASETEN_API_KEY": ""})

    assert target.credentials.provider_key is None
    assert "authorization" not in {name.lower() for name, _ in target.credentials.fields()}
