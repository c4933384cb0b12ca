import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.settings import RateLimit, Settings, load_settings


def load(folder: Path, environment: dict[str, str] | None = None, **flags: Any) -> Settings:
    return load_settings(flags=flags, environment=environment or {}, folder=folder)


def test_nothing_set_leaves_the_documented_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert settings.base_url == "https://gateway.ai.cloudflare.com"
    assert settings.model == "openai/gpt-oss-120b"
    assert settings.provider_key is None
    assert set(settings.provenance.values()) == {"default"}


def test_every_variable_of_the_interface_is_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        {
            "CLOUDFLARE_ACCOUNT_ID": "acc1",
            "CLOUDFLARE_GATEWAY_ID": "gw1",
            "BASETEN_API_KEY": "key1",
            "CF_AIG_BYOK_ALIAS": "alias1",
            "CF_AIG_TOKEN": "token1",
            "BASETEN_MODEL": "a/b",
            "BASETEN_MODEL_ID": "id1",
            "GATEWAY_BASE_URL": "https://ai.example.com/",
            "GATEWAY_CUSTOM_DOMAIN": "1",
            "GATEWAY_EXPECT_AUTH": "1",
            "GATEWAY_EXPECT_CACHE_TTL": "300",
            "GATEWAY_EXPECT_RATE_LIMIT": "50/60",
        },
    )

    assert (settings.account_id, settings.gateway_id) == ("acc1", "gw1")
    assert settings.provider_key == "key1"
    assert settings.gateway_token == "token1"  # noqa: S105 - not one
    assert (settings.byok_alias, settings.model, settings.model_id) == ("alias1", "a/b", "id1")
    assert (settings.base_url, settings.custom_domain) == ("https://ai.example.com", True)
    assert (settings.expect_auth, settings.expect_cache_ttl) == (True, 300)
    assert settings.expect_rate_limit == RateLimit(50, 60)


def test_flags_are_over_the_environment_over_the_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "harness.toml"
    path.write_text('account_id = "file"\ngateway_id = "file"\nmodel = "file"')
    environment = {"CLOUDFLARE_ACCOUNT_ID": "env", "CLOUDFLARE_GATEWAY_ID": "env"}

    settings = load(tmp_path, environment, account_id="flag", model=None)

    assert (settings.account_id, settings.gateway_id, settings.model) == ("flag", "env", "file")
    assert settings.provenance["account_id"] == "flag"
    assert settings.provenance["gateway_id"] == "environment CLOUDFLARE_GATEWAY_ID"
    assert settings.provenance["model"] == str(path)
    assert settings.provenance["base_url"] == "default"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    settings = load(tmp_path, {"BASETEN_API_KEY": "", "BASETEN_MODEL": " "})

    assert settings.provider_key is None
    assert settings.model == "openai/gpt-oss-120b"


def test_the_file_names_the_variable_that_holds_a_secret(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text(
        'provider_key_env = "TEAM_KEY"\nheaders_env = { "cf-access-token" = "ACCESS" }'
    )

    settings = load(tmp_path, {"TEAM_KEY": "0123456789", "ACCESS": "abcdefghij0"})

    assert settings.provider_key == "0123456789"
    assert settings.provenance["provider_key"] == "environment TEAM_KEY"
    assert settings.headers == (("cf-access-token", "abcdefghij0"),)
    assert settings.secrets.redact("0123456789 abcdefghij0") == "$TEAM_KEY $CF_ACCESS_TOKEN"


def test_secrets_do_not_show_in_a_representation(tmp_path: Path) -> None:
    settings = load(tmp_path, {"BASETEN_API_KEY": "hush-1234", "CF_AIG_TOKEN": "hush-5678"})

    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        (
            "GATEWAY_EXPECT_CACHE_TTL",
            "soon",
            "GATEWAY_EXPECT_CACHE_TTL: expected a whole number of",
        ),
        ("GATEWAY_EXPECT_CACHE_TTL", "-1", "got '-1'"),
        ("GATEWAY_EXPECT_RATE_LIMIT", "fast", "expected requests/seconds such as 100/60"),
        ("GATEWAY_EXPECT_AUTH", "perhaps", "GATEWAY_EXPECT_AUTH: expected 1 or 0, true or false"),
        ("GATEWAY_BASE_URL", "example.com", "GATEWAY_BASE_URL: expected a URL such as https://"),
        ("CLOUDFLARE_ACCOUNT_ID", "a/b", "CLOUDFLARE_ACCOUNT_ID: expected an id"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    tmp_path: Path, variable: str, value: str, expected: str
) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {variable: value})

    assert expected in str(refused.value)


