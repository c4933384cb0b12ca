"""What is wrong with one answer of a repeated run, by its first cause."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from harness.contract.answer.choices import SaidChoice, ToolCallSaid
from harness.contract.answer.reading import ABSENT, parse_json
from harness.contract.observation import Observation
from harness.contract.topics.tools import mismatch


class ErrorKind(StrEnum):
    """The kinds of error; an answer has the first that fits."""

    NO_ANSWER = "no_answer"
    """An error, no HTTP answer, or an answer that says nothing and bills nothing."""
    CUT = "cut"
    """It broke off, or ended at the limit of its tokens."""
    EMPTY_BUT_BILLED = "empty_but_billed"
    """Completion tokens, and neither text nor call; reasoning alone is no answer."""
    NO_CALL = "no_call"
    UNKNOWN_NAME = "unknown_name"
    """A call of a function that the request does not offer, or not the one that it names."""
    ARGUMENTS = "arguments_not_of_schema"
    CONTENT = "content_not_of_schema"
    """A text that is not of the requested JSON Schema."""


OF_CALLS = (
    ErrorKind.NO_CALL,
    ErrorKind.UNKNOWN_NAME,
    ErrorKind.ARGUMENTS,
    ErrorKind.EMPTY_BUT_BILLED,
    ErrorKind.CUT,
    ErrorKind.NO_ANSWER,
)
"""What an answer to a request with tools can have wrong."""
OF_TEXTS = (ErrorKind.CONTENT, ErrorKind.EMPTY_BUT_BILLED, ErrorKind.CUT, ErrorKind.NO_ANSWER)
"""What an answer to a request without tools can have wrong."""


def judge(seen: Observation) -> ErrorKind | None:
    """The first kind of error of an answer; None for a good one.

    A cause is told once: an empty answer is not counted as one without a call too.
    """
    if not seen.ok:
        return ErrorKind.NO_ANSWER
    if not seen.exchange.whole or any(choice.finish == "length" for choice in seen.choices):
        return ErrorKind.CUT
    if not any(_says(choice) for choice in seen.choices):
        return ErrorKind.EMPTY_BUT_BILLED if seen.completion_tokens else ErrorKind.NO_ANSWER
    if seen.case.asked.get("tools"):
        return _of_calls(seen)
    return _of_text(seen)


def _says(choice: SaidChoice) -> bool:
    return bool(choice.text.strip() or choice.calls or choice.refusal)


def _of_calls(seen: Observation) -> ErrorKind | None:
    calls = [call for choice in seen.choices for call in choice.calls]
    if not calls:
        return ErrorKind.NO_CALL
    offered = _offered(seen.case.asked)
    if any(not isinstance(call.name, str) or call.name not in offered for call in calls):
        return ErrorKind.UNKNOWN_NAME
    wrong = any(mismatch(offered[call.name], _arguments(call)) for call in calls)
    return ErrorKind.ARGUMENTS if wrong else None


def _offered(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters' schemas of the functions that may be called, by name."""
    functions = [tool["function"] for tool in asked["tools"]]
    schemas = {each["name"]: each["parameters"] for each in functions}
    choice = asked.get("tool_choice")
    if isinstance(choice, Mapping):
        name = choice["function"]["name"]
        return {name: schemas[name]}
    return schemas


def _arguments(call: ToolCallSaid) -> Any:
    return _parsed(call.arguments)


def _parsed(text: Any) -> Any:
    return parse_json(text)[0] if isinstance(text, str) else ABSENT


def _of_text(seen: Observation) -> ErrorKind | None:
    form = seen.case.asked.get("response_format")
    if not isinstance(form, Mapping):
        return None
    schema = form["json_schema"]["schema"]
    kept = [_keeps(schema, choice) for choice in seen.choices]
    return None if all(kept) else ErrorKind.CONTENT


def _keeps(schema: Any, choice: SaidChoice) -> bool:
    """Whether a choice has the format, or refuses in the documented way."""
    return bool(choice.refusal) or not mismatch(schema, _parsed(choice.text))
