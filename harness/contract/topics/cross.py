"""One request asked in two ways: plain and streamed, native and compat.

A model need not be deterministic. Where two ways differ each is asked three times more; only where
the one way repeats itself (A/A) and the other never says the same is the difference judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from harness.contract.answer.choices import tokens
from harness.contract.case import Case, Expect
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level, Recorded
from harness.contract.fault import fault, unequal
from harness.contract.observation import Observation
from harness.contract.requests.fixed import CLOCK, WEATHER, body
from harness.contract.requests.fixed import USAGE as WITH_USAGE
from harness.contract.requests.text import SCRIPTS, nonce
from harness.contract.topics.scenes import Scene, answered, nth, recorded
from harness.contract.topics.sources import (
    BASETEN_PAGE,
    CHAT,
    COMPAT_PAGE,
    COMPLETION,
    REQUEST,
    USAGE,
)
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic
from harness.routes.native import SDK_PATH

topic = Topic("cross", routes=CHAT, probe="cross")
MOST = 4
"""So often, at most, one way is asked."""


@dataclass(slots=True)
class CrossScene(Scene):
    """The answers of each way to ask: text, a tool call and reasoning, plain and streamed."""

    native: list[Observation] = field(default_factory=list)
    plain: list[Observation] = field(default_factory=list)
    stream: list[Observation] = field(default_factory=list)
    sdk: list[Observation] = field(default_factory=list)
    tool_plain: list[Observation] = field(default_factory=list)
    tool_stream: list[Observation] = field(default_factory=list)
    reason_plain: list[Observation] = field(default_factory=list)
    reason_stream: list[Observation] = field(default_factory=list)


def said(seen: Observation) -> Any:
    """What an answer says, in a form that plain and streamed answers share."""
    return [
        (
            choice.text,
            "".join(piece for _, piece in choice.reasoning),
            choice.finish,
            [(call.name, call.arguments) for call in choice.calls],
        )
        for choice in seen.choices
    ]


def _good(answers: list[Observation]) -> list[Observation]:
    return [seen for seen in answers if seen.good and seen.exchange.whole and seen.choices]


def agree(one: list[Observation], other: list[Observation]) -> bool | None:
    """Whether any answer of the one way is like one of the other; None where there is none."""
    first, second = _good(one), _good(other)
    if not first or not second:
        return None
    return any(said(a) == said(b) for a in first for b in second)


@topic.scene(
    "stream-equals-plain",
    Level.MUST,
    why="Text lost, repeated or changed on the way is visible to nobody.",
    evidence=EvidenceGrade.SPECIFIED,
    source=COMPLETION,
)
def stream_says_the_same(scene: CrossScene) -> Finding:
    """A stream, put together, says what the plain answer says."""
    return _same(scene.plain, scene.stream, "stream")


@topic.scene(
    "tools-stream-equal",
    Level.MUST,
    why="An agent behaves differently when it streams.",
    evidence=EvidenceGrade.SPECIFIED,
    source=COMPLETION,
)
def tools_stream_the_same(scene: CrossScene) -> Finding:
    """A streamed tool call, put together, is the plain one.

    A model that calls nothing either way says nothing about calls.
    """
    answers = (*_good(scene.tool_plain), *_good(scene.tool_stream))
    if not any(choice.calls for seen in answers for choice in seen.choices):
        return None
    return _same(scene.tool_plain, scene.tool_stream, "stream")


@topic.scene(
    "reasoning-stream-equal",
    Level.MUST,
    why="Users read the model's thinking as its answer, or the reverse.",
    evidence=EvidenceGrade.DOCUMENTED,
    source="docs.baseten.co/inference/model-apis/reasoning",
)
def reasoning_streams_the_same(scene: CrossScene) -> Finding:
    """What is reasoning in a plain answer is reasoning in the stream.

    A model that tells none either way says nothing about it.
    """
    answers = (*_good(scene.reason_plain), *_good(scene.reason_stream))
    if not any(choice.reasoning for seen in answers for choice in seen.choices):
        return None
    return _same(scene.reason_plain, scene.reason_stream, "stream")


@topic.scene(
    "compat-equals-native",
    Level.MUST,
    why="Parameters are lost in the translation.",
    routes=("compat",),
    evidence=EvidenceGrade.DOCUMENTED,
    source=COMPAT_PAGE,
)
def compat_says_the_same(scene: CrossScene) -> Finding:
    """The same request by compat says what it says by native."""
    return _same(scene.native, scene.plain, "compat")


def _same(one: list[Observation], other: list[Observation], way: str) -> Finding:
    alike = agree(one, other)
    if alike is None or alike:
        return () if alike else None
    first, second = _good(one), _good(other)
    if len(first) < 2 or any(said(seen) != said(first[0]) for seen in first):
        return None
    where, expected = f"{way}, {len(second)} times", f"{{}}, as the other way {len(first)} times"
    return (unequal(said(first[0]), said(second[0]), where, expected=expected),)


@topic.scene(
    "prompt-costs-same",
    Level.SHOULD,
    why="Costs depend on how the call is made.",
    evidence=EvidenceGrade.PRACTICE,
    source=USAGE,
)
def prompts_cost_the_same(scene: CrossScene) -> Finding:
    """The same prompt costs the same tokens in each way."""
    ways = {
        "native": nth(scene.native),
        "plain": nth(scene.plain),
        "plain, again": nth(scene.plain, 1),
        "stream": nth(scene.stream),
    }
    counts = {
        name: count
        for name, seen in ways.items()
        if seen and seen.reading and (count := tokens(seen.reading, "prompt_tokens"))
    }
    if len(counts) < 2:
        return None
    if len(set(counts.values())) == 1:
        return ()
    return (fault("one count of prompt_tokens", counts, "usage.prompt_tokens"),)


@topic.scene(
    "answer-costs-same",
    Level.SHOULD,
    why="Bills and budgets depend on how the call is made, and no two logs agree.",
    evidence=EvidenceGrade.PRACTICE,
    source=USAGE,
)
def answers_cost_the_same(scene: CrossScene) -> Finding:
    """An answer of the same words costs the same tokens, plain and streamed.

    Where two plain answers of the same words differ already it is the model that counts so.
    """
    plain, streamed = map(_counts, (scene.plain, scene.stream))
    alike = [words for words in plain if words in streamed and len(plain[words]) == 1]
    if not alike:
        return None
    wrong = [words for words in alike if streamed[words] != plain[words]]
    return tuple(
        fault(
            f"{sorted(plain[words])} completion tokens, as the plain answer of the same words",
            sorted(streamed[words]),
            "usage.completion_tokens of the stream",
        )
        for words in wrong[:1]
    )


def _counts(answers: list[Observation]) -> dict[str, set[int]]:
    """The counts of completion tokens that some answers have, by what they say."""
    found: dict[str, set[int]] = {}
    for seen in _good(answers):
        count = tokens(seen.reading, "completion_tokens") if seen.reading else None
        if count:
            found.setdefault(repr(said(seen)), set()).add(count)
    return found


@topic.scene(
    "sdk-path-equal",
    Level.SHOULD,
    why="The page's JavaScript example goes there and its cURL example does not.",
    routes=("native",),
    evidence=EvidenceGrade.PRACTICE,
    source=f"{BASETEN_PAGE} shows the base URL; that both are one is inferred",
)
def sdk_path_says_the_same(scene: CrossScene) -> Finding:
    """Where `/baseten/chat/completions` answers, its answer is that of the documented path: form,
    model, an id of its own, usage and what it says.
    """
    sdk, plain = nth(scene.sdk), nth(scene.plain)
    if sdk is None or plain is None or not (sdk.good and sdk.documents and plain.documents):
        return None
    faults = _same(scene.plain, scene.sdk, "SDK path")
    return (*_like(sdk, plain), *(faults if isinstance(faults, tuple) else ()))


def _like(sdk: Observation, plain: Observation) -> Iterator[Fault]:
    """What two answers to one request share: form, model, usage and its prompt; and not the id."""
    one, other = sdk.documents[0][1], plain.documents[0][1]
    for name in ("object", "model"):
        if one.get(name) != other.get(name):
            yield unequal(other.get(name), one.get(name), f"$.{name} of the SDK path")
    if one.get("id") is None or one.get("id") == other.get("id"):
        yield fault("an id of its own", one.get("id"), "$.id of the SDK path")
    counts = [tokens(s.reading, "prompt_tokens") if s.reading else None for s in (plain, sdk)]
    if counts[0] != counts[1]:
        yield fault(f"{counts[0]} prompt tokens", counts[1], "usage of the SDK path")


@topic.scene(
    "record-sdk-path",
    Level.RECORD,
    why="The page's JavaScript example uses it and no document says that it works.",
    routes=("native",),
    evidence=EvidenceGrade.DOCUMENTED,
    source=BASETEN_PAGE,
)
def sdk_path(scene: CrossScene) -> Finding:
    """What `/baseten/chat/completions`, the path of the page's SDK example, does."""
    return recorded(nth(scene.sdk))


