"""One answer of a repeated run has the first kind of error that fits."""

from typing import Any

import pytest

from harness.contract.case import Case
from harness.contract.repeat.corpus import CORPUS
from harness.contract.repeat.judge import ErrorKind, judge
from harness.errors import TransportError, TransportKind
from harness.wire import End
from tests.contract.answers import MODEL, call, calling, plain, seen


def question(name: str) -> Case:
    found = next(each for each in CORPUS if each.name == name)
    return found.case("native", MODEL, seed=0, round_=0, number=0)


def saying(text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, **message}
    return plain(choices=[{"index": 0, "message": said, "finish_reason": finish}])


UNBILLED = {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9}
ONE, NAMED, NESTED, FORM, LONG = (
    question(name)
    for name in ("one tool", "named tool", "nested schema", "JSON schema", "long prompt")
)
TRIP = '{"traveller":{"name":"Ada","age":36},"legs":[{"to":"Oslo","by":"%s"}]}'
PERSON = '{"name":"Ada","age":36,"tags":[]}'


@pytest.mark.parametrize(
    ("case", "answer", "kind"),
    [
        (ONE, calling(call()), None),
        (ONE, calling(call(), call()), None),
        (ONE, saying("It is noon."), ErrorKind.NO_CALL),
        (ONE, calling(call("search_the_web")), ErrorKind.UNKNOWN_NAME),
        (ONE, calling({"id": "1", "type": "function", "function": {}}), ErrorKind.UNKNOWN_NAME),
        (NAMED, calling(call("get_weather")), ErrorKind.UNKNOWN_NAME),
        (ONE, calling(call(arguments='{"town":"Oslo"}')), ErrorKind.ARGUMENTS),
        (ONE, calling(call(arguments='{"city":"Os')), ErrorKind.ARGUMENTS),
        (ONE, calling(call(arguments={"city": "Oslo"})), ErrorKind.ARGUMENTS),
        (ONE, calling(call(), call(arguments="{}")), ErrorKind.ARGUMENTS),
        (NESTED, calling(call("book_trip", TRIP % "train")), None),
        (NESTED, calling(call("book_trip", TRIP % "balloon")), ErrorKind.ARGUMENTS),
        (ONE, saying(""), ErrorKind.EMPTY_BUT_BILLED),
        (ONE, saying(None, finish="tool_calls"), ErrorKind.EMPTY_BUT_BILLED),
        (ONE, saying(None, reasoning_content="Which tool?"), ErrorKind.EMPTY_BUT_BILLED),
        (ONE, saying(None) | {"usage": UNBILLED}, ErrorKind.NO_ANSWER),
        (ONE, saying("", finish="length"), ErrorKind.CUT),
        (FORM, saying(PERSON), None),
        (FORM, saying('{"name":"Ada"}'), ErrorKind.CONTENT),
        (FORM, saying("Ada, 36"), ErrorKind.CONTENT),
        (FORM, saying(None, refusal="No."), None),
        (LONG, saying("Oslo"), None),
        (LONG, saying(" \n"), ErrorKind.EMPTY_BUT_BILLED),
    ],
)
def test_an_answer_has_the_first_kind_of_error_that_fits(
    case: Case, answer: dict[str, Any], kind: ErrorKind | None
) -> None:
    assert judge(seen(case, answer)) is kind


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_refusal_is_no_answer(status: int) -> None:
    found = seen(ONE, {"error": {"message": "no"}}, status=status)

    assert judge(found) is ErrorKind.NO_ANSWER


def test_an_answer_that_breaks_off_is_cut() -> None:
    error = TransportError(TransportKind.CUT, "the connection ended")
    found = seen(ONE, b'{"choices": [', end=End.CUT, error=error)

    assert judge(found) is ErrorKind.CUT


def test_no_two_requests_of_the_corpus_are_alike() -> None:
    sent = [
        str(question.case("native", MODEL, seed=seed, round_=number, number=place).body)
        for seed in (0, 1)
        for number in range(30)
        for place, question in enumerate(CORPUS)
    ]

    assert len(set(sent)) == len(sent)
