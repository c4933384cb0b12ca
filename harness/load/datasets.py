"""Lines of other tools' datasets as lines of ours: the same columns by another name.

Read are OpenAI's batch files (`body`), ShareGPT's conversations as vLLM reads them (what the first
person asks), `text` and `text_input` of AIPerf and GenAI-Perf, AIPerf's `turns`, and the output
lengths of vLLM (`output_tokens`), guidellm (`output_tokens_count`) and AIPerf (`output_length`).
What a line says besides of itself, such as its id, is no field of a request.
"""

from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError

Line = dict[str, Any]

_TEXTS = ("text", "text_input")
_OUTPUTS = ("output_tokens", "output_tokens_count", "output_length")
_INPUTS = ("prompt_tokens_count", "input_length", "input_tokens", "prompt_len")
_ASIDE = ("id", "custom_id", "method", "url", "session_id", "delay", "conversations", "role")
_PEOPLE = ("human", "user")
_OTHERS = {
    "texts": 'AIPerf\'s batches; write one line with "prompt" for each',
    "instruction": 'a column of guidellm; rename it to "prompt"',
    "question": 'a column of guidellm; rename it to "prompt"',
    "hash_ids": "a line of a trace; give the file to --trace",
    "timestamp": "a line of a trace; give the file to --trace",
}


def as_line(document: Line, number: int) -> Line:
    """A line of a known dataset as one of ours, any other one as it is.

    UsageError, without the name of the file, for what is known and cannot be read.
    """
    line = _asked(document, number)
    if not any(name in line for name in ("prompt", "messages", "turns")):
        for name, what in _OTHERS.items():
            if name in line:
                raise UsageError(f', line {number}: "{name}" is {what}')
    if line is not document:
        line = {name: value for name, value in line.items() if name not in _ASIDE}
    line = _with_output({name: each for name, each in line.items() if name not in _INPUTS})
    check_stream(line, number)
    return line


def check_stream(line: Mapping[str, Any], number: int) -> None:
    """UsageError where a line says of `stream` what no server takes."""
    stream = line.get("stream", True)
    if not isinstance(stream, bool):
        raise UsageError(f', line {number}: "stream": expected true or false, got {stream!r}')
    if not stream and line.get("stream_options") is not None:
        raise UsageError(
            f', line {number}: "stream_options" with "stream": false; servers refuse that'
        )


def _asked(line: Line, number: int) -> Line:
    """The line with `prompt`, `messages` or `turns`, if it has them under another name."""
    if isinstance(line.get("body"), dict) and "custom_id" in line:
        return {name: value for name, value in line["body"].items() if name != "model"}
    if "prompt" in line or "messages" in line:
        return line
    if isinstance(line.get("conversations"), list):
        return {**line, "messages": _first_question(line["conversations"], number)}
    if isinstance(line.get("turns"), list) and any(map(_of_aiperf, line["turns"])):
        return {**line, "turns": [_turn(each) for each in line["turns"]]}
    for name in _TEXTS:
        if isinstance(line.get(name), str):
            rest = {other: value for other, value in line.items() if other != name}
            return {"prompt": line[name], **rest}
    return line


def _first_question(said: list[Any], number: int) -> list[dict[str, str]]:
    """The messages up to the first of a person."""
    opening: list[dict[str, str]] = []
    for each in said:
        told = each if isinstance(each, dict) else {}
        who, text = told.get("from"), told.get("value")
        if isinstance(text, str) and who in _PEOPLE:
            return [*opening, {"role": "user", "content": text}]
        if isinstance(text, str) and who == "system":
            opening.append({"role": "system", "content": text})
    raise UsageError(f', line {number}: "conversations": nobody asks anything in it')


def _of_aiperf(turn: Any) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("text"), str) and "content" not in turn


def _turn(turn: Any) -> Any:
    """A turn of AIPerf, whose `delay` is in milliseconds."""
    if not _of_aiperf(turn):
        return turn
    told = {"content": turn["text"]}
    delay = turn.get("delay")
    return {**told, "wait": delay / 1e3} if isinstance(delay, int | float) else told


def _with_output(line: Line) -> Line:
    """The line with its output length as the field of a request."""
    found = next((line[name] for name in _OUTPUTS if isinstance(line.get(name), int)), None)
    if found is None:
        return line
    rest = {name: value for name, value in line.items() if name not in _OUTPUTS}
    return {"max_tokens": found, **rest}
