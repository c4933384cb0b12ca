"""Requests to Baseten itself carry nothing that is the gateway's."""

import pytest

from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import Prompts
from harness.load.sender import RequestSender
from harness.load.ticket import Ticket
from harness.routes.address import Address, Credentials

ADDRESS = Address(
    "https://gateway.example",
    "acc",
    "gw",
    provider="https://inference.example/v1",
    deployment="https://model-abcd1234.example/predict",
)
WHO = Identity(
    Credentials(provider_key="key", gateway_token="token", byok_alias="mine"),  # noqa: S106
    headers=(("cf-aig-custom", "theirs"), ("x-mine", "kept")),
)


def sender(*routes: str) -> RequestSender:
    plan = LoadPlan("run", "folder", ADDRESS, "some/model", "abcd1234", routes=routes)
    prompts = Prompts(model="some/model", stream=True, max_output_tokens=4, prompt_tokens=8)
    return RequestSender(plan, WHO, worker="compare-0", prompts=prompts)


@pytest.mark.parametrize(
    ("routes", "url", "field"),
    [
        (("direct", "native"), "https://inference.example/v1/chat/completions", b'"messages"'),
        (("direct", "native", "model"), "https://inference.example/v1/chat/completions", b'"mess'),
        (("direct", "model"), "https://model-abcd1234.example/predict", b'"prompt"'),
    ],
)
def test_the_direct_way_asks_what_it_is_compared_with(
    routes: tuple[str, ...], url: str, field: bytes
) -> None:
    request = sender(*routes).request(Ticket(7, "direct", "compare", "steady", turn=3))

    assert request.url == url
    assert field in request.body
    assert ("Authorization", "Bearer key") in request.headers.fields
    assert ("x-mine", "kept") in request.headers.fields
    assert not [name for name, _ in request.headers if name.lower().startswith("cf-")]


def test_both_sides_of_a_block_ask_the_same_but_for_the_nonce() -> None:
    ours = sender("direct", "native")

    bodies = [
        ours.request(Ticket(seq, route, "compare", "steady", turn=3)).body
        for seq, route in ((30, "direct"), (31, "native"))
    ]

    assert bodies[0].replace(b"compare-0-30", b"") == bodies[1].replace(b"compare-0-31", b"")