@topic.scene(
    "record-seed",
    Level.RECORD,
    why="OpenAI promises best effort only; without it differences are not judged.",
    evidence=EvidenceGrade.SPECIFIED,
    source=REQUEST,
)
def seed_repeats_itself(scene: CrossScene) -> Finding:
    """Whether equal requests with seed and temperature 0 are answered equally."""
    seen = answered(nth(scene.plain), nth(scene.plain, 1))
    if seen is None or not all(s.good for s in seen):
        return None
    return Recorded("yes" if said(seen[0]) == said(seen[1]) else "no")


Way = tuple[list[Observation], Case]
READ = "Read this and go on. "
"""Repeated, it makes the request larger than a KiB."""
STREAMED = {"stream": True, "stream_options": WITH_USAGE}


def play(stage: Stage, scene: CrossScene) -> None:
    """Text first, then a tool call and reasoning."""
    _text(stage, scene)
    if stage.wants("tools-stream-equal"):
        _tools(stage, scene)
    if stage.wants("reasoning-stream-equal"):
        _reasoning(stage, scene)


def _text(stage: Stage, scene: CrossScene) -> None:
    scripts, mark = " / ".join(SCRIPTS[:6]), nonce(stage.seed, 1300)
    text = f"{READ * 48}Tell me about rivers and about: {scripts} ({mark})"
    asked = body(stage.sender.target.model, text, temperature=0, seed=7, max_tokens=64)
    case = Case(stage.route, asked, "plain and streamed")
    _both(stage, (scene.plain, case), (scene.stream, case.having(**STREAMED)))
    _ask(stage, (scene.plain, case), 2)
    if stage.wants("record-sdk-path", "sdk-path-equal"):
        sdk = replace(case, path=SDK_PATH, expect=Expect.EITHER, topic="SDK path")
        _both(stage, (scene.plain, case), (scene.sdk, sdk))
    if stage.wants("compat-equals-native"):
        native = replace(case, route="native", topic="native beside compat")
        _both(stage, (scene.native, native), (scene.plain, case))


