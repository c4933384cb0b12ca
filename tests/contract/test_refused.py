"""Credentials that are refused are told as a refusal, and a stranger as no gateway at all."""

from dataclasses import replace

from harness.contract.options import RunOptions
from harness.contract.run.session import RunOutcome, perform
from harness.contract.run.standin import TARGET
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from harness.routes.address import Address, Credentials
from harness.settings import Kind, Target
from tests.transports.peer import answering, plain, serving

OPTIONS = RunOptions(max_requests=40)


def at(url: str, *, key: str | None = "baseten-key", token: str | None = None) -> Target:
    address, credentials = Address(url, "acc", "gw"), Credentials(key, token)
    return replace(TARGET, kind=Kind.URL, address=address, credentials=credentials)


def asked(target: Target) -> RunOutcome:
    return perform(target, OPTIONS)


def test_a_missing_token_is_a_refusal_of_the_gateway_and_no_outage() -> None:
    with LocalGateway(Gateway(Config(gateway_token="gateway-token"))) as gateway:  # noqa: S106
        found = asked(at(gateway.url))

    assert found.verdict.verdict == "unknown"
    assert found.verdict.reasons[0].startswith(
        "native: refused by the gateway: HTTP 401 (code 2009): Unauthorized on every route ("
    )
    assert not any("outage" in reason for reason in found.verdict.reasons)
    assert found.refused is not None
    assert found.refused.code == "2009"


def test_a_wrong_key_is_a_refusal_of_the_provider() -> None:
    with LocalGateway(Gateway(Config())) as gateway:
        found = asked(at(gateway.url, key="another-key"))

    assert found.verdict.reasons[0].startswith("native: refused by the provider: HTTP 401")


def test_a_server_without_a_field_of_cloudflare_does_not_look_like_a_gateway() -> None:
    page = plain(b"<h1>It works</h1>", "content-type: text/html")
    with serving(answering(page.replace(b"200 OK", b"501 Not Implemented"))) as peer:
        found = asked(at(peer.url))

    assert found.verdict.verdict == "unknown"
    assert "this does not look like an AI Gateway" in found.verdict.reasons[0]
    assert found.refused is None


def test_a_gateway_that_is_down_still_looks_like_one() -> None:
    down = plain(b'{"error": "down"}', "content-type: application/json", "cf-ray: a-FRA")
    with serving(answering(down.replace(b"200 OK", b"503 Down"))) as peer:
        found = asked(at(peer.url))

    assert found.verdict.reasons[0].startswith("native: outage")
    assert "does not look like" not in found.verdict.reasons[0]
