"""When the provider stopped working on an answer that a client left."""

import pytest

from harness.defects.make import make_gateway
from harness.gateway.ledger import RequestLog
from harness.wire import Headers, Request

REQUEST = Request(
    "POST",
    "/v1/acc/gw/baseten/model/abcd1234",
    Headers([("authorization", "Bearer baseten-key")]),
    b'{"prompt":"Hi","stream":true}',
)


@pytest.mark.parametrize(
    ("defect", "end", "early"),
    [
        (None, "complete", False),
        (None, "disconnected", True),
        ("disconnect-not-propagated", "disconnected", False),
    ],
)
def test_generation_ends_with_the_answer_or_with_its_client(
    defect: str | None, end: str, *, early: bool
) -> None:
    gateway = make_gateway(defect=defect)
    response = gateway.handle(REQUEST, 0)
    seen = RequestLog().record(REQUEST, response, arrived_ns=1_000, entry=gateway.log[-1])
    seen.end, seen.ended_ns = end, 6_000

    until_ns = seen.as_dict()["generated_until_ns"]

    assert until_ns == (6_000 if early else 1_000 + response.end_at_ns)
