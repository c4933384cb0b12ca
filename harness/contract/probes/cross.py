"""Asks one thing in several ways: plain, streamed, and by the other paths.

Where the answers differ the first request is sent again (A/A): a model need not repeat itself.
"""

from dataclasses import replace

from harness.contract.case import Case, Expect
from harness.contract.checks.cross import differ
from harness.contract.probes.stage import Stage
from harness.contract.strategies.fixed import CLOCK, USAGE, WEATHER, body
from harness.contract.strategies.text import SCRIPTS, nonce
from harness.routes.native import SDK_PATH

READ = "Read this and go on. "
"""Repeated, it makes the request larger than a KiB."""
STREAMED = {"stream": True, "stream_options": USAGE}


def play(stage: Stage) -> None:
    """Text first, then a tool call."""
    mark = nonce(stage.seed, 1300)
    text = f"{READ * 48}Tell me about rivers and about: {' / '.join(SCRIPTS[:6])} ({mark})"
    model = stage.sender.subject.model
    asked = body(model, text, temperature=0, seed=7, max_tokens=64)
    case = Case(stage.route, asked, "plain and streamed")
    stage.play("plain", case)
    stage.play("plain_again", case)
    stage.play("stream", case.having(**STREAMED))
    if differ(stage.scene, "plain", "stream"):
        stage.play("stream_again", case.having(**STREAMED))
    if stage.wants("record-sdk-path", "sdk-path-equal"):
        sdk = replace(case, path=SDK_PATH, expect=Expect.EITHER, topic="SDK path")
        stage.play("sdk_path", sdk)
    if stage.wants("compat-equals-native"):
        native = replace(case, route="native", topic="native beside compat")
        stage.play("native", native)
        if differ(stage.scene, "native", "plain"):
            stage.play("native_again", native)
    if stage.wants("tools-stream-equal"):
        _tools(stage, model, mark)
    if stage.wants("reasoning-stream-equal"):
        _reasoning(stage, model, mark)


def _tools(stage: Stage, model: str, mark: str) -> None:
    text = f"Weather in Zürich for three days? ({mark})"
    fields = {"tools": [WEATHER, CLOCK], "tool_choice": "required", "max_tokens": 200}
    asked = body(model, text, temperature=0, seed=7, **fields)
    case = Case(stage.route, asked, "tools, plain and streamed")
    stage.play("tool_plain", case)
    stage.play("tool_stream", case.having(**STREAMED))
    if differ(stage.scene, "tool_plain", "tool_stream"):
        stage.play("tool_plain_again", case)
        stage.play("tool_stream_again", case.having(**STREAMED))


def _reasoning(stage: Stage, model: str, mark: str) -> None:
    fields = {"temperature": 0, "seed": 7, "max_tokens": 96, "reasoning_effort": "low"}
    asked = body(model, f"Is 91 prime? ({mark})", **fields)
    case = Case(stage.route, asked, "reasoning, plain and streamed", Expect.EITHER)
    stage.play("reason_plain", case)
    stage.play("reason_stream", case.having(**STREAMED))
    if differ(stage.scene, "reason_plain", "reason_stream"):
        stage.play("reason_plain_again", case)
