"""Checks of one request asked in two ways: plain and streamed, native and compat.

A model need not be deterministic. The plain request is sent twice first (A/A); only where it
repeats itself, and goes on to, is a difference between two ways judged.
"""

from typing import Any

from harness.contract.checks.scenes import answered
from harness.contract.clause import Finding, Record, Scene
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


PLAIN = ("plain", "plain_again", "plain_more", "plain_last")
STREAM = ("stream", "stream_again", "stream_more", "stream_last")
NATIVE = ("native", "native_again", "native_more", "native_last")
TOOL_PLAIN = tuple(f"tool_{name}" for name in PLAIN)
TOOL_STREAM = tuple(f"tool_{name}" for name in STREAM)
REASON_PLAIN = tuple(f"reason_{name}" for name in PLAIN)
REASON_STREAM = tuple(f"reason_{name}" for name in STREAM)


def _good(scene: Scene, names: tuple[str, ...]) -> list[Observation]:
    found = [scene[name] for name in names if name in scene]
    return [seen for seen in found if seen.good and seen.exchange.whole and seen.choices]


def differing(scene: Scene, one: tuple[str, ...], other: tuple[str, ...]) -> bool | None:
    """Whether each answer of the one way is the same and none of the other way is like it.

    A model that repeats itself nine times of ten passes twice by chance; so what differs at first
    is asked twice more each way. None when nothing can be said.
    """
    first, second = _good(scene, one), _good(scene, other)
    if len(first) < 2 or not second or any(said(seen) != said(first[0]) for seen in first):
        return None
    return all(said(seen) != said(first[0]) for seen in second)


def stream_says_the_same(scene: Scene) -> Finding:
    """A stream, put together, says what the plain answer says."""
    return _same(scene, PLAIN, STREAM, "stream")


def tools_stream_the_same(scene: Scene) -> Finding:
    """A streamed tool call, put together, is the plain one."""
    return _same(scene, TOOL_PLAIN, TOOL_STREAM, "stream")


def reasoning_streams_the_same(scene: Scene) -> Finding:
    """Reasoning is told as reasoning, and content as content, plain and streamed."""
    return _same(scene, REASON_PLAIN, REASON_STREAM, "stream")


def compat_says_the_same(scene: Scene) -> Finding:
    """The same request by compat says what it says by native."""
    return _same(scene, NATIVE, PLAIN, "compat")


def _same(scene: Scene, one: tuple[str, ...], other: tuple[str, ...], way: str) -> Finding:
    found = differing(scene, one, other)
    if not found:
        return found if found is None else ()
    first, second = _good(scene, one), _good(scene, other)
    wanted = f"{shown(said(first[0]))}, as the other way said {len(first)} times"
    return (fault(wanted, said(second[0]), f"{way}, {len(second)} times"),)


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
