"""Asks one thing in several ways: plain, streamed, and by the other paths.

Where no answer of one way is like one of the other, each way is asked three times more: a model
need not repeat itself.
"""

from dataclasses import replace

from harness.contract.case import Case, Expect
from harness.contract.checks import cross
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import CLOCK, USAGE, WEATHER, body
from harness.contract.strategies.text import SCRIPTS, nonce
from harness.routes.native import SDK_PATH

Way = tuple[tuple[str, ...], Case]
READ = "Read this and go on. "
"""Repeated, it makes the request larger than a KiB."""
STREAMED = {"stream": True, "stream_options": USAGE}


def play(stage: Stage) -> None:
    """Text first, then a tool call and reasoning."""
    _text(stage)
    if stage.wants("tools-stream-equal"):
        _tools(stage)
    if stage.wants("reasoning-stream-equal"):
        _reasoning(stage)


def _text(stage: Stage) -> None:
    scripts, mark = " / ".join(SCRIPTS[:6]), nonce(stage.seed, 1300)
    text = f"{READ * 48}Tell me about rivers and about: {scripts} ({mark})"
    asked = body(stage.sender.subject.model, text, temperature=0, seed=7, max_tokens=64)
    case = Case(stage.route, asked, "plain and streamed")
    _both(stage, (cross.PLAIN, case), (cross.STREAM, case.having(**STREAMED)))
    _play(stage, cross.PLAIN[1], case)
    if stage.wants("record-sdk-path", "sdk-path-equal"):
        sdk = replace(case, path=SDK_PATH, expect=Expect.EITHER, topic="SDK path")
        _both(stage, (cross.PLAIN, case), (cross.SDK, sdk))
    if stage.wants("compat-equals-native"):
        native = replace(case, route="native", topic="native beside compat")
        _both(stage, (cross.NATIVE, native), (cross.PLAIN, case))


def _both(stage: Stage, one: Way, other: Way) -> None:
    """One request each way, and all where they differ."""
    for names, case in (one, other):
        _play(stage, names[0], case)
    if cross.agree(stage.scene, one[0], other[0]) is False:
        for names, case in (one, other):
            for name in names:
                _play(stage, name, case)


def _play(stage: Stage, name: str, case: Case) -> None:
    """Play what was not played yet."""
    if name not in stage.scene:
        stage.play(name, case)


def _tools(stage: Stage) -> None:
    text = f"Weather in Zürich for three days? ({nonce(stage.seed, 1300)})"
    fields = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "max_tokens": 200}
    asked = body(stage.sender.subject.model, text, temperature=0, seed=7, **fields)
    case = Case(stage.route, asked, "tools, plain and streamed")
    _both(stage, (cross.TOOL_PLAIN, case), (cross.TOOL_STREAM, case.having(**STREAMED)))


def _reasoning(stage: Stage) -> None:
    text = f"Is 91 prime? ({nonce(stage.seed, 1300)})"
    fields = {"temperature": 0, "seed": 7, "max_tokens": 96, "reasoning_effort": "low"}
    asked = body(stage.sender.subject.model, text, **fields)
    case = Case(stage.route, asked, "reasoning, plain and streamed", Expect.EITHER)
    _both(stage, (cross.REASON_PLAIN, case), (cross.REASON_STREAM, case.having(**STREAMED)))
