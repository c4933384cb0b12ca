from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.settings.file import File, find_file, read_file


def read(folder: Path, text: str) -> File:
    path = folder / "harness.toml"
    path.write_text(text, "utf-8")
    return read_file(path)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as refused:
        read(folder, text)
    return str(refused.value)


def test_the_nearest_file_up_to_the_repository_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / ".git").mkdir()
    (tmp_path / "harness.toml").touch()

    above_the_repository = find_file(inner)
    (tmp_path / "a" / "harness.toml").touch()

    assert above_the_repository is None
    assert find_file(inner) == tmp_path / "a" / "harness.toml"


def test_outside_a_repository_only_the_folder_itself_is_searched(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "harness.toml").touch()

    assert find_file(tmp_path / "a") is None
    assert find_file(tmp_path) == tmp_path / "harness.toml"


def test_settings_targets_and_headers_are_read(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        """
        account_id = "acc"
        headers = { accept-language = "en" }
        [targets.staging]
        base_url = "https://staging.example"
        provider_key_env = "STAGING_KEY"
        expect_cache_ttl = 60
        """,
    )

    assert file.top.values == {"account_id": "acc"}
    assert file.top.headers == {"accept-language": "en"}
    assert file.targets["staging"].values == {
        "base_url": "https://staging.example",
        "provider_key_env": "STAGING_KEY",
        "expect_cache_ttl": 60,
    }


def test_a_key_may_be_spelled_as_its_variable(tmp_path: Path) -> None:
    file = read(tmp_path, 'CLOUDFLARE_ACCOUNT_ID = "acc"\ncloudflare_gateway_id = "gw"')

    assert file.top.values == {"account_id": "acc", "gateway_id": "gw"}


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_bytes(b'\xef\xbb\xbfmodel = "m"\r\n')

    assert read_file(tmp_path / "harness.toml").top.values == {"model": "m"}


def test_malformed_toml_names_the_file_and_the_line(tmp_path: Path) -> None:
    message = complaint(tmp_path, 'model = "m"\nmodel_id = \n')

    assert message.startswith(f"{tmp_path}/harness.toml is not valid TOML: ")
    assert "line 2" in message


def test_bytes_that_are_not_utf_8_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_bytes(b"model = '\xff'")

    with pytest.raises(UsageError, match="not valid TOML: byte 9 is not UTF-8"):
        read_file(tmp_path / "harness.toml")


def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*: Is a directory"):
        read_file(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('acount_id = "a"', "line 1: unknown key 'acount_id'; did you mean account_id?"),
        ('\n[target.x]\nmodel = "m"', "line 2: unknown key 'target'; did you mean targets?"),
        ('[targets.x]\n\nmodle = "m"', "line 3: unknown key 'modle'; did you mean model"),
        ("zzzzzz = 1", "line 1: unknown key 'zzzzzz'; known keys: account_id,"),
        ("targets = 1", "line 1: expected tables [targets.NAME]"),
        ("[targets]\nx = 1", "line 2: expected a table [targets.x]"),
        ("[targets.live]\n", "live is built in; choose another name"),
        ('model = "m"\nBASETEN_MODEL = "m"', "line 2: model is set twice"),
        ("headers = 1", "line 1: expected a table of header fields"),
        ("[headers]\na = 1", "line 2: expected a string"),
        ('model = "a\u2028b\u0085c"\nzzzzzz = 1', "line 2: unknown key 'zzzzzz'"),
    ],
)
def test_what_does_not_belong_there_is_named_with_its_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert expected in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[headers]\n"X Team" = "x"', "line 2: the header 'X Team': expected the name of a header"),
        ('[headers]\n"" = "x"', "the header '': expected the name of a header"),
        ('[headers]\n"x:y" = "x"', "the header 'x:y': expected the name"),
        ('[headers]\nContent-Length = "5"', "line 2: the header 'Content-Length': Content-Length"),
        ('[headers]\ntransfer-encoding = "chunked"', "belongs to the connection"),
        ('[headers]\na = "b\\r\\nc: d"', "line 2: the header 'a': expected visible ASCII"),
        ('[headers]\na = "é"', "line 2: the header 'a': expected visible ASCII"),
        ('[targets.x]\n[targets.x.headers]\n"a b" = "c"', "line 3: the header 'a b': expected"),
        ('[headers_env]\n"a b" = "VARIABLE"', "line 2: the header 'a b': expected the name"),
    ],
)
def test_a_header_that_no_request_can_carry_is_refused_with_its_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert expected in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('provider_key = "hush-1234"', 'write provider_key_env = "NAME_OF_THE_VARIABLE"'),
        ('BASETEN_API_KEY = "hush-1234"', 'write provider_key_env = "NAME_OF_THE_VARIABLE"'),
        ('[targets.x]\ngateway_token = "hush-1234"', 'write gateway_token_env = "NAME_OF_THE'),
        ('api_key = "hush-1234"', "write provider_key_env = "),
        ('[headers]\nAuthorization = "hush-1234"', 'write headers_env = {"Authorization" = "NAME'),
    ],
)
def test_a_secret_in_the_file_is_refused_with_what_to_do(
    tmp_path: Path, text: str, advice: str
) -> None:
    message = complaint(tmp_path, text)

    assert "is a secret and does not belong in a file" in message
    assert advice in message
    assert "hush-1234" not in message


@pytest.mark.parametrize("key", ["provider_key_env", "gateway_token_env"])
def test_a_key_in_place_of_a_variables_name_is_refused_and_not_shown(
    key: str, tmp_path: Path
) -> None:
    pasted = "aB3dE5fG.hI7jK9lM1nO3pQ5r"
    (tmp_path / "harness.toml").write_text(f'[targets.staging]\n{key} = "{pasted}"\n')

    with pytest.raises(UsageError, match="name of an environment variable in capitals") as refused:
        read_file(tmp_path / "harness.toml")

    assert pasted not in str(refused.value)


def test_the_objectives_of_a_launch_are_a_table_of_their_own(tmp_path: Path) -> None:
    file = read(tmp_path, 'account_id = "a"\n[gate]\nobjectives = ["compatible"]\n')

    assert file.gate == {"objectives": ["compatible"]}
    assert file.top.values == {"account_id": "a"}
    assert read(tmp_path, "").gate is None
    assert "line 1: expected a table [gate]" in complaint(tmp_path, "gate = 3\n")
