"""How a stand-in is set up."""

import pytest

from harness.errors import UsageError
from harness.gateway.config import Config, RateLimit


def test_a_rate_limit_is_written_as_requests_and_seconds() -> None:
    assert RateLimit.parse("100/60") == RateLimit(100, 60, "fixed")
    assert RateLimit.parse("5/10", technique="sliding") == RateLimit(5, 10, "sliding")


@pytest.mark.parametrize("text", ["", "5", "5/", "/5", "0/5", "5/0", "-1/5", "1.5/2", "a/b", "٣/٤"])
def test_a_bad_rate_limit_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError, match="expected N/S"):
        RateLimit.parse(text)


def test_an_unknown_window_technique_is_refused() -> None:
    with pytest.raises(UsageError, match="fixed or sliding"):
        RateLimit.parse("1/1", technique="leaky")


def test_a_configuration_does_not_show_its_hiddens() -> None:
    hidden = "s3cret"

    config = Config(provider_key=hidden, gateway_token=hidden, stored_keys=(("x", hidden),))

    assert hidden not in repr(config)