def _both(stage: Stage, one: Way, other: Way) -> None:
    """One request each way, and all where they differ."""
    for way in (one, other):
        _ask(stage, way, 1)
    if agree(one[0], other[0]) is False:
        for way in (one, other):
            _ask(stage, way, MOST)


def _ask(stage: Stage, way: Way, times: int) -> None:
    """Ask in one way until there are so many answers."""
    answers, case = way
    while len(answers) < times:
        answers.append(stage.play(case))


def _tools(stage: Stage, scene: CrossScene) -> None:
    text = f"Weather in Zürich for three days? ({nonce(stage.seed, 1300)})"
    fields = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "max_tokens": 200}
    asked = body(stage.sender.target.model, text, temperature=0, seed=7, **fields)
    case = Case(stage.route, asked, "tools, plain and streamed")
    _both(stage, (scene.tool_plain, case), (scene.tool_stream, case.having(**STREAMED)))


def _reasoning(stage: Stage, scene: CrossScene) -> None:
    text = f"Is 91 prime? ({nonce(stage.seed, 1300)})"
    fields = {"temperature": 0, "seed": 7, "max_tokens": 96, "reasoning_effort": "low"}
    asked = body(stage.sender.target.model, text, **fields)
    case = Case(stage.route, asked, "reasoning, plain and streamed", Expect.EITHER)
    _both(stage, (scene.reason_plain, case), (scene.reason_stream, case.having(**STREAMED)))
