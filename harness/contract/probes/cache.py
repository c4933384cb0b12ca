"""Warms the gateway's cache with one request and asks what else it answers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.contract.case import Case, Expect, Key
from harness.contract.probes.stage import Stage, with_headers
from harness.contract.strategies.fixed import CLOCK, body
from harness.contract.strategies.text import nonce

OTHER_MODEL = "deepseek-ai/DeepSeek-V3.1"
CHAT_FIELDS: tuple[tuple[str, Any], ...] = (
    ("temperature", 0.7),
    ("max_tokens", 15),
    ("tools", [CLOCK]),
    ("response_format", {"type": "json_object"}),
    ("stop", ["zzz"]),
    ("user", "somebody"),
)
MODEL_FIELDS: tuple[tuple[str, Any], ...] = (("max_tokens", 15), ("extra", 1))


def play(stage: Stage) -> None:
    """One request and the same again, and three that must be answered afresh."""
    case = _long(stage, 1200)
    stage.play("first", case)
    stage.play("again", case)
    stage.play("skipped", replace(case, fresh=True, topic="skip the cache"))
    stage.play("other_message", replace(_long(stage, 1201), topic="another message"))
    if case.route != "model":
        stream = replace(case.having(stream=True), topic="streams are not cached")
        stage.play("stream", stream)
        stage.play("stream_again", stream)


def keys(stage: Stage) -> None:
    """A stored answer, and requests that differ from its own in one thing each.

    The same request once more at the end tells whether it was stored all the time.
    """
    case = _long(stage, 1210)
    stage.play("first", case)
    if stage.wants("cache-metadata"):
        tagged = with_headers(case, ("cf-aig-metadata", '{"team":"other"}'))
        stage.play("metadata", replace(tagged, topic="other metadata"))
    if stage.wants("cache-key-auth"):
        wrong = replace(case, provider_key=Key.WRONG, expect=Expect.REJECT)
        stage.play("other_key", replace(wrong, topic="another provider key"))
    _other_places(stage, case)
    if stage.wants("cache-key-fields"):
        _fields(stage, case)
    stage.play("again", case)
    if stage.wants("cache-custom-key"):
        _custom_key(stage)
    if stage.wants("cache-errors"):
        _errors(stage, case)


def expire(stage: Stage) -> None:
    """The first request once more, when the TTL has passed since the last one of the scene.

    Two further entries are made before: one is asked for well within its time, the other, which
    asks for a longer time of its own, when the gateway's time is over.
    """
    if "first" in stage.scene:
        ttl_s = stage.sender.subject.cache_ttl or 0
        kept = stage.plain("well within the TTL", 1260, fresh=False)
        own = with_headers(
            stage.plain("its own TTL", 1261, fresh=False), ("cf-aig-cache-ttl", "60")
        )
        if stage.wants("cache-lives", "cache-own-ttl"):
            stage.play("own_first", own)
            stage.play("kept_first", kept)
            stage.wait(ttl_s * 0.6)
            stage.play("kept_again", kept)
        stage.wait_since(stage.scene.values(), ttl_s)
        if ttl_s < 50 and stage.wants("cache-own-ttl"):
            stage.play("own_again", own)
        case = stage.scene["first"].case
        stage.play("expired", replace(case, topic="after the TTL"))


def _long(stage: Stage, number: int) -> Case:
    """A request of more than 1 KiB whose prompt differs from others of its kind at its end only."""
    mark = nonce(stage.seed, number)
    text = f"{'Read this and go on. ' * 60}Now say hello (grüezi, 你好) to {mark}."
    if stage.route == "model":
        return Case("model", {"prompt": text, "max_tokens": 16}, "cache", fresh=False)
    asked = body(stage.sender.subject.model, text, max_tokens=16, temperature=0)
    return Case(stage.route, asked, "cache", fresh=False)


def _respelt(case: Case, change: Callable[[str], str]) -> Case:
    """The case with another spelling of its prompt."""
    if case.route == "model":
        return case.having(prompt=change(case.asked["prompt"]))
    message = case.asked["messages"][0]
    return case.having(messages=[{**message, "content": change(message["content"])}])


def _fields(stage: Stage, case: Case) -> None:
    listed = MODEL_FIELDS if case.route == "model" else CHAT_FIELDS
    for name, value in listed if case.route == "native" else listed[:2]:
        changed = replace(case.having(**{name: value}), topic=f"another {name}")
        if case.route == "model":  # it may refuse a field that it does not know
            changed = replace(changed, expect=Expect.EITHER)
        stage.play(f"field_{name}", changed)
    if case.route != "native":
        return
    upper = _respelt(case, lambda text: text.replace("hello", "HELLO"))
    stage.play("field_letter case", replace(upper, topic="a word of the prompt in capitals"))
    spaced = _respelt(case, lambda text: text.replace(" hello", "  hello"))
    stage.play("field_white space", replace(spaced, topic="the prompt with a further space"))


def _other_places(stage: Stage, case: Case) -> None:
    if not stage.wants("cache-key-path", "cache-key-model"):
        return
    either = replace(case, expect=Expect.EITHER)
    if case.route == "model":
        stage.play("other_model", replace(either, model_id="zyxw9876", topic="another model"))
        stage.play("other_route", replace(either, route="native", topic="another path"))
        return
    stage.play("other_model", replace(either.having(model=OTHER_MODEL), topic="another model"))
    if stage.sender.subject.model_id is not None:
        request = stage.sender.request(case, 0)
        on_model = replace(either, route="model", body=request.body)
        stage.play("other_route", replace(on_model, topic="another path"))


def _errors(stage: Stage, case: Case) -> None:
    if case.route == "model":
        bad = replace(case, model_id="nothing0", expect=Expect.REJECT)
    else:
        bad = replace(case.having(max_tokens=0), expect=Expect.REJECT)
    stage.play("error", replace(bad, topic="errors are not cached"))
    stage.play("error_again", replace(bad, topic="errors are not cached"))


def _custom_key(stage: Stage) -> None:
    key = ("cf-aig-cache-key", f"contract-{stage.route}-{nonce(stage.seed, 1250)}")
    for name, number in (("keyed", 1202), ("keyed_other", 1203)):
        case = with_headers(stage.plain("a key of one's own", number, fresh=False), key)
        stage.play(name, case)
