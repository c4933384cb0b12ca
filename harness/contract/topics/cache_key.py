"""What belongs to the key of a stored answer (ai-gateway/features/caching/), and what does not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from harness.contract.case import Case, Expect, Key
from harness.contract.clause import Finding, Level, Profile
from harness.contract.fault import fault, told
from harness.contract.observation import Observation
from harness.contract.requests.fixed import CLOCK
from harness.contract.requests.text import nonce
from harness.contract.topics.cache import CacheScene, StoredScene, differs, is_hit, long_case, topic
from harness.contract.topics.scenes import answered, together
from harness.contract.topics.stage import Stage, with_headers


@dataclass(slots=True)
class KeysScene(StoredScene):
    """Requests that differ from the stored one in one thing each, and two pairs of their own."""

    metadata: Observation | None = None
    other_key: Observation | None = None
    other_model: Observation | None = None
    other_route: Observation | None = None
    fields: dict[str, Observation] = field(default_factory=dict)
    keyed: Observation | None = None
    keyed_other: Observation | None = None
    error: Observation | None = None
    error_again: Observation | None = None


@topic.scene("cache-key-body", Level.MUST, why="One prompt is answered with the answer to another.")
def body_is_in_the_key(scene: CacheScene) -> Finding:
    """Another prompt is another entry."""
    return differs(scene, scene.other_message, "the message")


@topic.scene(
    "cache-key-fields",
    Level.MUST,
    why="temperature, max_tokens or tools are ignored as soon as the cache is warm.",
    probe="keys",
)
def parameters_are_in_the_key(scene: KeysScene) -> Finding:
    """Another value of any body field is another entry."""
    return together(differs(scene, seen, name) for name, seen in scene.fields.items())


@topic.scene(
    "cache-key-auth",
    Level.MUST,
    why="Answers leak from one tenant to another.",
    probe="keys",
    needs=("cache", "provider_key"),
)
def key_is_in_the_key(scene: KeysScene) -> Finding:
    """Another provider key never gets a stored answer."""
    return differs(scene, scene.other_key, "the provider's auth header")


@topic.scene(
    "cache-key-path",
    Level.MUST,
    why="An answer of one route is served in the form of another.",
    probe="keys",
)
def route_is_in_the_key(scene: KeysScene) -> Finding:
    """The same bytes on another path are another entry."""
    return differs(scene, scene.other_route, "the path")


@topic.scene(
    "cache-key-model",
    Level.MUST,
    why="A comparison of models compares a model with itself.",
    probe="keys",
)
def model_is_in_the_key(scene: KeysScene) -> Finding:
    """Another model never gets a stored answer."""
    return differs(scene, scene.other_model, "the model")


@topic.scene(
    "cache-metadata",
    Level.MUST,
    why="Tagging requests by user empties the cache.",
    probe="keys",
    profile=Profile.EXTENDED,
)
def metadata_is_not_in_the_key(scene: KeysScene) -> Finding:
    """Metadata is not part of the key."""
    seen = answered(scene.first, scene.again, scene.metadata)
    if seen is None or not seen[0].ok or not is_hit(seen[1]):
        return None
    if is_hit(seen[2]):
        return ()
    return (fault("HIT with other metadata", seen[2].cache_status, "cf-aig-cache-status"),)


@topic.scene(
    "cache-custom-key",
    Level.MUST,
    why="A caller's own key has no effect.",
    probe="keys",
    profile=Profile.EXTENDED,
)
def custom_key_replaces_the_key(scene: KeysScene) -> Finding:
    """cf-aig-cache-key replaces the key."""
    seen = answered(scene.keyed, scene.keyed_other)
    if seen is None or not seen[0].ok:
        return None
    if is_hit(seen[1]):
        return ()
    return (fault("HIT for the same cf-aig-cache-key", seen[1].cache_status, "second request"),)


@topic.scene(
    "cache-errors", Level.MUST, why="A transient error lasts for the whole TTL.", probe="keys"
)
def errors_are_not_cached(scene: KeysScene) -> Finding:
    """Errors are not cached."""
    seen = answered(scene.error, scene.error_again)
    if seen is None or not seen[0].rejected:
        return None
    ids = [s.headers.get("x-baseten-request-id") for s in seen]
    if not is_hit(seen[1]) and (ids[0] is None or ids[0] != ids[1]):
        return ()
    came = f"{seen[1].cache_status}, x-baseten-request-id {ids}"
    return (told("a fresh error", came, "the same bad request again"),)


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


def keys(stage: Stage, scene: KeysScene) -> None:
    """A stored answer, and requests that differ from its own in one thing each.

    The same request once more at the end tells whether it was stored all the time.
    """
    case = long_case(stage, 1210)
    scene.first = stage.play(case)
    if stage.wants("cache-metadata"):
        tagged = with_headers(case, ("cf-aig-metadata", '{"team":"other"}'))
        scene.metadata = stage.play(replace(tagged, topic="other metadata"))
    if stage.wants("cache-key-auth"):
        wrong = replace(case, provider_key=Key.WRONG, expect=Expect.REJECT)
        scene.other_key = stage.play(replace(wrong, topic="another provider key"))
    _other_places(stage, scene, case)
    if stage.wants("cache-key-fields"):
        _fields(stage, scene.fields, case)
    scene.again = stage.play(case)
    if stage.wants("cache-custom-key"):
        _custom_key(stage, scene)
    if stage.wants("cache-errors"):
        _errors(stage, scene, case)


def _respelt(case: Case, change: Callable[[str], str]) -> Case:
    """The case with another spelling of its prompt."""
    if case.route == "model":
        return case.having(prompt=change(case.asked["prompt"]))
    message = case.asked["messages"][0]
    return case.having(messages=[{**message, "content": change(message["content"])}])


def _fields(stage: Stage, seen: dict[str, Observation], case: Case) -> None:
    listed = MODEL_FIELDS if case.route == "model" else CHAT_FIELDS
    for name, value in listed if case.route == "native" else listed[:2]:
        changed = replace(case.having(**{name: value}), topic=f"another {name}")
        if case.route == "model":  # it may refuse a field that it does not know
            changed = replace(changed, expect=Expect.EITHER)
        seen[name] = stage.play(changed)
    if case.route != "native":
        return
    upper = _respelt(case, lambda text: text.replace("hello", "HELLO"))
    seen["letter case"] = stage.play(replace(upper, topic="a word of the prompt in capitals"))
    spaced = _respelt(case, lambda text: text.replace(" hello", "  hello"))
    seen["white space"] = stage.play(replace(spaced, topic="the prompt with a further space"))


def _other_places(stage: Stage, scene: KeysScene, case: Case) -> None:
    if not stage.wants("cache-key-path", "cache-key-model"):
        return
    either = replace(case, expect=Expect.EITHER)
    if case.route == "model":
        other = replace(either, model_id="zyxw9876", topic="another model")
        scene.other_model = stage.play(other)
        scene.other_route = stage.play(replace(either, route="native", topic="another path"))
        return
    other = replace(either.having(model=OTHER_MODEL), topic="another model")
    scene.other_model = stage.play(other)
    if stage.sender.target.model_id is not None:
        request = stage.sender.request(case, 0)
        on_model = replace(either, route="model", body=request.body)
        scene.other_route = stage.play(replace(on_model, topic="another path"))


def _errors(stage: Stage, scene: KeysScene, case: Case) -> None:
    if case.route == "model":
        bad = replace(case, model_id="nothing0", expect=Expect.REJECT)
    else:
        bad = replace(case.having(max_tokens=0), expect=Expect.REJECT)
    bad = replace(bad, topic="errors are not cached")
    scene.error = stage.play(bad)
    scene.error_again = stage.play(bad)


def _custom_key(stage: Stage, scene: KeysScene) -> None:
    key = ("cf-aig-cache-key", f"contract-{stage.route}-{nonce(stage.seed, 1250)}")
    first, other = (
        with_headers(stage.plain("a key of one's own", number, fresh=False), key)
        for number in (1202, 1203)
    )
    scene.keyed = stage.play(first)
    scene.keyed_other = stage.play(other)
