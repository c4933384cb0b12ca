"""A streamed chat answer as a sequence of chunks: order, identity, one ending."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from harness.contract.answer.choices import SaidChoice
from harness.contract.answer.reading import Reading
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level
from harness.contract.fault import event, fault, is_int, is_text, shown, told
from harness.contract.observation import Observation
from harness.contract.topics.framing import stream_of
from harness.contract.topics.sources import CHAT, CHUNK
from harness.contract.topics.topic import Topic

DocumentCheck = Callable[[dict[str, Any]], Iterator[tuple[str, Any]]]
_TEXT, _LIST = (str, type(None)), (list, type(None))

topic = Topic("stream", routes=CHAT, evidence=EvidenceGrade.SPECIFIED, source=CHUNK)


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


@topic.exchange(
    "chunk-object",
    Level.MUST,
    why="openai-python's `.stream()` fails with a bare AssertionError on anything else; "
    "AI SDK refuses it.",
)
def is_a_chunk_object(seen: Observation) -> Finding:
    """Every event is a `chat.completion.chunk`."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        if document.get("object") != "chat.completion.chunk":
            yield "object 'chat.completion.chunk'", document.get("object")

    return _each(seen, check)


@topic.exchange(
    "chunk-fields",
    Level.MUST,
    why="`.stream()` interfaces raise on null or missing choices; the rest is lost to correlation.",
)
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


@topic.exchange(
    "chunk-choices",
    Level.MUST,
    why="Accumulating clients raise KeyError; with `message` for `delta` the text is "
    "silently empty.",
)
def choices_are_deltas(seen: Observation) -> Finding:
    """A choice of a chunk has an integer index and a delta."""

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


@topic.exchange(
    "chunk-types", Level.MUST, why="Joining deltas raises TypeError, or prints [object Object]."
)
def deltas_have_specified_types(seen: Observation) -> Finding:
    """Content, refusal and reasoning are strings or null; tool calls an array."""

    def check(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for delta in _deltas(document):
            for name in ("content", "refusal", "reasoning_content"):
                if not isinstance(delta.get(name), _TEXT):
                    yield f"delta.{name}: string or null", delta[name]
            if not isinstance(delta.get("tool_calls"), _LIST):
                yield "delta.tool_calls: array", delta["tool_calls"]

    return _each(seen, check)


@topic.exchange(
    "chunk-index", Level.MUST, why="openai-python's `.stream()` raises when only index 1 is there."
)
def choice_indexes_count_from_zero(seen: Observation) -> Finding:
    """Choice indexes are 0 to n-1."""
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


@topic.exchange(
    "chunk-one-delta",
    Level.MUST,
    why="openai-python 1 and 2 raise in `.stream()` on two deltas of one index.",
    evidence=EvidenceGrade.OBSERVED,
    source="basetenlabs/langchain-baseten, chat_models.py",
)
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


@topic.exchange(
    "stream-first-choice",
    Level.MUST,
    why="Code that reads `choices[0]` of the first chunk raises IndexError.",
)
def starts_with_choices(seen: Observation) -> Finding:
    """The first chunk has a choice; an empty list belongs to the usage chunk."""
    chunks = chunks_of(seen)
    if not chunks:
        return None
    number, first = chunks[0]
    if first.get("choices") != []:
        return ()
    return (fault("a choice in the first chunk", first, event(number)),)


@topic.exchange(
    "stream-one-id",
    Level.MUST,
    why="Correlators split one answer in many; a chunk of another answer is mixed in unseen.",
)
def keeps_its_id(seen: Observation) -> Finding:
    """Each chunk has the same id."""
    return _one_value(seen, "id")


@topic.exchange(
    "stream-one-created", Level.MUST, why="Strict clients treat a changed time as another answer."
)
def keeps_its_created(seen: Observation) -> Finding:
    """Each chunk has the same created."""
    return _one_value(seen, "created")


@topic.exchange(
    "stream-one-model",
    Level.SHOULD,
    why="Cost is booked on whichever model came last.",
    evidence=EvidenceGrade.PRACTICE,
)
def keeps_its_model(seen: Observation) -> Finding:
    """Each chunk names the same model."""
    return _one_value(seen, "model")


def each_choice(
    seen: Observation, check: Callable[[SaidChoice, Reading], Iterator[Fault]]
) -> Finding:
    reading = stream_of(seen)
    if reading is None or not seen.choices or reading.failed_inside:
        return None
    return tuple(found for choice in seen.choices for found in check(choice, reading))


@topic.exchange("stream-has-choice", Level.MUST, why="SDKs yield nothing and raise nothing.")
def has_a_choice(seen: Observation) -> Finding:
    """An accepted stream has at least one choice."""
    reading = stream_of(seen)
    if reading is None or reading.failed_inside:
        return None
    if seen.choices:
        return ()
    return (fault("a chunk with a choice", reading.body, "stream", reading.body),)


@topic.exchange(
    "role-first",
    Level.SHOULD,
    why="openai-node's `.stream()` raises `missing role for choice 0`.",
    evidence=EvidenceGrade.OBSERVED,
)
def role_comes_first(seen: Observation) -> Finding:
    """The role arrives with or before the first output of a choice."""

    def check(choice: SaidChoice, _: Reading) -> Iterator[Fault]:
        where = f"choice {choice.index}"
        first = choice.outputs[0] if choice.outputs else None
        if not choice.roles:
            yield told("a delta with role", "none in the whole stream", where)
        elif first is not None and choice.roles[0][0] > first:
            yield told(f"role by event {first}", f"event {choice.roles[0][0]}", where)

    return each_choice(seen, check)


@topic.exchange(
    "role-assistant",
    Level.MUST,
    why="The next request sends the answer back under a role that is refused.",
)
def role_is_assistant(seen: Observation) -> Finding:
    """The role is `assistant`."""

    def check(choice: SaidChoice, _: Reading) -> Iterator[Fault]:
        for number, role in choice.roles:
            if role != "assistant":
                yield fault("role 'assistant'", role, event(number))

    return each_choice(seen, check)


@topic.exchange(
    "role-once",
    Level.SHOULD,
    why="openai-python's `.stream()` joins it to `assistantassistant...`.",
    evidence=EvidenceGrade.OBSERVED,
)
def role_comes_once(seen: Observation) -> Finding:
    """The role is said once per choice."""

    def check(choice: SaidChoice, _: Reading) -> Iterator[Fault]:
        if len(choice.roles) > 1:
            yield told("one role", f"{len(choice.roles)} roles", event(choice.roles[1][0]))

    return each_choice(seen, check)


@topic.exchange(
    "deltas-are-new",
    Level.MUST,
    why="Every client repeats the beginning of the answer with each chunk.",
)
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
