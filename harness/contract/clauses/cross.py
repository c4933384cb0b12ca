"""Clauses on one request asked in two ways."""

from harness.contract.checks import cross
from harness.contract.clause import Clause, Evidence, Level
from harness.contract.clauses.sources import CHAT, COMPAT_PAGE, COMPLETION, REQUEST, USAGE

CLAUSES = (
    Clause(
        id="stream-equals-plain",
        level=Level.MUST,
        routes=CHAT,
        statement="A stream, put together, says what the plain answer says.",
        rationale="Text lost, repeated or changed on the way is visible to nobody.",
        source=COMPLETION,
        evidence=Evidence.SPECIFIED,
        scene=cross.stream_says_the_same,
        probe="cross",
        kills=(
            "drop-chunk",
            "dup-chunk",
            "whitespace-trim",
        ),
    ),
    Clause(
        id="tools-stream-equal",
        level=Level.MUST,
        routes=CHAT,
        statement="A streamed tool call, put together, is the plain one.",
        rationale="An agent behaves differently when it streams.",
        source=COMPLETION,
        evidence=Evidence.SPECIFIED,
        scene=cross.tools_stream_the_same,
        probe="cross",
    ),
    Clause(
        id="reasoning-stream-equal",
        level=Level.MUST,
        routes=CHAT,
        statement="What is reasoning in a plain answer is reasoning in the stream.",
        rationale="Users read the model's thinking as its answer, or the reverse.",
        source="docs.baseten.co/inference/model-apis/reasoning",
        evidence=Evidence.DOCUMENTED,
        scene=cross.reasoning_streams_the_same,
        probe="cross",
    ),
    Clause(
        id="compat-equals-native",
        level=Level.MUST,
        routes=("compat",),
        statement="The same request by compat says what it says by native.",
        rationale="Parameters are lost in the translation.",
        source=COMPAT_PAGE,
        evidence=Evidence.DOCUMENTED,
        scene=cross.compat_says_the_same,
        probe="cross",
    ),
    Clause(
        id="prompt-costs-same",
        level=Level.SHOULD,
        routes=CHAT,
        statement="The same prompt costs the same tokens in each way.",
        rationale="Costs depend on how the call is made.",
        source=USAGE,
        evidence=Evidence.PRACTICE,
        scene=cross.prompts_cost_the_same,
        probe="cross",
    ),
    Clause(
        id="record-seed",
        level=Level.RECORD,
        routes=CHAT,
        statement="Whether equal requests with seed and temperature 0 are answered equally.",
        rationale="OpenAI promises best effort only; without it differences are not judged.",
        source=REQUEST,
        evidence=Evidence.SPECIFIED,
        scene=cross.seed_repeats_itself,
        probe="cross",
    ),
)
