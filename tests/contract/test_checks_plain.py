"""Clauses on plain answers, limits, tools, headers and errors, by hand-written answers."""

from itertools import count
from typing import Any

import pytest

from harness.contract.case import Case
from harness.contract.requests.fixed import CLOCK, SCHEMA
from harness.errors import TransportError, TransportKind
from harness.wire import End
from tests.contract.answers import (
    MODEL,
    asked,
    broken,
    call,
    calling,
    faults,
    gateway_fields,
    plain,
    rejected,
    seen,
)

TOOLS: dict[str, Any] = {"tools": [CLOCK], "tool_choice": "required"}


def said(content: Any, finish: str = "stop", **fields: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return plain(choices=[{"index": 0, "message": message, "finish_reason": finish}], **fields)


def used(completion: int, **details: Any) -> dict[str, Any]:
    counts = {"prompt_tokens": 9, "completion_tokens": completion, "total_tokens": 9 + completion}
    return counts | details


def test_a_good_plain_answer_breaks_no_clause() -> None:
    assert broken(seen(asked(), plain(), headers=gateway_fields())) == set()


@pytest.mark.parametrize(
    ("clause", "document"),
    [
        ("plain-object", plain(object="chat.completion.chunk")),
        ("plain-fields", plain(choices=[])),
        ("plain-fields", plain(id=None)),
        ("plain-choices", plain(choices=[{"index": 0, "message": {"role": "assistant"}}])),
        ("plain-content", said(["a"])),
        ("plain-not-error", plain(error={"message": "boom"})),
        ("plain-bare", {"success": True, "result": plain(), "errors": [], "messages": []}),
        ("created-seconds", plain(created=1_793_491_200_000)),
        ("model-is-asked", plain(model="somebody/else")),
        ("usage-plain", {k: v for k, v in plain().items() if k != "usage"}),
        ("usage-details", plain(usage=used(4, completion_tokens_details={"reasoning_tokens": 5}))),
        ("usage-details", plain(usage=used(4, prompt_tokens_details={"cached_tokens": 10}))),
        ("usage-not-for-nothing", said(None, usage=used(12))),
        (
            "usage-details-integers",
            plain(usage=used(4, prompt_tokens_details={"cached_tokens": "0"})),
        ),
        ("usage-details-integers", plain(usage=used(4, completion_tokens_details=[]))),
        ("tool-none", calling(call())),
    ],
    ids=map(str, count()),
)
def test_a_broken_plain_answer_breaks_its_clause(clause: str, document: dict[str, Any]) -> None:
    assert clause in broken(seen(asked(), document))


@pytest.mark.parametrize(
    ("clause", "body", "media"),
    [
        ("plain-one-json", b'{"id": 1} data: [DONE]', "application/json"),
        ("plain-one-json", b"<html></html>", "text/html"),
        ("plain-one-json", b'data: {"id": 1}\n\n', "text/event-stream"),
        ("plain-one-json", b'{"id": NaN}', "application/json"),
        ("label-json", b"{}", "text/plain"),
        ("body-charset", b"{}", "application/json; charset=latin-1"),
        ("body-names-once", b'{"id": "a", "choices": [], "id": "b"}', "application/json"),
    ],
    ids=map(str, count()),
)
def test_a_body_that_is_no_json_breaks_its_clause(clause: str, body: bytes, media: str) -> None:
    assert clause in broken(seen(asked(), body, media=media))


@pytest.mark.parametrize(
    ("clause", "case", "document"),
    [
        ("max-tokens", asked(max_tokens=3), plain()),
        ("max-tokens", asked(max_tokens=2), said("word " * 40, usage=used(2))),
        ("stop-absent", asked(stop=["wör"]), plain()),
        ("stop-absent", asked(stop="Hello"), plain()),
        ("length-at-limit", asked(max_tokens=40), said("Hello", "length")),
        ("n-choices", asked(n=2), plain()),
        ("logprobs-given", asked(logprobs=True), plain()),
        ("no-template-token", asked(), said("Hello<|im_end|>")),
        ("tool-required", asked(**TOOLS), plain()),
        ("tool-finish", asked(**TOOLS), calling(call(), finish="stop")),
        ("tool-finish", asked(**TOOLS), said("x", "tool_calls")),
        ("tool-declared", asked(**TOOLS), calling(call("rm_rf"))),
        ("tool-arguments-json", asked(**TOOLS), calling(call(arguments='"{}"'))),
        ("tool-shape", asked(**TOOLS), calling(call(arguments={"city": "Oslo"}))),
        ("tool-shape", asked(**TOOLS), calling(call() | {"id": ""})),
        ("tool-arguments-schema", asked(**TOOLS), calling(call(arguments='{"town":"Oslo"}'))),
        ("tool-id-unique", asked(**TOOLS), calling(call(), call())),
        ("json-mode", asked(response_format={"type": "json_object"}), plain()),
        ("json-schema", asked(response_format=SCHEMA), said('{"name": "x"}')),
    ],
    ids=map(str, count()),
)
def test_what_was_asked_and_not_done_breaks_its_clause(
    clause: str, case: Case, document: dict[str, Any]
) -> None:
    assert clause in broken(seen(case, document))


@pytest.mark.parametrize(
    ("case", "document"),
    [
        (asked(max_tokens=4), said("one two three four", "length")),
        (asked(max_tokens=4), said("one two three four")),
        (asked(stop="!"), plain()),
        (asked(**TOOLS), calling(call())),
        (
            asked(tools=[CLOCK], tool_choice={"type": "function", "function": CLOCK["function"]}),
            calling(call(), finish="stop"),
        ),
        (asked(**TOOLS, max_tokens=4), calling(call(arguments='{"ci'), finish="length")),
        (asked(response_format=SCHEMA), said('{"name": "x", "age": 1, "tags": []}')),
        (asked(response_format=SCHEMA, max_tokens=4), said('{"na', "length")),
        (asked(), plain(model="gpt-oss-120b")),
        (asked(), plain(model=f"baseten/{MODEL}")),
        (
            asked(),
            plain(
                choices=[
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {
                            "role": "assistant",
                            "content": None,
                            "reasoning_content": "hm",
                        },
                    }
                ]
            ),
        ),
        (asked(), said("", usage=used(1))),
        (
            asked(n=2, temperature=1),
            plain(
                choices=[
                    {
                        "index": n,
                        "message": {"role": "assistant", "content": "a"},
                        "finish_reason": "stop",
                    }
                    for n in range(2)
                ]
            ),
        ),
    ],
    ids=map(str, count()),
)
def test_legal_answers_break_no_clause(case: Case, document: dict[str, Any]) -> None:
    assert broken(seen(case, document, headers=gateway_fields())) == set()


