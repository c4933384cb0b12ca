"""Checks of one request asked in two ways: plain and streamed, native and compat.

A model need not be deterministic. The plain request is sent twice first (A/A); only where it
repeats itself is a difference between two ways judged.
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


def _steady(scene: Scene, first: str, again: str) -> tuple[Observation, ...] | None:
    """The two A/A answers if they are good and equal."""
    seen = answered(first, again, scene=scene)
    if seen is None or not all(s.good and s.exchange.whole and s.choices for s in seen):
        return None
    return seen if said(seen[0]) == said(seen[1]) else None


def stream_says_the_same(scene: Scene) -> Finding:
    """A stream, put together, says what the plain answer says."""
    return _same(scene, ("plain", "plain_again"), "stream")


def tools_stream_the_same(scene: Scene) -> Finding:
    """A streamed tool call, put together, is the plain one."""
    pair = ("tool_plain", "tool_plain_again")
    return _same(scene, pair, "tool_stream")


def reasoning_streams_the_same(scene: Scene) -> Finding:
    """Reasoning is told as reasoning, and content as content, plain and streamed."""
    pair = ("reason_plain", "reason_plain_again")
    return _same(scene, pair, "reason_stream")


def compat_says_the_same(scene: Scene) -> Finding:
    """The same request by native says what it says by compat."""
    return _same(scene, ("plain", "plain_again"), "native")


def _same(scene: Scene, pair: tuple[str, str], name: str) -> Finding:
    steady, other = _steady(scene, *pair), scene.get(name)
    if steady is None or other is None or not (other.good and other.exchange.whole):
        return None
    wanted = said(steady[0])
    if said(other) == wanted:
        return ()
    return (fault(f"{shown(wanted)}, as the plain request said twice", said(other), name),)


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
