"""The dedicated model of the stand-in provider."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.behaviour import Behaviour
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.timing import Timing
from harness.wire import Request

Ask = Callable[..., Request]


@given(
    document=st.one_of(
        st.text(), st.integers(), st.lists(st.text()), st.dictionaries(st.text(), st.integers())
    )
)
def test_any_json_is_answered(predict: Ask, document: Any) -> None:
    response = Gateway().handle(predict(document), 0)

    assert response.status == 200
    assert json.loads(response.body)["output"]


def test_the_limit_is_obeyed_and_does_not_change_the_beginning(predict: Ask) -> None:
    gateway = Gateway()

    whole = json.loads(gateway.handle(predict({"prompt": "x"}), 0).body)
    short = json.loads(gateway.handle(predict({"prompt": "x", "max_tokens": 5}), 0).body)

    assert whole["output"].startswith(short["output"])
    assert short["usage"]["completion_tokens"] == 5


def test_a_stream_is_raw_text_without_framing(predict: Ask) -> None:
    gateway = Gateway(Config(timing=Timing(ttft_ns=50, itl_ns=10, tokens=4)))

    stream = gateway.handle(predict({"prompt": "x", "stream": True}), 0)
    plain = json.loads(gateway.handle(predict({"prompt": "x"}), 0).body)

    assert stream.media_type == "application/octet-stream"
    assert [chunk.at_ns for chunk in stream.chunks] == [50, 60, 70, 80]
    assert stream.body.decode() == plain["output"]


def test_accept_does_not_decide_unless_switched_on(predict: Ask) -> None:
    asked = predict({"prompt": "x", "stream": True}, headers={"Accept": "application/json"})
    gathering = Gateway(Config(behaviour=Behaviour(predict_gathers_for_json=True)))

    assert len(Gateway().handle(asked, 0).chunks) > 1
    assert len(gathering.handle(asked, 0).chunks) == 1


@pytest.mark.parametrize("path", ["other", "abcd1234/predict", "", "ABCD1234"])
def test_an_unknown_model_is_404(predict: Ask, path: str) -> None:
    asked = replace(predict(), url=f"/v1/acc/gw/baseten/model/{path}")

    response = Gateway().handle(asked, 0)

    assert response.status == 404
    assert json.loads(response.body)["error_code"] == "model_does_not_exist"


def test_a_percent_encoded_model_is_the_same_model(predict: Ask) -> None:
    asked = replace(predict(), url="/v1/acc/gw/baseten/model/abcd%31234")

    assert Gateway().handle(asked, 0).status == 200


def test_a_body_that_is_no_json_is_the_model_servers_400(predict: Ask) -> None:
    response = Gateway().handle(replace(predict(), body=b"{"), 0)

    assert response.status == 400
    assert json.loads(response.body)["error"].startswith("Invalid JSON payload: ")
    assert "x-baseten-error-source" in response.headers


def test_no_content_type_is_needed(predict: Ask) -> None:
    asked = predict()

    assert (
        Gateway().handle(replace(asked, headers=asked.headers.without("content-type")), 0).status
        == 200
    )


def test_the_prompt_is_never_echoed(predict: Ask) -> None:
    response = Gateway().handle(predict({"prompt": "nonce-4711"}), 0)

    assert b"nonce-4711" not in response.body
