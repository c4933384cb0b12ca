"""Checks of one request asked in two ways: plain and streamed, native and compat.

A model need not be deterministic. Where two ways differ each is asked three times more; only where
the one way repeats itself (A/A) and the other never says the same is the difference judged.
"""

from collections.abc import Iterator
from typing import Any

from harness.contract.checks.scenes import answered, recorded
from harness.contract.clause import Fault, Finding, Record, Scene
from harness.contract.evidence import fault, unequal
from harness.contract.observation import Observation
from harness.contract.output import tokens


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


PLAIN = ("plain", "plain_again", "plain_more", "plain_last")
STREAM = ("stream", "stream_again", "stream_more", "stream_last")
NATIVE = ("native", "native_again", "native_more", "native_last")
SDK = ("sdk_path", "sdk_again", "sdk_more", "sdk_last")
TOOL_PLAIN, TOOL_STREAM = (tuple(f"tool_{n}" for n in names) for names in (PLAIN, STREAM))
REASON_PLAIN, REASON_STREAM = (tuple(f"reason_{n}" for n in names) for names in (PLAIN, STREAM))


def _good(scene: Scene, names: tuple[str, ...]) -> list[Observation]:
    found = [scene[name] for name in names if name in scene]
    return [seen for seen in found if seen.good and seen.exchange.whole and seen.choices]


def agree(scene: Scene, one: tuple[str, ...], other: tuple[str, ...]) -> bool | None:
    """Whether any answer of the one way is like one of the other; None where there is none."""
    first, second = _good(scene, one), _good(scene, other)
    if not first or not second:
        return None
    return any(said(a) == said(b) for a in first for b in second)


def stream_says_the_same(scene: Scene) -> Finding:
    """A stream, put together, says what the plain answer says."""
    return _same(scene, PLAIN, STREAM, "stream")


def tools_stream_the_same(scene: Scene) -> Finding:
    """A streamed tool call, put together, is the plain one.

    A model that calls nothing either way says nothing about calls.
    """
    answers = (*_good(scene, TOOL_PLAIN), *_good(scene, TOOL_STREAM))
    if not any(choice.calls for seen in answers for choice in seen.choices):
        return None
    return _same(scene, TOOL_PLAIN, TOOL_STREAM, "stream")


def reasoning_streams_the_same(scene: Scene) -> Finding:
    """Reasoning is told as reasoning, and content as content, plain and streamed.

    A model that tells none either way says nothing about it.
    """
    answers = (*_good(scene, REASON_PLAIN), *_good(scene, REASON_STREAM))
    if not any(choice.reasoning for seen in answers for choice in seen.choices):
        return None
    return _same(scene, REASON_PLAIN, REASON_STREAM, "stream")


def compat_says_the_same(scene: Scene) -> Finding:
    """The same request by compat says what it says by native."""
    return _same(scene, NATIVE, PLAIN, "compat")


def _same(scene: Scene, one: tuple[str, ...], other: tuple[str, ...], way: str) -> Finding:
    alike = agree(scene, one, other)
    if alike is None or alike:
        return () if alike else None
    first, second = _good(scene, one), _good(scene, other)
    if len(first) < 2 or any(said(seen) != said(first[0]) for seen in first):
        return None
    where, expected = f"{way}, {len(second)} times", f"{{}}, as the other way {len(first)} times"
    return (unequal(said(first[0]), said(second[0]), where, expected=expected),)


def seed_repeats_itself(scene: Scene) -> Finding:
    """Records whether two equal requests with seed and temperature 0 are answered equally."""
    seen = answered("plain", "plain_again", scene=scene)
    if seen is None or not all(s.good for s in seen):
        return None
    return Record("yes" if said(seen[0]) == said(seen[1]) else "no")


def prompts_cost_the_same(scene: Scene) -> Finding:
    """The same prompt costs the same tokens, plain, streamed and by compat."""
    names = [n for n in ("native", "plain", "plain_again", "stream") if n in scene]
    counts = {
        name: count
        for name in names
        if (reading := scene[name].reading) and (count := tokens(reading, "prompt_tokens"))
    }
    if len(counts) < 2:
        return None
    if len(set(counts.values())) == 1:
        return ()
    return (fault("one count of prompt_tokens", counts, "usage.prompt_tokens"),)


def answers_cost_the_same(scene: Scene) -> Finding:
    """An answer of the same words costs the same tokens, plain and streamed.

    Where two plain answers of the same words differ already it is the model that counts so.
    """
    plain, streamed = (_counts(scene, names) for names in (PLAIN, STREAM))
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


def _counts(scene: Scene, names: tuple[str, ...]) -> dict[str, set[int]]:
    """The counts of completion tokens that some answers have, by what they say."""
    found: dict[str, set[int]] = {}
    for seen in _good(scene, names):
        count = tokens(seen.reading, "completion_tokens") if seen.reading else None
        if count:
            found.setdefault(repr(said(seen)), set()).add(count)
    return found


def sdk_path_says_the_same(scene: Scene) -> Finding:
    """Where the path of the SDK example answers, it answers like the documented one."""
    sdk, plain = scene.get("sdk_path"), scene.get("plain")
    if sdk is None or plain is None or not (sdk.good and sdk.documents and plain.documents):
        return None
    faults = _same(scene, PLAIN, SDK, "SDK path")
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


def sdk_path(scene: Scene) -> Finding:
    """Records what `/baseten/chat/completions` does."""
    return recorded(scene, "sdk_path")
