"""What the checks of a load see and, more important, whom they do not accuse."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.clause import Level
from harness.contract.requests.fixed import CLOCK, SCHEMA, WEATHER
from harness.contract.topics import catalogue
from harness.defects.variants import VARIANTS
from harness.errors import TransportError, TransportKind
from harness.load.clauses import CLAUSES, LEFT_OUT, Checker, asked
from harness.load.prompts import Prompt
from harness.routes.route import ROUTES
from harness.transports.exchange import Exchange
from harness.wire import Chunk, End, Headers, Request, Response
from tests.contract.answers import call, calling, gateway_fields, good_chunks, plain, sse
from tests.load.judged import PLAIN, found

RICH: tuple[Prompt, ...] = (
    {"prompt": "What time is it?", "tools": [CLOCK, WEATHER], "tool_choice": "required"},
    {"prompt": "As JSON.", "response_format": {"type": "json_object"}, "max_tokens": 256},
    {"prompt": "By a schema.", "response_format": SCHEMA, "max_tokens": 256},
    {"prompt": "Stop early.", "stop": ["e"], "n": 2},
    {"prompt": "How sure?", "logprobs": True, "top_logprobs": 2},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "In \u2028 parts."}]}]},
)
"""Lines as a file of prompts may have them."""
SEEN = (
    ("html-200", "plain-one-json"),
    ("empty-200", "body-not-empty"),
    ("no-content", "status-200"),
    ("stream-status-206", "status-200"),
    ("wrong-ct-sse", "label-stream"),
    ("json-labelled-html", "label-json"),
    ("charset-utf16", "body-utf8"),
    ("charset-latin1", "body-charset"),
    ("invalid-utf8", "body-utf8"),
    ("json-cut", "plain-one-json"),
    ("sse-when-not-asked", "plain-one-json"),
    ("stream-dropped", "stream-is-stream"),
    ("cf-envelope-200", "plain-bare"),
    ("missing-done", "stream-done"),
    ("done-lowercase", "sse-done-exact"),
    ("data-after-done", "stream-done-last"),
    ("usage-after-done", "usage-stream"),
    ("bad-json-event", "sse-json"),
    ("field-case", "sse-nothing-hidden"),
    ("chunked-twice", "sse-no-chunk-size"),
    ("done-named", "sse-event-name"),
    ("event-no-data", "sse-event-data"),
    ("bom", "sse-no-bom"),
    ("unterminated-last", "sse-terminated"),
    ("lone-surrogate", "text-whole"),
    ("object-not-chunk", "chunk-object"),
    ("choices-null", "chunk-fields"),
    ("message-for-delta", "chunk-choices"),
    ("content-parts", "chunk-types"),
    ("wrong-choice-index", "chunk-index"),
    ("choices-empty-first", "stream-first-choice"),
    ("id-changes", "stream-one-id"),
    ("created-changes", "stream-one-created"),
    ("role-user", "role-assistant"),
    ("clean-eof-midstream", "finish-once"),
    ("finish-unknown", "finish-known"),
    ("content-after-finish", "finish-is-last"),
    ("in-stream-error-object", "stream-no-error"),
    ("cumulative", "deltas-are-new"),
    ("missing-id", "plain-fields"),
    ("created-milliseconds", "created-seconds"),
    ("fallback-silently", "model-is-asked"),
    ("usage-strings", "usage-integers"),
    ("usage-total-wrong", "usage-sum"),
    ("reasoning-exceeds-completion", "usage-details"),
    ("usage-zero", "usage-positive"),
    ("no-usage-chunk", "usage-stream"),
    ("billed-but-empty", "usage-not-for-nothing"),
    ("usage-shrinks", "usage-cumulative"),
    ("usage-inflated", "max-tokens"),
    ("event-id-changed", "event-id-echo"),
    ("key-echoed", "no-secret-back"),
    ("token-echoed", "no-secret-back"),
    ("answer-under-503", "error-no-answer"),
    ("model-enveloped", "model-unwrapped"),
    ("model-json-cut", "model-json"),
)
SEEN_IN_RICH = (
    ("tools-stripped", "tool-required"),
    ("undeclared-tool", "tool-declared"),
    ("id-missing", "tool-shape"),
    ("args-cut", "tool-arguments-json"),
    ("finish-stop-with-calls", "tool-finish"),
    ("response-format-stripped", "json-mode"),
    ("logprobs-ignored", "logprobs-given"),
)
ANSWERS: dict[str, tuple[str, bytes]] = {
    "calls": ("application/json", json.dumps(calling(call())).encode()),
    "plain": ("application/json", json.dumps(plain()).encode()),
    "stream": ("text/event-stream", sse(good_chunks())),
}
NAMES = (
    *("messages", "prompt", "model", "max_tokens", "max_completion_tokens", "stop", "n", "stream"),
    *("logprobs", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls"),
    *("response_format", "stream_options", "include_stop_str_in_output"),
)
INNER_NAMES = (
    *("type", "function", "name", "strict", "parameters", "json_schema", "schema", "properties"),
    *("enum", "role", "content", "include_usage", "required"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(("", "auto", "none", "required", "json_schema", "json_object", "function")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(INNER_NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(NAMES),
    JSON,
)


def exchange(
    body: bytes, media: str = "application/json", *, status: int = 200, **fields: Any
) -> Exchange:
    """An exchange of a load whose answer came in one piece."""
    sent = Headers((("Authorization", "Bearer secret-key-123"), ("cf-aig-event-id", "event-1")))
    headers = Headers((("content-type", media), *gateway_fields()))
    response = Response(status, headers, (Chunk(body),))
    return Exchange(Request("POST", "", sent, b"{}"), 0, response, **fields)


def test_each_clause_on_single_answers_is_judged_or_left_out_for_a_reason() -> None:
    single = {clause.id for clause in catalogue.CLAUSES if clause.check is not None}
    judged = [clause.id for clause in CLAUSES]

    assert sorted((*judged, *LEFT_OUT)) == sorted(single)
    assert not any(clause.needs for clause in CLAUSES)
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize("variant", [None, *VARIANTS])
def test_no_legal_answer_is_accused(variant: str | None) -> None:
    assert not found(variant=variant, prompts=(*PLAIN, *RICH))


@pytest.mark.parametrize(("defect", "clause"), SEEN)
def test_a_defect_is_seen_in_the_answers_of_a_load(defect: str, clause: str) -> None:
    assert clause in found(defect=defect, levels=(Level.MUST,))


@pytest.mark.parametrize(("defect", "clause"), SEEN_IN_RICH)
def test_what_a_prompt_asks_for_is_judged_too(defect: str, clause: str) -> None:
    assert clause in found(defect=defect, prompts=RICH[:2] + RICH[4:5], levels=(Level.MUST,))


def test_good_practice_is_kept_apart_from_what_is_documented() -> None:
    stream = exchange(sse(good_chunks()), "text/event-stream")
    chunks = good_chunks()
    chunks[1]["choices"][0]["delta"]["role"] = "assistant"
    again = exchange(sse(chunks), "text/event-stream")
    case = asked("native", {"model": "openai/gpt-oss-120b", "stream": True})

    assert Checker().broken(case, stream) == Checker().broken(case, again) == ()
    assert Checker((Level.SHOULD,)).broken(case, again) == ("role-once",)


@pytest.mark.parametrize("kind", [TransportKind.IDLE_TIMEOUT, TransportKind.CUT])
def test_an_answer_that_is_not_whole_is_not_judged(kind: TransportKind) -> None:
    cut = exchange('{"text": "ö'.encode()[:-1], error=TransportError(kind, "it broke off"))
    none = Exchange(cut.request, 0, None, TransportError(kind, "nothing came"))
    assert cut.response is not None
    quiet = Exchange(cut.request, 0, replace(cut.response, end=End.CUT))

    assert Checker().broken(asked("native", {}), cut) is None
    assert Checker().broken(asked("native", {}), none) is None
    assert Checker().broken(asked("native", {}), quiet) is None


def test_an_answer_that_would_take_long_is_not_judged() -> None:
    chunks = good_chunks()
    long = exchange(sse([*chunks[:2], *chunks[1:2] * 2000, *chunks[2:]]), "text/event-stream")
    case = asked("native", {"model": "openai/gpt-oss-120b", "stream": True})

    assert Checker().broken(case, long) is None
    assert Checker(most_bytes=1 << 20).broken(case, long) == ()


def test_a_check_lets_others_read_between_its_parts() -> None:
    stream = exchange(sse(good_chunks()), "text/event-stream")
    breaths: list[bool] = []
    case = asked("native", {"stream": True})
    Checker().broken(case, stream, lambda: breaths.append(True))
    assert len(breaths) > 8


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"Internal Server Error"),
        (502, b"<html>Bad gateway</html>"),
        (429, b"slow down"),
        (529, b""),
        (401, b'{"error": {"message": "who are you?", "type": "auth", "code": null}}'),
        (404, b'{"message": "no such model"}'),
    ],
)
def test_a_refusal_in_its_form_and_an_overload_in_any_are_not_accused(
    status: int, body: bytes
) -> None:
    assert Checker().broken(asked("native", {}), exchange(body, status=status)) == ()


def test_a_refusal_without_a_word_is_accused() -> None:
    assert Checker().broken(asked("native", {}), exchange(b"no", status=400)) == ("error-parsable",)


@settings(deadline=None)
@given(route=st.sampled_from(ROUTES), fields=FIELDS, kind=st.sampled_from([*ANSWERS]))
def test_nothing_that_a_prompt_asks_for_makes_a_check_break(
    route: str, fields: dict[str, Any], kind: str
) -> None:
    media, body = ANSWERS[kind]

    for status in (200, 400):
        answer = exchange(body, media, status=status)
        assert Checker(tuple(Level)).broken(asked(route, fields), answer) is not None


@pytest.mark.parametrize(
    ("first", "heavy"),
    [
        ("", ("gevent", "httpx", "hypothesis", "numpy", "pydantic", "pytest", "respx", "asyncio")),
        ("import locust;", ("httpx", "hypothesis", "pytest", "respx")),
    ],
)
def test_a_process_of_a_load_gets_nothing_heavy_with_the_checks(
    first: str, heavy: tuple[str, ...]
) -> None:
    code = f"import sys; {first} import harness.load.clauses; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )

    assert not {*heavy} & {*done.stdout.split()}
