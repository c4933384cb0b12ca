"""What of a gateway's set-up changes every test of it, found by a few small requests.

A cache that was switched on in the dashboard answers for the model (iterate#1854, #1931);
guardrails and data loss prevention hold streams back (cloudflare-docs#22563).
"""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.measure.odd import ONE_PIECE_SHARE

if TYPE_CHECKING:
    from harness.client import GatewayClient
    from harness.routes.address import GatewayOptions
    from harness.routes.answer import Answer

TOKENS = 32
"""Enough of an answer to see whether it comes bit by bit."""
LEAST_OUTPUTS = 4
HELD_BACK = (
    "guardrails and data loss prevention hold an answer back until it is whole; so does a proxy "
    "between here and the gateway"
)


def findings(client: "GatewayClient", route: str) -> Iterator[str]:
    """What the gateway does with an equal question, and with a stream, on a route that answers.

    A request that fails says nothing here: the routes have been tried before.
    """
    for probe in (_cached, _held_back):
        try:
            found = probe(client, route)
        except HarnessError:
            continue
        if found:
            yield found


def _cached(client: "GatewayClient", route: str) -> str | None:
    """Whether a question that was just answered is answered from a cache that nobody asked for."""
    question = f"Say {secrets.token_hex(4)}."
    for _ in range(2):
        answer = client.chat(question, route=route, max_tokens=1, options=_options())
    if (answer.metadata.cache_status or "").upper() != "HIT":
        return None
    return (
        "the gateway answers equal questions from its cache: it is on in the dashboard, and "
        "applies to all requests without cf-aig-skip-cache; declare it as GATEWAY_EXPECT_CACHE_TTL"
    )


def _held_back(client: "GatewayClient", route: str) -> str | None:
    """Whether streams come as none, or in one piece; twice, since this machine may be busy."""
    answers = [answer for _ in range(2) if _whole(answer := _streamed(client, route))]
    if len(answers) < 2:
        return None
    if not all(answer.streamed for answer in answers):
        return f"asked for a stream, {route} sent a whole answer: {HELD_BACK}"
    return f"the stream of {route} came in one piece: {HELD_BACK}"


def _streamed(client: "GatewayClient", route: str) -> "Answer":
    question = f"Count to {TOKENS}. {secrets.token_hex(4)}"
    with client.stream(question, route=route, max_tokens=TOKENS, options=_options()) as stream:
        for _ in stream:
            pass
        return stream.answer


def _whole(answer: "Answer") -> bool:
    """Whether nothing of an answer was here long before the rest."""
    times = answer.timeline
    if not answer.streamed:
        return True
    if times.first_output_ns is None or len(times.outputs_ns) < LEAST_OUTPUTS:
        return False
    waited_ns = times.first_output_ns - times.sent_ns
    return times.outputs_ns[-1] - times.first_output_ns <= ONE_PIECE_SHARE * waited_ns


def _options() -> "GatewayOptions":
    from harness.routes.address import GatewayOptions

    return GatewayOptions(collect_log=False, metadata={"gateway_harness": "doctor"})
