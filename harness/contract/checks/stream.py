"""Checks of a streamed chat answer as a sequence of chunks: order, identity, one ending."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from harness.contract.checks.framing import stream_of
from harness.contract.clause import Fault, Finding
from harness.contract.evidence import event, fault, is_int, is_text, shown, told
from harness.contract.observation import Observation
from harness.contract.output import Choice
from harness.contract.reading import Reading

DocumentCheck = Callable[[dict[str, Any]], Iterator[tuple[str, Any]]]
_TEXT, _LIST = (str, type(None)), (list, type(None))
FINISHES = ("stop", "length", "tool_calls", "content_filter", "function_call")


def chunks_of(seen: Observation) -> tuple[tuple[int, dict[str, Any]], ...] | None:
    """The chunks of a stream without its error reports, each with its event number."""
    reading = stream_of(seen)
    if reading is None or not reading.events:
        return None
    return tuple((e.number, d) for e, d in reading.chunks if d.get("error") is None)


def _each(seen: Observation, check: DocumentCheck) -> Finding:
    chunks = chunks_of(seen)
    if not chunks:
        return None
    faults = [
        fault(expected, came, event(number), repr(document).encode("utf-8", "replace"))
        for number, document in chunks
        for expected, came in check(document)
    ]
    return tuple(faults[:3])


def is_a_chunk_object(seen: Observation) -> Finding:
    """Every event is a `chat.completion.chunk`."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        if document.get("object") != "chat.completion.chunk":
            yield "object 'chat.completion.chunk'", document.get("object")

    return _each(seen, check)


def has_required_fields(seen: Observation) -> Finding:
    """Every chunk has id, created, model and choices of the specified types."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        if not is_text(document.get("id")):
            yield "id: non-empty string", document.get("id")
        if not is_int(document.get("created")):
            yield "created: integer seconds", document.get("created")
        if not is_text(document.get("model")):
            yield "model: non-empty string", document.get("model")
        if not isinstance(document.get("choices"), list):
            yield "choices: array", document.get("choices", "nothing")

    return _each(seen, check)


def choices_are_deltas(seen: Observation) -> Finding:
    """Every choice of a chunk has an integer index and a delta object, not a message."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        listed = document.get("choices")
        for choice in listed if isinstance(listed, list) else ():
            if not isinstance(choice, dict):
                yield "choice: object", choice
                continue
            if not is_int(choice.get("index")):
                yield "choices[].index: integer", choice.get("index")
            if not isinstance(choice.get("delta"), dict):
                yield "choices[].delta: object", choice

    return _each(seen, check)


