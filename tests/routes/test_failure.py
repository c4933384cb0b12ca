"""Every error shape on the way to Baseten becomes one Failure that says who failed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import Failure, Layer
from harness.routes.failure import Shape, failure_of, is_error, parse_failure
from harness.wire import Headers

JSON = (("content-type", "application/json"),)
RELAYED = (*JSON, ("cf-aig-log-id", "01"), ("cf-aig-step", "0"))
TRUSS = (*JSON, ("X-BASETEN-ERROR-SOURCE", "04"), ("X-BASETEN-ERROR-CODE", "600"))
FOUR_FIELDS = {
    "success": False,
    "result": [],
    "messages": [],
    "error": [{"code": 2009, "message": "Unauthorized"}],
}
SEVEN_FIELDS = {**FOUR_FIELDS, "name": "AiGatewayError", "httpCode": 401, "internalCode": 2009}
NINE_FIELDS = {**SEVEN_FIELDS, "message": "Unauthorized", "description": "Unauthorized"}


def read(
    status: int, document: Any, fields: tuple[tuple[str, str], ...] = JSON
) -> tuple[str, str, str | None, str, bool]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    failure = parse_failure(status, Headers(fields), body)
    assert failure.status == status
    return failure.layer, failure.shape, failure.code, failure.message, failure.retryable


def gateway(status: int, code: int, message: str) -> dict[str, Any]:
    return {
        **NINE_FIELDS,
        "error": [{"code": code, "message": message}],
        "httpCode": status,
        "internalCode": code,
        "message": message,
        "description": message,
    }


@pytest.mark.parametrize(
    "document",
    [
        FOUR_FIELDS,
        SEVEN_FIELDS,
        NINE_FIELDS,
        {**FOUR_FIELDS, "error": None, "errors": FOUR_FIELDS["error"]},
        {"success": False, "errors": [{"code": 2009, "message": "Unauthorized"}]},
        {"error": [{"code": "2009", "message": "Unauthorized"}]},
    ],
)
def test_each_form_of_the_gateway_envelope_is_the_gateways(document: Any) -> None:
    assert read(401, document) == ("gateway", "envelope", "2009", "Unauthorized", False)


@pytest.mark.parametrize(
    ("status", "code", "message", "layer", "retryable"),
    [
        (400, 2001, "Please configure AI Gateway", "gateway", False),
        (429, 2003, "Rate limited", "gateway", True),
        (400, 2005, "Failed to get response from provider", "provider", True),
        (400, 2008, "Invalid provider", "gateway", False),
        (424, 2016, "blocked", "gateway", False),
        (429, 2018, "Wholesale Rate limited", "gateway", True),
        (400, 2019, "Chat completion bad format", "gateway", False),
        (402, 2021, "no credits", "gateway", False),
        (400, 2029, "DLP", "gateway", False),
        (429, 2041, "Spend limit exceeded: rule 'r'", "gateway", False),
        (429, 2045, "Spend limit exceeded: rule 'r'", "gateway", False),
        (429, 2099, "Spend limit exceeded: rule 'r'", "gateway", False),
        (503, 7013, "scanner down", "gateway", True),
    ],
)
def test_a_gateway_code_decides_layer_and_retry(
    status: int, code: int, message: str, layer: str, *, retryable: bool
) -> None:
    expected = (layer, "envelope", str(code), message, retryable)

    assert read(status, gateway(status, code, message)) == expected


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (
            403,
            {"success": False, "error": {"message": "Access denied by policy"}},
            ("gateway", "policy", None, "Access denied by policy", False),
        ),
        (
            429,
            {
                "success": False,
                "error": {"message": "Spending limit exceeded", "bucket": "b", "limit": 1000},
            },
            ("gateway", "policy", None, "Spending limit exceeded", False),
        ),
        (
            402,
            {"error": {"message": "Insufficient", "type": "gateway_error", "code": None}},
            ("gateway", "openai", "gateway_error", "Insufficient", False),
        ),
        (
            401,
            {"error": {"message": "bad", "type": "t", "param": None, "code": "invalid_api_key"}},
            ("provider", "openai", "invalid_api_key", "bad", False),
        ),
        (
            400,
            {"error": {"message": "bad", "type": "BadRequest", "code": 400}},
            ("provider", "openai", "400", "bad", False),
        ),
        (
            400,
            {"type": "error", "request_id": "r", "error": {"type": "invalid", "message": "bad"}},
            ("provider", "anthropic", "invalid", "bad", False),
        ),
        (
            400,
            {"message": "no images", "type": "Bad Request", "code": 400, "request_id": "r1"},
            ("provider", "flat", "400", "no images", False),
        ),
        (
            429,
            {"message": "Rate limit exceeded", "type": "Too Many Requests", "code": 429},
            ("provider", "flat", "429", "Rate limit exceeded", True),
        ),
        (
            529,
            {"message": "full", "type": "Service Overloaded", "code": 529},
            ("provider", "flat", "529", "full", True),
        ),
        (404, {"error": "Model not found"}, ("provider", "string", None, "Model not found", False)),
        (
            503,
            {"error": "not yet", "error_code": "model_not_ready", "detail": "…"},
            ("provider", "predict", "model_not_ready", "not yet", True),
        ),
        (
            500,
            {"error": "boom", "error_code": "application_error"},
            ("model", "predict", "application_error", "boom", True),
        ),
        (
            400,
            {"error_code": "client_error", "detail": "bad"},
            ("provider", "predict", "client_error", "bad", False),
        ),
        (
            422,
            {"detail": [{"loc": ["body"], "msg": "Field required"}]},
            (
                "provider",
                "detail",
                None,
                '[{"loc": ["body"], "msg": "Field required"}]',
                False,
            ),
        ),
        (500, {"what": 1}, ("provider", "json", None, '{"what": 1}', True)),
        (500, "boom", ("provider", "json", None, "boom", True)),
        (500, None, ("provider", "json", None, "", True)),
        (500, [1], ("provider", "json", None, "[1]", True)),
    ],
)
def test_each_shape_has_its_layer_code_message_and_retry(
    status: int, document: Any, expected: tuple[str, str, str | None, str, bool]
) -> None:
    assert read(status, document, RELAYED) == expected


def test_the_model_server_says_that_it_was_the_model() -> None:
    crashed = {"error": "Internal Server Error (in model/chainlet)."}

    assert read(500, crashed, TRUSS)[0] is Layer.MODEL
    assert read(500, crashed)[0] is Layer.PROVIDER


@pytest.mark.parametrize(
    ("status", "body", "fields", "expected"),
    [
        (
            403,
            b"error code: 1010",
            (("cf-ray", "x"),),
            ("edge", "text", "1010", "error code: 1010", False),
        ),
        (
            502,
            b"<!DOCTYPE html><html><head><title>gw | 502:\n Bad &amp; gateway</title>",
            (("cf-ray", "x"), ("content-type", "text/html; charset=UTF-8")),
            ("edge", "html", None, "gw | 502: Bad & gateway", True),
        ),
        (
            524,
            b"<html>A timeout occurred. Error code 524</html>",
            (),
            ("edge", "html", "524", "<html>A timeout occurred. Error code 524</html>", True),
        ),
        (502, b"", (), ("edge", "empty", None, "", True)),
        (502, b" \r\n", (), ("edge", "empty", None, "", True)),
        (502, b"", RELAYED, ("provider", "empty", None, "", True)),
        (
            502,
            b"<html><title>nginx</title></html>",
            RELAYED,
            ("provider", "html", None, "nginx", True),
        ),
        (500, b"upstream says no", RELAYED, ("provider", "text", None, "upstream says no", True)),
        (499, b"", RELAYED, ("client", "empty", None, "", False)),
        (400, b'{"error": "cut', RELAYED, ("provider", "text", None, '{"error": "cut', False)),
        (
            500,
            b'data: {"error": {"message": "boom", "code": 500}}\n\ndata: [DONE]\n\n',
            RELAYED,
            ("provider", "openai", "500", "boom", True),
        ),
        (
            500,
            b'event: error\ndata: {"message": "boom", "code": 500}',
            RELAYED,
            ("provider", "flat", "500", "boom", True),
        ),
    ],
)
def test_a_body_that_is_no_json_is_judged_by_its_headers(
    status: int,
    body: bytes,
    fields: tuple[tuple[str, str], ...],
    expected: tuple[str, str, str | None, str, bool],
) -> None:
    assert read(status, body, fields) == expected


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (400, False),
        (401, False),
        (403, False),
        (404, False),
        (408, True),
        (409, True),
        (413, False),
        (422, False),
        (424, False),
        (429, True),
        (499, False),
        (500, True),
        (501, False),
        (502, True),
        (503, True),
        (504, True),
        (524, True),
        (529, True),
        (302, False),
    ],
)
def test_without_a_known_code_the_status_decides_the_retry(status: int, *, retryable: bool) -> None:
    assert read(status, b"")[4] is retryable


@pytest.mark.parametrize(("said", "retryable"), [("true", True), ("false", False)])
def test_the_server_s_own_word_on_retries_comes_first(said: str, *, retryable: bool) -> None:
    status = 400 if retryable else 429

    assert read(status, b"", (("x-should-retry", said),))[4] is retryable


def test_an_error_inside_a_success_takes_the_status_it_names() -> None:
    document = {"error": {"message": "boom", "type": "internal_server_error", "code": 500}}

    failure = failure_of(document, 200, Headers())

    assert failure == Failure(Layer.PROVIDER, Shape.OPENAI, 500, "500", "boom", retryable=True)


@pytest.mark.parametrize(
    ("document", "status", "retryable"),
    [
        ({"error": "boom"}, 200, True),
        ({"error": {"message": "bad", "type": "invalid_request_error"}}, 200, False),
        ({"error": {"message": "bad", "code": 400}}, 400, False),
        ({"success": False, "errors": [{"code": 2003}], "httpCode": 429}, 429, True),
        ({"message": "boom", "code": 99}, 200, True),
    ],
)
def test_an_error_inside_a_success_can_be_retried_unless_it_says_otherwise(
    document: Any, status: int, *, retryable: bool
) -> None:
    failure = failure_of(document, 200, Headers())

    assert (failure.status, failure.retryable) == (status, retryable)


def test_an_error_told_without_a_document_keeps_its_text() -> None:
    failure = failure_of(None, 200, Headers(), message="backend gone")

    assert (failure.shape, failure.message) == ("text", "backend gone")


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [], "message": "x", "code": 1},
        {"type": "ping"},
        {"warning": "slow"},
        {"error": None},
        {"success": True, "errors": [], "result": {}},
        {"message": {"role": "assistant"}, "type": "x"},
        [],
        "error",
        None,
    ],
)
def test_what_only_looks_like_an_error_is_none(document: Any) -> None:
    assert not is_error(document)


def test_a_message_is_cut_and_fits_any_file() -> None:
    message = read(500, b'{"error": "\\ud83d' + b"x" * 10_000 + b'"}')[3]

    assert message.startswith("\\ud83dxxx")
    assert len(message) < 600


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"error":' * 100_000,
        b'{"error": {"message": ' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"error": {"code": ' + b"9" * 4000 + b"}}",
        b'{"error": {"code": ' + b"9" * 5000 + b"}}",
        b"\xff\xfe\x00",
        b"<html" * 100_000,
        b"data: \xff\n\n",
    ],
)
def test_a_hostile_body_is_a_failure_like_any_other(body: bytes) -> None:
    read(500, body)


NAMES = st.sampled_from(
    [
        *("code", "detail", "error", "error_code", "errors", "httpCode", "internalCode"),
        *("message", "name", "success", "type"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "code",
                    "detail",
                    "error",
                    "error_code",
                    "errors",
                    "httpCode",
                    "internalCode",
                    "message",
                    "name",
                    "success",
                    "type",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(VALUES, st.integers(300, 599), st.sampled_from([(), JSON, RELAYED, TRUSS]))
def test_any_json_is_a_failure(
    document: Any, status: int, fields: tuple[tuple[str, str], ...]
) -> None:
    body = json.dumps(document).encode()

    failure = parse_failure(status, Headers(fields), body)

    assert failure.shape in set(Shape)
    assert failure.code is None or len(failure.code) <= 400
    assert failure.message.isprintable() or failure.message.encode()


@given(st.binary(max_size=60), st.integers(300, 599))
def test_any_bytes_are_a_failure(body: bytes, status: int) -> None:
    assert parse_failure(status, Headers(), body).status == status
