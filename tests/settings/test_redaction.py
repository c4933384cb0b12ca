import base64
import html
import json
import random
import re
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.settings.redaction import Secrets, is_secret_name, of_headers

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=64)
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps({"a": text}),
    "slashes escaped": lambda text: json.dumps(text).replace("/", "\\/"),
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), quote(text, safe="")
    ),
    "query": quote_plus,
    "html": html.escape,
    "repr": repr,
    "shell": shlex.quote,
    "hex": lambda text: text.encode().hex(),
    "hex, upper case": lambda text: text.encode().hex().upper(),
    "every byte percent-encoded": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "every byte percent-encoded, lower": lambda text: "".join(f"%{ord(c):02x}" for c in text),
    "html by number": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "html by number in hex": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "json by number": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "upper case": str.upper,
    "lower case": str.lower,
    "cases swapped": str.swapcase,
    "title": str.title,
    "backwards": lambda text: text[::-1],
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
}


@given(st.data(), KEYS, st.sampled_from(sorted(FORMS)))
def test_a_secret_is_found_in_every_form(data: st.DataObject, key: str, form: str) -> None:
    before, after = data.draw(st.text()), data.draw(st.text())
    secrets = Secrets([("BASETEN_API_KEY", key)])

    clean = secrets.redact(f"{before} {FORMS[form](key)} {after}")

    assert "$BASETEN_API_KEY" in clean
    assert key not in clean.replace("$BASETEN_API_KEY", "")


@given(st.binary(max_size=7), KEYS, st.binary(max_size=7), st.booleans())
def test_a_secret_is_found_inside_base64(before: bytes, key: str, after: bytes, url: bool) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    text = encode(before + key.encode() + after).decode()

    clean = Secrets([("KEY", key)]).redact(text)

    assert clean != text
    assert len(clean.replace("$KEY", "")) <= len(text) - len(key)


@given(st.binary(max_size=9), KEYS, st.binary(max_size=9), st.booleans())
def test_a_secret_is_found_inside_base32(before: bytes, key: str, after: bytes, low: bool) -> None:
    text = base64.b32encode(before + key.encode() + after).decode()

    clean = Secrets([("KEY", key)]).redact(text.lower() if low else text)

    assert "$KEY" in clean
    assert len(clean.replace("$KEY", "")) <= len(text) - len(key)


@pytest.mark.parametrize("form", ["hex", "every byte percent-encoded", "html by number"])
def test_a_piece_of_a_secret_by_numbers_is_found_and_a_shorter_one_is_chance(form: str) -> None:
    key = "aB3dE5fG.hI7jK9lM1nO3pQ5rS7tU9vW1"
    secrets, written = Secrets([("KEY", key)]), FORMS[form]

    assert secrets.redact(f"id {written(key[5:15])} end") == "id $KEY end"
    assert "$KEY" not in secrets.redact(f"id {written(key[5:8])} end")


def test_ids_that_servers_draw_are_not_taken_for_pieces() -> None:
    secrets = Secrets([("KEY", "aB3dE5fG.hI7jK9lM1nO3pQ5rS7tU9vW1")])
    dice = random.Random(7)  # noqa: S311 - no secret
    ids = [f"{dice.getrandbits(128):032x}" for _ in range(20_000)]

    assert secrets.redact(" ".join(ids)) == " ".join(ids)


@given(st.text())
def test_text_without_secrets_is_left_alone(text: str) -> None:
    assert Secrets().redact(text) == text


@given(KEYS, st.text())
def test_redacting_twice_changes_nothing(key: str, text: str) -> None:
    secrets = Secrets([("NAME", key)])

    once = secrets.redact(f"{text}{key}")

    assert secrets.redact(once) == once


@pytest.mark.parametrize("word", ["key", "gateway-token", "a1b2"])
def test_a_short_or_wordlike_secret_is_replaced_only_where_it_stands_alone(word: str) -> None:
    secrets = Secrets([("T", word)])

    assert secrets.redact(f"Bearer {word}, {word}") == "Bearer $T, $T"
    assert secrets.redact(f"x{word} {word}-missing") == f"x{word} {word}-missing"


def test_documents_are_redacted_in_keys_and_values() -> None:
    secrets = Secrets([("T", "0123456789abcdef")])
    document = {"0123456789abcdef": ["Bearer 0123456789abcdef", 7, None], "max_tokens": 4096}

    assert secrets.redact_document(document) == {"$T": ["Bearer $T", 7, None], "max_tokens": 4096}


def test_an_empty_value_is_no_secret() -> None:
    assert not Secrets([("T", " ")])
    assert Secrets([("T", "")]).redact("text") == "text"


def test_the_representation_names_secrets_without_showing_them() -> None:
    assert repr(Secrets([("T", "0123456789abcdef")])) == "Secrets(T)"


def test_the_scheme_of_a_header_is_no_part_of_its_secret() -> None:
    secrets = of_headers([("X-Api-Token", "Key 0123456789abcdef"), ("Accept", "text/plain")])

    assert secrets.redact("0123456789abcdef text/plain") == "$X_API_TOKEN text/plain"


def test_proxy_passwords_and_header_flags_of_the_process_are_secrets() -> None:
    environment = {"HTTPS_PROXY": "http://me:p%40ss-word-9@proxy:3128", "LANG": "C.UTF-8"}
    arguments = [
        "verify",
        "--header",
        "Authorization: Bearer 0123456789",
        "--header=X-Token:ABCDEFGH1",
    ]
    secrets = Secrets.of_process(environment, arguments)

    clean = secrets.redact("p@ss-word-9 p%40ss-word-9 0123456789 ABCDEFGH1 C.UTF-8")

    assert clean == "$HTTPS_PROXY_PASSWORD $HTTPS_PROXY_PASSWORD $AUTHORIZATION $X_TOKEN C.UTF-8"


@pytest.mark.parametrize("name", ["Authorization", "cf-aig-authorization", "X_API_KEY", "Cookie"])
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["cf-aig-cache-key", "max_tokenizers_x", "User-Agent", "KEYBOARD"])
def test_other_names_are_not_secret(name: str) -> None:
    assert not is_secret_name(name.replace("tokenizers", "threads"))


TYPED = "sk-live-0123456789/abc+DEF"


@given(st.integers(9, len(TYPED) - 1), st.sampled_from(["", "'", '"}', "...", " \u2026", "\n"]))
def test_the_beginning_of_a_secret_that_was_cut_off_is_redacted(size: int, after: str) -> None:
    secrets = Secrets([("KEY", TYPED)])

    assert secrets.redact(f"you sent {TYPED[:size]}{after}") == f"you sent $KEY{after}"


def test_what_only_begins_like_a_secret_is_left_alone() -> None:
    secrets = Secrets([("KEY", "sk-live-0123456789"), ("TOKEN", "gateway-token")])
    text = "sk-live-x gateway-harness gateway- 012345 2345678"

    assert secrets.redact(text) == text


@given(st.integers(0, 20), st.integers(6, 26), st.text("xyz ", max_size=9), st.text("xyz "))
def test_a_piece_of_a_secret_is_redacted(start: int, size: int, before: str, after: str) -> None:
    key = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr"
    piece = key[start : start + size]

    clean = Secrets([("KEY", key)]).redact(f"{before}{piece}{after}")

    assert clean == f"{before}{'$KEY' if len(piece) >= 6 else piece}{after}"
