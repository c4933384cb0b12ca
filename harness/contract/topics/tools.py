"""Tool calls and requested formats, by the schemas that the request declared."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from harness.contract.answer.choices import SaidChoice, ToolCallSaid
from harness.contract.answer.reading import ABSENT, parse_json
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level
from harness.contract.fault import fault, is_int, is_text, shown, told
from harness.contract.observation import Observation
from harness.contract.requests.given import given
from harness.contract.topics.sources import CHAT, CHUNK, COMPLETION, REQUEST
from harness.contract.topics.topic import Topic

topic = Topic("tools", routes=CHAT, evidence=EvidenceGrade.SPECIFIED, source=REQUEST)


def said_calls(seen: Observation) -> list[tuple[SaidChoice, ToolCallSaid]]:
    """The calls of a good answer, each with its choice."""
    return [(choice, call) for choice in seen.choices for call in choice.calls] if seen.good else []


def declared_functions(seen: Observation) -> dict[str, Mapping[str, Any]]:
    """The declared functions of the request by name."""
    tools = seen.case.asked.get("tools")
    listed = tools if isinstance(tools, list) else []
    listed = [tool.get("function") for tool in listed if isinstance(tool, dict)]
    return {f["name"]: f for f in listed if isinstance(f, dict) and is_text(f.get("name"))}


@topic.exchange(
    "tool-shape",
    Level.MUST,
    why="Agents cannot answer a call without id; an object as arguments prints as [object Object].",
    source=COMPLETION,
)
def calls_have_their_shape(seen: Observation) -> Finding:
    """A call has an id, type function, a name and arguments as text."""
    calls = said_calls(seen)
    return tuple(f for _, call in calls for f in _shape(call))[:4] if calls else None


def _shape(call: ToolCallSaid) -> Iterator[Fault]:
    where = f"tool_calls[{call.index}]"
    if not is_text(call.id):
        yield fault("id: non-empty string", call.id, where)
    if call.kind != "function":
        yield fault("type 'function'", call.kind, where)
    if not is_text(call.name):
        yield fault("function.name: non-empty string", call.name, where)
    if not isinstance(call.arguments, str):
        yield fault("function.arguments: JSON as a string", call.arguments, where)


@topic.exchange("tool-index", Level.MUST, why="Clients merge all calls into one.", source=CHUNK)
def stream_calls_have_an_index(seen: Observation) -> Finding:
    """Each tool-call delta has an integer index."""
    parts = list(_parts(seen)) if seen.good and seen.case.stream else []
    if not parts:
        return None
    return tuple(
        fault("delta.tool_calls[].index: integer", part.get("index"), f"event {number}")
        for number, part in parts
        if not is_int(part.get("index"))
    )[:2]


@topic.exchange(
    "tool-index-own",
    Level.MUST,
    why="Arguments of both calls are joined into one broken text.",
    source=CHUNK,
)
def calls_do_not_share_an_index(seen: Observation) -> Finding:
    """Two calls of a stream have two indexes."""
    parts = list(_parts(seen)) if seen.good and seen.case.stream else []
    if not parts:
        return None
    names: dict[Any, str] = {}
    for number, part in parts:
        index, name = repr(part.get("index")), part.get("id")
        if is_text(name) and names.setdefault(index, str(name)) != name:
            came = f"index {index} for {names[index]!r} and {name!r}"
            return (told("an index for each call", came, f"event {number}"),)
    return ()


def _parts(seen: Observation) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, document in seen.documents:
        listed = document.get("choices")
        for choice in listed if isinstance(listed, list) else ():
            delta = choice.get("delta") if isinstance(choice, dict) else None
            calls = delta.get("tool_calls") if isinstance(delta, dict) else None
            for part in calls if isinstance(calls, list) else ():
                if isinstance(part, dict):
                    yield number, part


@topic.exchange(
    "tool-one-delta",
    Level.MUST,
    why="The `.stream()` helpers of openai-python 1 and 2 raise on the second.",
    evidence=EvidenceGrade.OBSERVED,
    source="basetenlabs/langchain-baseten, chat_models.py",
)
def one_delta_per_call(seen: Observation) -> Finding:
    """A delta holds each call index once."""
    if not seen.good or not seen.case.stream:
        return None
    counts: dict[int, list[str]] = {}
    for number, part in _parts(seen):
        counts.setdefault(number, []).append(repr(part.get("index")))
    if not counts:
        return None
    return tuple(
        told("each index once in a delta", f"indexes {', '.join(indexes)}", f"event {number}")
        for number, indexes in counts.items()
        if len(indexes) > len(set(indexes))
    )[:1]


@topic.exchange(
    "tool-id-unique", Level.MUST, why="Results are attached to the wrong call.", source=COMPLETION
)
def call_ids_are_unique(seen: Observation) -> Finding:
    """Two calls of an answer have two ids."""
    ids = [call.id for _, call in said_calls(seen) if is_text(call.id)]
    if not ids:
        return None
    return () if len(ids) == len(set(ids)) else (fault("different ids", ids, "tool_calls[].id"),)


@topic.exchange("tool-declared", Level.MUST, why="The agent has nothing to run.")
def only_declared_tools_are_called(seen: Observation) -> Finding:
    """A call names a declared function."""
    calls, declared = said_calls(seen), declared_functions(seen)
    if not calls:
        return None
    return tuple(
        fault(f"one of {sorted(declared)}", call.name, f"tool_calls[{call.index}].function.name")
        for _, call in calls
        if not is_text(call.name) or call.name not in declared
    )


@topic.exchange(
    "tool-arguments-json",
    Level.MUST,
    why="json.loads fails, or yields a string, in every agent.",
    source=COMPLETION,
)
def arguments_are_a_json_object(seen: Observation) -> Finding:
    """Joined arguments are a JSON object."""
    calls = [(choice, call) for choice, call in said_calls(seen) if choice.finish != "length"]
    if not calls:
        return None
    return tuple(
        fault("a JSON object as text", call.arguments, f"tool_calls[{call.index}].arguments")
        for _, call in calls
        if not isinstance(parsed(call.arguments), dict)
    )


@topic.exchange(
    "tool-arguments-schema",
    Level.MUST,
    why="A key lost or renamed on the way calls the function wrongly.",
)
def arguments_keep_their_schema(seen: Observation) -> Finding:
    """Arguments of a strict function validate against its parameters."""
    declared = declared_functions(seen)
    judged = [
        (call, declared[call.name]["parameters"])
        for choice, call in said_calls(seen)
        if choice.finish != "length" and is_text(call.name) and call.name in declared
        if declared[call.name].get("strict") is True and "parameters" in declared[call.name]
    ]
    if not judged:
        return None
    return tuple(
        told(f"arguments valid against {shown(schema)}", f"{complaint}", f"tool {call.name}")
        for call, schema in judged
        if (complaint := mismatch(schema, parsed(call.arguments)))
    )


@topic.exchange(
    "tool-required",
    Level.MUST,
    why="An agent that forces a tool gets prose: the tools were dropped on the way.",
)
def a_required_call_comes(seen: Observation) -> Finding:
    """A required or named tool is called."""
    choice = seen.case.asked.get("tool_choice")
    function = choice.get("function") if isinstance(choice, dict) else None
    named = function.get("name") if isinstance(function, dict) else None
    if not seen.good or (choice != "required" and named is None) or not seen.choices:
        return None
    if any(c.finish == "length" for c in seen.choices):
        return None
    names = [call.name for _, call in said_calls(seen)]
    if names and (named is None or all(name == named for name in names)):
        return ()
    wanted = f"a call of {named}" if named else "a tool call"
    if names:
        return (fault(wanted, names, "tool_calls"),)
    return (told(wanted, f"none; content {shown(seen.choices[0].text)}", "tool_calls"),)


@topic.exchange(
    "tool-parallel",
    Level.MUST,
    why="Agents that run one tool at a time drop the second call.",
    routes=("native",),
)
def one_call_where_parallel_is_off(seen: Observation) -> Finding:
    """With `parallel_tool_calls: false` one call comes at most."""
    if not seen.good or seen.case.asked.get("parallel_tool_calls") is not False:
        return None
    return tuple(
        fault("one call at most", [call.name for call in choice.calls], f"choice {choice.index}")
        for choice in seen.choices
        if len(choice.calls) > 1
    )


@topic.exchange("tool-none", Level.MUST, why="A caller that did not offer tools cannot handle one.")
def no_call_comes_when_forbidden(seen: Observation) -> Finding:
    """No call comes without tools or with tool_choice none."""
    asked = seen.case.asked
    if (
        not seen.good
        or not seen.choices
        or (asked.get("tools") and asked.get("tool_choice") != "none")
    ):
        return None
    return tuple(
        fault("no tool call", call.name, f"tool_calls[{call.index}]")
        for _, call in said_calls(seen)
    )


@topic.exchange(
    "tool-finish",
    Level.MUST,
    why="Agents that look at the finish reason stop early.",
    source=COMPLETION,
)
def finish_agrees_with_calls(seen: Observation) -> Finding:
    """`tool_calls` is the finish reason exactly of answers with calls.

    A named function may finish with `stop`, as OpenAI documents; a cut answer says `length`.
    """
    if not seen.good or not seen.choices or not seen.case.asked.get("tools"):
        return None
    named = isinstance(seen.case.asked.get("tool_choice"), dict)
    faults = []
    for choice in seen.choices:
        where = f"choice {choice.index}"
        if choice.finish == "tool_calls" and not choice.calls:
            faults.append(told("calls with finish_reason 'tool_calls'", "no call", where))
        elif choice.calls and choice.finish == "stop" and not named:
            faults.append(fault("finish_reason 'tool_calls'", choice.finish, where))
    return tuple(faults)


@topic.exchange("json-mode", Level.MUST, why="json.loads fails on the caller's side.")
def json_mode_gives_json(seen: Observation) -> Finding:
    """A json_object or json_schema answer is a JSON object."""
    texts = formatted_texts(seen, ("json_object", "json_schema"))
    if not texts:
        return None
    return tuple(
        fault("a JSON object as content", text, "content")
        for text in texts
        if not isinstance(parsed(text), dict)
    )


@topic.exchange(
    "json-schema", Level.MUST, why="Typed parsing fails: response_format was dropped on the way."
)
def json_schema_is_kept(seen: Observation) -> Finding:
    """A strict json_schema answer validates against the schema."""
    texts = formatted_texts(seen, ("json_schema",))
    wanted = seen.case.asked.get("response_format", {}).get("json_schema", {}) if texts else {}
    if not texts or wanted.get("strict") is not True:
        return None
    return tuple(
        told(f"content valid against {shown(wanted['schema'])}", f"{complaint}", "content")
        for text in texts
        if (complaint := mismatch(wanted["schema"], parsed(text)))
    )


def formatted_texts(seen: Observation, kinds: tuple[str, ...]) -> list[str]:
    """The whole texts of a good answer to a response format of these kinds."""
    wanted = seen.case.asked.get("response_format")
    if not seen.good or not isinstance(wanted, dict) or wanted.get("type") not in kinds:
        return []
    return [c.text for c in seen.choices if c.finish == "stop" and not c.refusal and not c.calls]


def parsed(text: Any) -> Any:
    """The JSON value of a text, or `ABSENT`."""
    return parse_json(text)[0] if isinstance(text, str) else ABSENT


def mismatch(schema: Any, value: Any) -> str:
    """What is wrong with `value` by a JSON Schema; empty when it is valid."""
    if value is ABSENT:
        return "not JSON"
    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except UnicodeEncodeError:
        return "a lone surrogate, which is no Unicode text"
    return "" if error is None else str(error.message)


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema))


def _said(seen: Observation) -> Iterator[dict[str, Any]]:
    """The objects that the choices of an answer spell, where they ended by themselves."""
    for choice in seen.choices if seen.good else ():
        value = parse_json(choice.text)[0] if choice.finish == "stop" else None
        if isinstance(value, dict):
            yield value


@topic.exchange(
    "given-values",
    Level.MUST,
    why="Text is damaged on the way (another Unicode form, lost emoji or spaces, rounded "
    "numbers); no other answer shows it for certain, because no model has to echo.",
)
def given_values_arrive(seen: Observation) -> Finding:
    """A value that a strict schema fixes arrives to the character and the digit."""
    wanted = given(seen.case.asked)
    if not wanted:
        return None
    pairs = [
        (name, value, document[name])
        for document in _said(seen)
        for name, value in wanted.items()
        if type(document.get(name)) is type(value)
    ]
    if not pairs:
        return None
    return tuple(
        told(ascii(value), f"{came!a}", f"{name}, the only allowed value")
        for name, value, came in pairs
        if came != value
    )
