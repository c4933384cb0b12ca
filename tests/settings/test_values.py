from collections.abc import Callable

import pytest

from harness.settings.values import (
    RateLimit,
    is_loopback,
    parse_field_name,
    parse_origin,
    parse_rate_limit,
    parse_secret,
    parse_secret_field,
    parse_segment,
    parse_text,
)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("HTTPS://Gateway.AI.cloudflare.com/", "https://gateway.ai.cloudflare.com"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_origin_is_a_scheme_and_a_host(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *("", "127.0.0.1:8787", "ftp://host", "http://", "http://:80", "http://user:word@host"),
        *("http://host/v1/acc/gw", "http://host?x=1", "http://host#x", "http://host:99999"),
        *("http://host:0", "http://[::1", "http://ho st", 7, f"http://{'a' * 64}.example"),
    ],
)
def test_what_is_no_origin_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_origin(text)


@pytest.mark.parametrize("origin", ["http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:80"])
def test_loopback_addresses_are_known(origin: str) -> None:
    assert is_loopback(origin)


@pytest.mark.parametrize("origin", ["http://localhost:80", "http://api.localhost"])
def test_localhost_is_loopback(origin: str) -> None:
    assert is_loopback(origin)


@pytest.mark.parametrize(
    "origin", ["http://10.0.0.1", "http://localhost.example", "http://0.0.0.0"]
)
def test_other_hosts_are_not_loopback(origin: str) -> None:
    assert not is_loopback(origin)


def test_a_rate_limit_is_requests_by_seconds() -> None:
    assert parse_rate_limit("100/60") == RateLimit(100, 60)
    assert str(RateLimit(100, 60)) == "100/60"


@pytest.mark.parametrize("text", ["", "100", "0/60", "100/0", "-1/60", "1.5/60", 60, None])
def test_what_is_no_rate_limit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="such as 100/60"):
        parse_rate_limit(text)


@pytest.mark.parametrize("text", ["a/b", "", "a b", "a?b", "..\n", "%2f", 7])
def test_what_is_no_path_segment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected an id"):
        parse_segment(text)


@pytest.mark.parametrize("text", ["Bearer key", "two\nlines", "schlüssel", "\0"])
def test_a_secret_that_no_header_can_carry_is_refused_unseen(text: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII") as refused:
        parse_secret(text)

    assert text not in str(refused.value)


@pytest.mark.parametrize("text", ['"key"', "'key'", '"key', "key'", ' "key" '])
@pytest.mark.parametrize("parse", [parse_secret, parse_secret_field, parse_text])
def test_quotes_around_a_value_are_named(parse: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match=r"begins or ends with a quote \(.\); write it without"):
        parse(text if parse is not parse_text else text.strip())


@pytest.mark.parametrize("name", ["Content-Length", "connection", "TE", "Transfer-Encoding"])
def test_a_field_that_frames_the_message_is_not_the_callers(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} belongs to the connection"):
        parse_field_name(name)


def test_white_space_around_a_secret_is_dropped() -> None:
    assert parse_secret(" key\n") == "key"
