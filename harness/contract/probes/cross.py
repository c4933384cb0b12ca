"""Asks one thing in several ways: twice plain (A/A), streamed, and by the other route."""

from dataclasses import replace

from harness.contract.case import Case, Expect
from harness.contract.checks import cross
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import CLOCK, USAGE, WEATHER, body
from harness.contract.strategies.text import SCRIPTS, nonce

Way = tuple[tuple[str, ...], Case]
STREAMED = {"stream": True, "stream_options": USAGE}


def play(stage: Stage) -> None:
    """Text first, then a tool call."""
    mark = nonce(stage.seed, 1300)
    text = f"Tell me about rivers and about: {' / '.join(SCRIPTS[:6])} ({mark})"
    model = stage.sender.subject.model
    asked = body(model, text, temperature=0, seed=7, max_tokens=64)
    case = Case(stage.route, asked, "plain and streamed")
    _both(stage, (cross.PLAIN, case), (cross.STREAM, case.having(**STREAMED)))
    if stage.wants("compat-equals-native"):
        native = replace(case, route="native", topic="native beside compat")
        _both(stage, (cross.NATIVE, native), (cross.PLAIN, case))
    if stage.wants("tools-stream-equal"):
        _tools(stage, model, mark)
    if stage.wants("reasoning-stream-equal"):
        _reasoning(stage, model, mark)


def _both(stage: Stage, one: Way, other: Way, *, once: bool = False) -> None:
    """Two requests each way (or `once` the other way), and two more where they differ."""
    for names, case in (one, other):
        for name in names[: 1 if once and names is other[0] else 2]:
            _play(stage, name, case)
    if cross.differing(stage.scene, one[0], other[0]):
        for names, case in (one, other):
            for name in names:
                _play(stage, name, case)


def _play(stage: Stage, name: str, case: Case) -> None:
    """Play what was not played yet."""
    if name not in stage.scene:
        stage.play(name, case)


def _tools(stage: Stage, model: str, mark: str) -> None:
    text = f"Weather in Oslo for three days? ({mark})"
    fields = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "max_tokens": 200}
    asked = body(model, text, temperature=0, seed=7, **fields)
    case = Case(stage.route, asked, "tools, plain and streamed")
    _both(stage, (cross.TOOL_PLAIN, case), (cross.TOOL_STREAM, case.having(**STREAMED)))


def _reasoning(stage: Stage, model: str, mark: str) -> None:
    fields = {"temperature": 0, "seed": 7, "max_tokens": 96, "reasoning_effort": "low"}
    asked = body(model, f"Is 91 prime? ({mark})", **fields)
    case = Case(stage.route, asked, "reasoning, plain and streamed", Expect.EITHER)
    streamed = case.having(**STREAMED)
    _both(stage, (cross.REASON_PLAIN, case), (cross.REASON_STREAM, streamed), once=True)
