"""The model hears of a client that leaves before the end of its answer, on both faces."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from harness.defects.make import make_gateway
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.respx import Mocked, mocked
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing

PATH = "/v1/acc/gw/baseten/v1/chat/completions"
BODY = {
    "model": "openai/gpt-oss-120b",
    "messages": [{"role": "user", "content": "Tell me more."}],
    "stream": True,
    "max_tokens": 200,
}
SLOW = Config(timing=Timing(itl_ns=5_000_000, tokens=100))
Face = Callable[[Gateway], AbstractContextManager[LocalGateway | Mocked]]
FIELDS = {"authorization": "Bearer baseten-key", "content-type": "application/json"}


@pytest.mark.parametrize("face", [LocalGateway, mocked])
@pytest.mark.parametrize(("reads_all", "status"), [(True, 200), (False, 500)])
def test_the_next_request_meets_the_defect_only_after_one_that_left(
    face: Face, reads_all: bool, status: int
) -> None:
    gateway = make_gateway(SLOW, defect="left-then-500")
    with face(gateway) as served, httpx.Client(base_url=served.url, headers=FIELDS) as client:
        with client.stream("POST", PATH, content=json.dumps(BODY)) as response:
            if reads_all:
                response.read()
            else:
                next(response.iter_raw())
        time.sleep(0 if reads_all else 0.009)

        found = client.post(PATH, content=json.dumps({**BODY, "max_tokens": 2}))
        after = client.post(PATH, content=json.dumps({**BODY, "max_tokens": 2}))

    assert (found.status_code, after.status_code) == (status, 200)
