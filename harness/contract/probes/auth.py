"""Asks without and with wrong credentials, and then with good ones."""

from dataclasses import replace

from harness.contract.case import Expect, Key
from harness.contract.probes.stage import Stage, with_headers
from harness.gateway.config import DEFAULT_GATEWAY_KEY

KEYS = ("auth-key-missing", "auth-key-wrong", "auth-key-status", "auth-key-layer")
TOKENS = ("auth-token-missing", "auth-token-wrong", "auth-token-code")


def play(stage: Stage) -> None:
    """Each credential missing and wrong; the good request at the end shows that nothing stuck."""
    case = replace(stage.plain("credentials", 1100), expect=Expect.REJECT)
    if stage.wants(*KEYS):
        stage.play("no_key", replace(case, provider_key=Key.NONE, topic="no provider key"))
        stage.play("wrong_key", replace(case, provider_key=Key.WRONG, topic="wrong provider key"))
    if stage.wants(*TOKENS):
        stage.play("no_token", replace(case, gateway_key=Key.NONE, topic="no gateway token"))
        stage.play("wrong_token", replace(case, gateway_key=Key.WRONG, topic="wrong token"))
    if stage.wants("auth-token-near"):
        for name, token in near(stage.sender.subject.credentials.gateway_token or ""):
            wrong = with_headers(case, ("cf-aig-authorization", f"Bearer {token}"))
            stage.play(f"near_{name}", replace(wrong, topic=f"a token that {name}"))
    if stage.wants("auth-recovers"):
        stage.play("after", stage.plain("after refusals", 1101))


LEAST = 16
"""A token as long as this, of letters in both cases or digits, is known by its pieces and in any
case: reports blank what is made of it."""


def near(token: str) -> tuple[tuple[str, str], ...]:
    """Tokens that careless comparisons accept, none of which a report would show.

    One that reads like a word is only made longer: other changes would hide it from redaction.
    """
    longer = (("goes on", f"{token}x"), ("has the right length", "x" * len(token)))
    known = len(token) >= LEAST and not token.islower() and not token.isalpha()
    if token != DEFAULT_GATEWAY_KEY and not known:
        return longer
    return (*longer, ("is in another case", token.swapcase()), ("ends otherwise", f"{token[:-1]}~"))
