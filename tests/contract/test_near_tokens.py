"""Near misses of a token: sent where they can be told from it, and never shown."""

import secrets
import string

import pytest

from harness.contract.topics.auth import near
from harness.gateway.config import DEFAULT_GATEWAY_KEY
from harness.settings import Secrets

ALPHABET = string.ascii_letters + string.digits + "_-"


def names(token: str) -> set[str]:
    return {name for name, _ in near(token)}


@pytest.mark.parametrize("length", [16, 24, 40, 64])
def test_a_real_token_is_asked_for_in_another_case_and_no_form_of_it_is_shown(length: int) -> None:
    token = "".join(secrets.choice(ALPHABET) for _ in range(length - 3)) + "aB3"

    assert {"is in another case", "ends otherwise"} <= names(token)
    for _, wrong in near(token):
        shown = Secrets((("CF_AIG_TOKEN", token),)).redact(f"Bearer {wrong}")
        assert wrong != token
        assert token[: length // 2] not in shown
        assert token[: length // 2].swapcase() not in shown


def test_a_token_that_reads_like_a_word_is_only_made_longer() -> None:
    assert names("correct-horse-battery") == {"goes on", "has the right length"}
    assert len(near(DEFAULT_GATEWAY_KEY)) == 4
