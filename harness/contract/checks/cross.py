"""Checks of one request asked in two ways: plain and streamed, native and compat.

A model need not be deterministic. Where two ways differ the plain request is sent again (A/A); only
where it repeats itself is the difference judged.
"""

from collections.abc import Iterator
from typing import Any

from harness.contract.checks.scenes import answered, recorded
from harness.contract.clause import Fault, Finding, Record, Scene
from harness.contract.evidence import fault, shown
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


def _whole(seen: Observation) -> bool:
    return seen.good and seen.exchange.whole and bool(seen.choices)


def differ(scene: Scene, one: str, *others: str) -> bool:
    """Whether answers that were asked for in several ways do not all say the same."""
    seen = [scene[name] for name in (one, *others) if name in scene]
    return any(said(each) != said(seen[0]) for each in seen[1:])


def _steady(scene: Scene, first: str, again: str) -> tuple[Observation, ...] | None:
    """The two A/A answers if they are good and equal."""
    seen = answered(first, again, scene=scene)
    if seen is None or not all(map(_whole, seen)):
        return None
    return seen if said(seen[0]) == said(seen[1]) else None


def stream_says_the_same(scene: Scene) -> Finding:
    """A stream, put together, says what the plain answer says."""
    return _same(scene, ("plain", "plain_again"), ("stream", "stream_again"), "stream")


def tools_stream_the_same(scene: Scene) -> Finding:
    """A streamed tool call, put together, is the plain one."""
    pair = ("tool_plain", "tool_plain_again")
    return _same(scene, pair, ("tool_stream", "tool_stream_again"), "stream")


def reasoning_streams_the_same(scene: Scene) -> Finding:
    """Reasoning is told as reasoning, and content as content, plain and streamed."""
    pair = ("reason_plain", "reason_plain_again")
    return _same(scene, pair, ("reason_stream",), "stream")


def compat_says_the_same(scene: Scene) -> Finding:
    """The same request by compat says what it says by native."""
    return _same(scene, ("native", "native_again"), ("plain",), "compat")


def _same(scene: Scene, pair: tuple[str, str], others: tuple[str, ...], way: str) -> Finding:
    first = scene.get(pair[0])
    judged = [scene[n] for n in others if n in scene and scene[n].good and scene[n].exchange.whole]
    if first is None or not judged or not _whole(first):
        return None
    wanted = said(first)
    if all(said(other) == wanted for other in judged):
        return ()
    if _steady(scene, *pair) is None:
        return None
    return tuple(
        fault(f"{shown(wanted)}, as the plain request said twice", said(other), way)
        for other in judged
        if said(other) != wanted
    )[:1]


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


def sdk_path_says_the_same(scene: Scene) -> Finding:
    """Where the path of the SDK example answers, it answers like the documented one."""
    sdk, plain = scene.get("sdk_path"), scene.get("plain")
    if sdk is None or plain is None or not (sdk.good and sdk.documents and plain.documents):
        return None
    faults = _same(scene, ("plain", "plain_again"), ("sdk_path",), "SDK path")
    return (*_like(sdk, plain), *(faults if isinstance(faults, tuple) else ()))


def _like(sdk: Observation, plain: Observation) -> Iterator[Fault]:
    """What two answers to one request share: form, model, usage and its prompt; and not the id."""
    one, other = sdk.documents[0][1], plain.documents[0][1]
    for name in ("object", "model"):
        if one.get(name) != other.get(name):
            yield fault(shown(other.get(name)), one.get(name), f"$.{name} of the SDK path")
    if one.get("id") is None or one.get("id") == other.get("id"):
        yield fault("an id of its own", one.get("id"), "$.id of the SDK path")
    counts = [tokens(s.reading, "prompt_tokens") if s.reading else None for s in (plain, sdk)]
    if counts[0] != counts[1]:
        yield fault(f"{counts[0]} prompt tokens", counts[1], "usage of the SDK path")


def sdk_path(scene: Scene) -> Finding:
    """Records what `/baseten/chat/completions` does."""
    return recorded(scene, "sdk_path")