def deltas_have_specified_types(seen: Observation) -> Finding:
    """Content, refusal and reasoning of a delta are strings or null; tool calls are a list."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for delta in _deltas(document):
            for name in ("content", "refusal", "reasoning_content"):
                if not isinstance(delta.get(name), _TEXT):
                    yield f"delta.{name}: string or null", delta[name]
            if not isinstance(delta.get("tool_calls"), _LIST):
                yield "delta.tool_calls: array", delta["tool_calls"]

    return _each(seen, check)


def starts_with_choices(seen: Observation) -> Finding:
    """The first chunk has a choice; an empty list is for the usage chunk at the end."""
    chunks = chunks_of(seen)
    if not chunks:
        return None
    number, first = chunks[0]
    if first.get("choices") != []:
        return ()
    return (fault("a choice in the first chunk", first, event(number)),)


def choice_indexes_count_from_zero(seen: Observation) -> Finding:
    """Without `n` the only choice has index 0; with it they are 0 to n-1."""
    if stream_of(seen) is None or not seen.choices:
        return None
    limit = seen.case.asked.get("n")
    wanted = range(limit if is_int(limit) and limit > 0 else 1)
    wrong = [c.index for c in seen.choices if is_int(c.index) and c.index not in wanted]
    return tuple(fault(f"an index in {wanted}", index, "choices[].index") for index in wrong)


def _one_value(seen: Observation, name: str) -> Finding:
    chunks = chunks_of(seen)
    if not chunks:
        return None
    present = [(number, d[name]) for number, d in chunks if d.get(name) is not None]
    if not present:
        return None
    first = present[0][1]
    other = next(((number, value) for number, value in present if value != first), None)
    if other is None:
        return ()
    return (fault(f"{name} {shown(first)} as in the first chunk", other[1], event(other[0])),)


def keeps_its_id(seen: Observation) -> Finding:
    """Each chunk has the same id."""
    return _one_value(seen, "id")


def keeps_its_created(seen: Observation) -> Finding:
    """Each chunk has the same created."""
    return _one_value(seen, "created")


def keeps_its_model(seen: Observation) -> Finding:
    """Each chunk names the same model."""
    return _one_value(seen, "model")


def _each_choice(seen: Observation, check: Callable[[Choice, Reading], Iterator[Fault]]) -> Finding:
    reading = stream_of(seen)
    if reading is None or not seen.choices or reading.failed_inside:
        return None
    return tuple(found for choice in seen.choices for found in check(choice, reading))


def role_comes_first(seen: Observation) -> Finding:
    """The role arrives before, or together with, the first output of its choice."""

    def check(choice: Choice, _: Reading) -> Iterator[Fault]:
        where = f"choice {choice.index}"
        first = choice.outputs[0] if choice.outputs else None
        if not choice.roles:
            yield told("a delta with role", "none in the whole stream", where)
        elif first is not None and choice.roles[0][0] > first:
            yield told(f"role by event {first}", f"event {choice.roles[0][0]}", where)

    return _each_choice(seen, check)


def role_is_assistant(seen: Observation) -> Finding:
    """Every role is `assistant`."""

    def check(choice: Choice, _: Reading) -> Iterator[Fault]:
        for number, role in choice.roles:
            if role != "assistant":
                yield fault("role 'assistant'", role, event(number))

    return _each_choice(seen, check)


def role_comes_once(seen: Observation) -> Finding:
    """The role is said once per choice: accumulating clients join it like text."""

    def check(choice: Choice, _: Reading) -> Iterator[Fault]:
        if len(choice.roles) > 1:
            yield told("one role", f"{len(choice.roles)} roles", event(choice.roles[1][0]))

    return _each_choice(seen, check)


def finishes_once(seen: Observation) -> Finding:
    """Exactly one chunk of each choice has a finish reason."""

    def check(choice: Choice, reading: Reading) -> Iterator[Fault]:
        if not choice.finishes:
            last = reading.events[-1]
            came = f"none; the last event is {shown(last.data)}"
            yield told("one finish_reason", came, f"choice {choice.index}")
        elif len(choice.finishes) > 1:
            came = f"{len(choice.finishes)}: {shown([v for _, v in choice.finishes])}"
            yield told("one finish_reason", came, event(choice.finishes[1][0]))

    return _each_choice(seen, check)


def has_a_choice(seen: Observation) -> Finding:
    """An accepted stream says something: at least one chunk has a choice."""
    reading = stream_of(seen)
    if reading is None or reading.failed_inside:
        return None
    if seen.choices:
        return ()
    return (fault("a chunk with a choice", reading.body, "stream", reading.body),)


def finish_is_documented(seen: Observation) -> Finding:
    """A finish reason is one of the five in the specification."""
    if not seen.good or not seen.choices:
        return None
    return tuple(
        fault(f"one of {', '.join(FINISHES)}", value, f"choice {choice.index}, {event(number)}")
        for choice in seen.choices
        for number, value in choice.finishes
        if value not in FINISHES
    )[:3]


def nothing_follows_the_finish(seen: Observation) -> Finding:
    """No content, reasoning, refusal or tool call follows the chunk with the finish reason."""

    def check(choice: Choice, _: Reading) -> Iterator[Fault]:
        finished = choice.finishes[0][0] if choice.finishes else None
        late = [n for n in choice.outputs if finished is not None and n > finished]
        if late:
            yield told(f"no output after event {finished}", f"{len(late)} more", event(late[0]))

    return _each_choice(seen, check)


def ends_with_done(seen: Observation) -> Finding:
    """The stream ends with `data: [DONE]`."""
    reading = stream_of(seen)
    if reading is None or not reading.events:
        return None
    if any(e.done for e in reading.events):
        return ()
    return (fault("`data: [DONE]`", reading.events[-1].data, "last event", reading.body[-200:]),)


def done_is_last(seen: Observation) -> Finding:
    """Nothing follows `[DONE]`, and it comes once."""
    reading = stream_of(seen)
    done = next((e.number for e in reading.events if e.done), None) if reading else None
    if reading is None or done is None:
        return None
    after = [e for e in reading.events[done + 1 :] if e.data is not None]
    return tuple(fault("nothing after [DONE]", e.data, event(e.number)) for e in after[:2])


def reports_no_error(seen: Observation) -> Finding:
    """An accepted stream brings its answer, not an error in its middle."""
    reading = stream_of(seen)
    if reading is None:
        return None
    for e in reading.events:
        document = e.document if isinstance(e.document, dict) else {}
        if e.name == "error" or document.get("error") is not None:
            data = (e.data or "").encode("utf-8", "replace")
            return (told("an answer", f"event {e.name!r}: {shown(e.data)}", event(e.number), data),)
    return ()


def deltas_are_not_cumulative(seen: Observation) -> Finding:
    """A delta holds what is new, not all the text so far."""
    if stream_of(seen) is None or not seen.choices:
        return None
    faults = []
    for choice in seen.choices:
        pieces = [piece for _, piece in choice.content]
        pairs = list(pairwise(pieces))
        grows = [len(b) > len(a) and b.startswith(a) for a, b in pairs]
        if len(pieces) >= 3 and all(grows) and len(pieces[-2]) >= 8:
            faults.append(fault("only new text", pieces[-1], event(choice.content[-1][0])))
    return tuple(faults)


def one_delta_per_choice(seen: Observation) -> Finding:
    """A chunk holds each choice index once."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        listed = document.get("choices")
        indexes = [
            c.get("index")
            for c in (listed if isinstance(listed, list) else ())
            if isinstance(c, dict)
        ]
        if len(indexes) > 1 and len(indexes) != len(set(map(repr, indexes))):
            yield "each index once", indexes

    return _each(seen, check)


def _deltas(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    listed = document.get("choices")
    for choice in listed if isinstance(listed, list) else ():
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict):
            yield delta
