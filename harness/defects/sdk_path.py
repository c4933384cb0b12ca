"""The path of the page's SDK example, `/baseten/chat/completions`, served by something else."""

from collections.abc import Callable
from typing import Any

from harness.defects.answers import where
from harness.defects.edits import having, on_chat
from harness.defects.rows import Decisions, deciding, rows
from harness.gateway.call import Call
from harness.gateway.served import Served

_PATH = "/baseten/chat/completions"


def _forwarding(edit: Callable[[Call, dict[str, Any]], dict[str, Any]]) -> Decisions:
    def forward(call: Call, document: Any) -> Any:
        there = call.arrival.request.path.endswith(_PATH)
        return edit(call, document) if there and isinstance(document, dict) else document

    return deciding(forward=forward)


def _other_model(call: Call, document: dict[str, Any]) -> dict[str, Any]:
    others = [model for model in call.config.catalogue if model != document.get("model")]
    return {**document, "model": others[0]} if others else document


def _system_added(_call: Call, document: dict[str, Any]) -> dict[str, Any]:
    messages = document.get("messages")
    extra = {"role": "system", "content": "You are a helpful assistant."}
    return {**document, "messages": [extra, *messages]} if isinstance(messages, list) else document


def _there(served: Served) -> bool:
    return served.arrival.request.path.endswith(_PATH)


SDK_PATH = rows(
    "sdk",
    (
        "sdk-path-other-model",
        "the SDK path asks another model",
        _forwarding(_other_model),
        "sdk-path-equal",
    ),
    (
        "sdk-path-system-added",
        "the SDK path adds a system message",
        _forwarding(_system_added),
        "sdk-path-equal",
    ),
    (
        "sdk-path-model-named",
        "the SDK path names the model as compat does",
        where(_there, on_chat(having(model=lambda name: f"baseten/{name}"))),
        "sdk-path-equal",
    ),
)