def _logprob(token: str) -> dict[str, Any]:
    return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": []}


@pytest.mark.parametrize(
    ("tokens", "broken_clause"),
    [
        (["Hello", " wörld", " 😀", "<|end|>"], None),
        (["Hello", " 😀"], "logprobs-spell"),
        (["Hello", " world", " 😀"], "logprobs-spell"),
    ],
    ids=map(str, count()),
)
def test_logprobs_are_a_second_report_of_the_text(
    tokens: list[str], broken_clause: str | None
) -> None:
    document = plain()
    document["choices"][0]["logprobs"] = {"content": [_logprob(t) for t in tokens]}

    found = broken(seen(asked(logprobs=True), document))

    assert ({broken_clause} if broken_clause else set()) == found & {"logprobs-spell"}


@pytest.mark.parametrize(
    ("clause", "fields"),
    [
        ("event-id-echo", [("cf-aig-event-id", "event-2")]),
        ("log-id-form", [("cf-aig-log-id", "1234")]),
        ("step-is-zero", [("cf-aig-step", "1")]),
        ("cache-status-words", [("cf-aig-cache-status", "MAYBE")]),
        ("request-id-is-log-id", [("cf-aig-log-id", "a"), ("cf-aig-request-id", "b")]),
        ("no-secret-back", [("x-debug", "key=secret-key-123")]),
        ("fields-once", [("cf-ray", "1-FRA"), ("cf-ray", "2-FRA")]),
    ],
    ids=map(str, count()),
)
def test_wrong_header_fields_break_their_clause(clause: str, fields: list[tuple[str, str]]) -> None:
    assert clause in broken(seen(asked(), plain(), headers=fields))


@pytest.mark.parametrize("kind", [TransportKind.CUT, TransportKind.RESET, TransportKind.PROTOCOL])
def test_an_answer_that_breaks_off_breaks_one_clause_only(kind: TransportKind) -> None:
    error = TransportError(kind, "127.0.0.1: closed")

    answer = seen(asked(), b'{"id": "chat', end=End.CUT, error=error, headers=gateway_fields())

    assert broken(answer) == {"body-whole"}


