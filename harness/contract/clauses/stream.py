"""Clauses on a streamed answer as a sequence of chunks."""

from harness.contract.checks import stream
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import BASETEN_ERRORS, CHAT, CHUNK

CLAUSES = (
    Clause(
        id="chunk-object",
        level=Level.MUST,
        routes=CHAT,
        statement="Every event is a `chat.completion.chunk`.",
        rationale=(
            "openai-python's `.stream()` fails with a bare AssertionError on anything else; "
            "AI SDK refuses it."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.is_a_chunk_object,
    ),
    Clause(
        id="chunk-fields",
        level=Level.MUST,
        routes=CHAT,
        statement="Every chunk has id, created, model and choices of the specified types.",
        rationale=(
            "`.stream()` interfaces raise on null or missing choices; the rest is lost to "
            "correlation."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.has_required_fields,
    ),
    Clause(
        id="chunk-choices",
        level=Level.MUST,
        routes=CHAT,
        statement="A choice of a chunk has an integer index and a delta.",
        rationale=(
            "Accumulating clients raise KeyError; with `message` for `delta` the text is "
            "silently empty."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.choices_are_deltas,
    ),
    Clause(
        id="chunk-types",
        level=Level.MUST,
        routes=CHAT,
        statement="Content, refusal and reasoning are strings or null; tool calls an array.",
        rationale="Joining deltas raises TypeError, or prints [object Object].",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.deltas_have_specified_types,
    ),
    Clause(
        id="chunk-index",
        level=Level.MUST,
        routes=CHAT,
        statement="Choice indexes are 0 to n-1.",
        rationale="openai-python's `.stream()` raises when only index 1 is there.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.choice_indexes_count_from_zero,
    ),
    Clause(
        id="chunk-one-delta",
        level=Level.MUST,
        routes=CHAT,
        statement="A chunk holds each choice index once.",
        rationale="openai-python 1 and 2 raise in `.stream()` on two deltas of one index.",
        source="basetenlabs/langchain-baseten, chat_models.py",
        evidence=Evidence.OBSERVED,
        check=stream.one_delta_per_choice,
    ),
    Clause(
        id="stream-first-choice",
        level=Level.MUST,
        routes=CHAT,
        statement="The first chunk has a choice; an empty list belongs to the usage chunk.",
        rationale="Code that reads `choices[0]` of the first chunk raises IndexError.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.starts_with_choices,
    ),
    Clause(
        id="stream-one-id",
        level=Level.MUST,
        routes=CHAT,
        statement="Each chunk has the same id.",
        rationale=(
            "Correlators split one answer in many; a chunk of another answer is mixed in unseen."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.keeps_its_id,
    ),
    Clause(
        id="stream-one-created",
        level=Level.MUST,
        routes=CHAT,
        statement="Each chunk has the same created.",
        rationale="Strict clients treat a changed time as another answer.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.keeps_its_created,
    ),
    Clause(
        id="stream-one-model",
        level=Level.SHOULD,
        routes=CHAT,
        statement="Each chunk names the same model.",
        rationale="Cost is booked on whichever model came last.",
        source=CHUNK,
        evidence=Evidence.PRACTICE,
        check=stream.keeps_its_model,
    ),
    Clause(
        id="stream-has-choice",
        level=Level.MUST,
        routes=CHAT,
        statement="An accepted stream has at least one choice.",
        rationale="SDKs yield nothing and raise nothing.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.has_a_choice,
    ),
    Clause(
        id="role-first",
        level=Level.SHOULD,
        routes=CHAT,
        statement="The role arrives with or before the first output of a choice.",
        rationale="openai-node's `.stream()` raises `missing role for choice 0`.",
        source=CHUNK,
        evidence=Evidence.OBSERVED,
        check=stream.role_comes_first,
    ),
    Clause(
        id="role-assistant",
        level=Level.MUST,
        routes=CHAT,
        statement="The role is `assistant`.",
        rationale="The next request sends the answer back under a role that is refused.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.role_is_assistant,
    ),
    Clause(
        id="role-once",
        level=Level.SHOULD,
        routes=CHAT,
        statement="The role is said once per choice.",
        rationale="openai-python's `.stream()` joins it to `assistantassistant...`.",
        source=CHUNK,
        evidence=Evidence.OBSERVED,
        check=stream.role_comes_once,
    ),
    Clause(
        id="finish-once",
        level=Level.MUST,
        routes=CHAT,
        statement="Exactly one chunk of a choice has a finish reason.",
        rationale="A stream that just stops looks like a whole answer to every raw client.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.finishes_once,
    ),
    Clause(
        id="finish-known",
        level=Level.MUST,
        routes=CHAT,
        statement="A finish reason is stop, length, tool_calls, content_filter or function_call.",
        rationale="Typed clients fail or drop the answer.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.finish_is_documented,
    ),
    Clause(
        id="finish-is-last",
        level=Level.MUST,
        routes=CHAT,
        statement="No output follows the finish reason of its choice.",
        rationale="Clients that stop reading there lose text.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.nothing_follows_the_finish,
    ),
    Clause(
        id="stream-done",
        level=Level.MUST,
        routes=CHAT,
        statement="The stream ends with `data: [DONE]`.",
        rationale=(
            "Benchmarks and Go clients report `connection closed before completion`; "
            "without it a cut stream is not told from a whole one."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.ends_with_done,
    ),
    Clause(
        id="stream-done-last",
        level=Level.MUST,
        routes=CHAT,
        statement="Nothing follows `[DONE]`.",
        rationale=(
            "AI SDK parses what follows and doubles the text; all others lose a usage "
            "report that comes late."
        ),
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.done_is_last,
    ),
    Clause(
        id="stream-no-error",
        level=Level.MUST,
        routes=CHAT,
        statement="An accepted stream reports no error in its middle.",
        rationale=(
            "openai-python does not see some forms and returns the part before it as the answer."
        ),
        source=BASETEN_ERRORS,
        evidence=Evidence.DOCUMENTED,
        check=stream.reports_no_error,
    ),
    Clause(
        id="deltas-are-new",
        level=Level.MUST,
        routes=CHAT,
        statement="A delta holds what is new, not all the text so far.",
        rationale="Every client repeats the beginning of the answer with each chunk.",
        source=CHUNK,
        evidence=Evidence.SPECIFIED,
        check=stream.deltas_are_not_cumulative,
    ),
)