def test_a_wrong_secret_is_named_but_not_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="BASETEN_API_KEY: expected visible ASCII") as refused:
        load(tmp_path, {"BASETEN_API_KEY": "Bearer hush-1234"})

    assert "hush" not in str(refused.value)


def test_a_wrong_value_in_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text("[targets.x]\nexpect_cache_ttl = true\nmodel = 7\n")

    with pytest.raises(UsageError, match=r"harness.toml \[targets.x\]: model: "):
        load(tmp_path)


def test_a_flag_is_named_as_it_was_typed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--rate-limit: expected requests/seconds"):
        load(tmp_path, expect_rate_limit="fast")


def test_a_current_folder_that_was_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(UsageError, match="the current folder does not exist any more"):
        load_settings(environment={})


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ('"hush-1234"', "begins or ends with a quote"),
        ("Bearer hush-1234'", "begins or ends with a quote"),
        ("hush-1234\nx: y", "expected visible ASCII"),
    ],
)
def test_a_headers_value_from_a_variable_is_checked_and_not_shown(
    tmp_path: Path, value: str, complaint: str
) -> None:
    (tmp_path / "harness.toml").write_text('headers_env = { "cf-access-token" = "ACCESS" }')

    with pytest.raises(UsageError) as refused:
        load(tmp_path, {"ACCESS": value})

    assert str(refused.value).startswith("ACCESS, the value of the header cf-access-token: ")
    assert complaint in str(refused.value)
    assert "hush" not in str(refused.value)


def test_an_empty_secret_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('provider_key_env = "TEAM_KEY"')

    settings = load(tmp_path, {"BASETEN_API_KEY": "", "TEAM_KEY": "0123456789"})

    assert settings.provider_key is None
    assert settings.provenance["provider_key"] == "environment BASETEN_API_KEY, empty"
    assert settings.secrets.redact("None") == "None"


def test_what_a_deployment_takes_is_an_object_or_a_file_of_json_lines(tmp_path: Path) -> None:
    lines = tmp_path / "inputs.jsonl"
    lines.write_text('{"text": "a\u2028b"}\n\n{"text": "c"}\n', encoding="utf-8")

    one = load(tmp_path, {"BASETEN_MODEL_INPUT": '{"text": "hello"}'})
    several = load(tmp_path, {"BASETEN_MODEL_INPUT": str(lines)})
    (tmp_path / "harness.toml").write_text('model_input = {text = "file"}')
    of_file = load(tmp_path, {})

    assert one.model_input == ({"text": "hello"},)
    assert several.model_input == ({"text": "a\u2028b"}, {"text": "c"})
    assert of_file.model_input == ({"text": "file"},)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[1]", "BASETEN_MODEL_INPUT: expected a JSON object, such as"),
        ('{"text": ', "BASETEN_MODEL_INPUT: expected a JSON object: "),
        ("nowhere.jsonl", "expected a JSON object, or a file of JSON lines"),
    ],
)
def test_an_input_that_is_none_is_refused(tmp_path: Path, value: str, expected: str) -> None:
    with pytest.raises(UsageError, match=re.escape(expected)):
        load(tmp_path, {"BASETEN_MODEL_INPUT": value})