@pytest.mark.parametrize(
    ("clauses", "status", "body", "media"),
    [
        ({"error-rejected"}, 200, b"", "application/json"),
        ({"error-4xx"}, 500, b'{"error": {"message": "boom"}}', "application/json"),
        ({"error-parsable", "error-shape"}, 400, b"", "text/plain"),
        ({"error-parsable", "error-shape"}, 400, b"<html>400</html>", "text/html"),
        ({"error-label"}, 400, b'{"error": "no"}', "text/event-stream"),
        (
            {"error-status"},
            424,
            b'{"message": "no", "type": "Bad Request", "code": 400}',
            "application/json",
        ),
        ({"error-shape"}, 422, b'{"detail": [{"msg": "no", "loc": []}]}', "application/json"),
        ({"error-envelope"}, 400, b'{"success": false, "error": ["no"]}', "application/json"),
        (
            {"error-envelope-types"},
            400,
            b'{"success": true, "error": [{"code": 2019, "message": "no"}]}',
            "application/json",
        ),
        (
            {"error-envelope-types"},
            400,
            b'{"success": false, "error": [{"code": 2019, "message": "no"}], "internalCode": 1}',
            "application/json",
        ),
        ({"error-types"}, 400, b'{"message": "no", "code": [400]}', "application/json"),
        ({"error-types"}, 400, b'{"error": {"message": "no", "type": 4}}', "application/json"),
        (
            {"error-code-words"},
            400,
            b'{"error": "no", "error_code": "E1042", "detail": "no"}',
            "application/json",
        ),
        ({"body-charset"}, 400, b'{"error": "no"}', "application/json; charset=latin-1"),
    ],
    ids=map(str, count()),
)
def test_rejections_are_graded(clauses: set[str], status: int, body: bytes, media: str) -> None:
    found = broken(seen(rejected(), body, status=status, media=media))

    assert clauses <= found
    assert "error-rejected" not in found - clauses


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "no", "type": "Bad Request", "code": 400, "request_id": "r1"}',
        b'{"error": "Model not found"}',
        b'{"error": "no", "error_code": "client_error", "detail": "no"}',
        b'{"error": {"message": "no", "type": "x", "param": null, "code": "y"}}',
        b'{"error": {"message": "no", "type": "x", "param": null, "code": 400}}',
        b'{"success": false, "result": [], "error": [{"code": 2019, "message": "n"}]}',
        b'{"success": false, "error": {"message": "Access denied by policy"}}',
    ],
    ids=map(str, count()),
)
def test_every_documented_error_shape_is_accepted(body: bytes) -> None:
    assert broken(seen(rejected(), body, status=400)) == set()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_an_overloaded_target_breaks_no_clause(status: int) -> None:
    answer = seen(asked(), b'{"error": "busy"}', status=status)

    assert broken(answer) == set()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Après 灯台 😀", set()),
        ("Après le café", set()),
        ("Ã", set()),
        ("12 Â°C", set()),
        ("Après 灯台 😀".encode().decode("latin-1"), {"body-encoded-once"}),
        ("déjà vu".encode().decode("cp1252"), {"body-encoded-once"}),
    ],
    ids=map(str, count()),
)
def test_text_that_was_encoded_twice_is_told(text: str, clauses: set[str]) -> None:
    assert broken(seen(asked(), said(text))) & {"body-encoded-once"} == clauses


def test_an_answer_under_an_error_status_is_no_error() -> None:
    answer = seen(asked(), plain(), status=503)

    assert broken(answer) == {"error-no-answer"}


@pytest.mark.parametrize(
    ("asked_for", "came", "clauses"),
    [(2, 2, set()), (2, 1, {"logprobs-top"}), (20, 5, set()), (20, 1, {"logprobs-top"})],
)
def test_as_many_alternatives_come_as_were_asked_for(
    asked_for: int, came: int, clauses: set[str]
) -> None:
    document = plain()
    others = [_logprob(f"t{n}") for n in range(came)]
    tokens = ["Hello", " wörld", " 😀"]
    entries = [_logprob(token) | {"top_logprobs": others} for token in tokens]
    document["choices"][0]["logprobs"] = {"content": entries}

    found = broken(seen(asked(logprobs=True, top_logprobs=asked_for), document))

    assert found & {"logprobs-top"} == clauses


def test_faults_say_what_was_expected_and_what_came() -> None:
    found = faults("usage-sum", seen(asked(), plain(usage=used(4) | {"total_tokens": 14})))

    assert found is not None
    assert str(found[0]) == "expected total 13; came 14; at usage of event 0"


@pytest.mark.parametrize(
    ("named", "whole"),
    [
        ("{}", True),
        ("baseten/{}", True),
        ("{}-2026-11-01", True),
        ("{}-mini", False),
    ],
)
def test_a_model_is_named_whole_whatever_its_prefix(named: str, whole: bool) -> None:
    name = named.format(plain()["model"])

    found = faults("model-whole", seen(asked("compat"), plain(model=name)))

    assert (found == ()) is whole


def test_a_model_whose_name_is_cut_is_not_named_whole() -> None:
    name = plain()["model"].rpartition("-")[0]

    assert faults("model-whole", seen(asked(), plain(model=name)))
    assert faults("model-whole", seen(asked(), plain(model="somebody/else"))) is None
