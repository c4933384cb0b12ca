"""The gateway's cache (developers.cloudflare.com/ai-gateway/features/caching/).

A cached answer shows by its status header and by its id: a fresh answer has a fresh one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.contract.case import Case, Expect, Key
from harness.contract.clause import Evidence, Finding, Level, Profile, Scene
from harness.contract.evidence import fault, told, unequal
from harness.contract.observation import Observation
from harness.contract.strategies.fixed import CLOCK, body
from harness.contract.strategies.text import nonce
from harness.contract.topics.scenes import answered
from harness.contract.topics.sources import ALL, CACHING, CHAT
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic

topic = Topic(
    "cache",
    routes=ALL,
    evidence=Evidence.DOCUMENTED,
    source=CACHING,
    probe="cache",
    needs=("cache",),
)


def _hit(seen: Observation) -> bool:
    return (seen.cache_status or "").upper() == "HIT"


def identity(seen: Observation) -> Any:
    """What tells one answer from another: the id of a chat answer, or None."""
    document = seen.reading.document if seen.reading else None
    return document.get("id") if isinstance(document, dict) else None


def _repeats(seen: Observation, first: Observation) -> bool:
    return seen.ok and identity(seen) is not None and identity(seen) == identity(first)


@topic.scene("cache-miss", Level.MUST, why="A HIT for a new body is somebody else's answer.")
def first_is_a_miss(scene: Scene) -> Finding:
    """A body never sent before is a MISS."""
    seen = answered("first", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    if (seen[0].cache_status or "").upper() == "MISS":
        return ()
    return (fault("MISS", seen[0].cache_status, "cf-aig-cache-status of the first request"),)


@topic.scene("cache-hit", Level.MUST, why="Every call is paid for although a cache was configured.")
def repetition_is_a_hit(scene: Scene) -> Finding:
    """The same request within the TTL is a HIT."""
    seen = answered("first", "again", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    if _hit(seen[1]):
        return ()
    return (fault("HIT", seen[1].cache_status, "cf-aig-cache-status of the same request again"),)


@topic.scene("cache-same", Level.MUST, why="The status is a lie, or entries are mixed up.")
def hit_is_the_same_answer(scene: Scene) -> Finding:
    """A HIT brings the stored answer."""
    seen = answered("first", "again", scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    first, again = seen
    if first.reading and again.reading and first.reading.document == again.reading.document:
        return ()
    stored, came = (s.response.body if s.response else b"" for s in (first, again))
    return (unequal(stored, came, "body of the HIT", came),)


@topic.scene("cache-fresh", Level.MUST, why="Hit rates and costs are counted wrongly.", routes=CHAT)
def miss_is_a_fresh_answer(scene: Scene) -> Finding:
    """What is not called a HIT repeats no stored answer."""
    pairs = [(name, scene[name]) for name in scene if name not in ("first", "again")]
    seen = answered("first", scene=scene)
    judged = [(n, s) for n, s in pairs if s.ok and not _hit(s) and not s.case.stream]
    if seen is None or not seen[0].ok or not judged or seen[0].case.route == "model":
        return None
    return tuple(
        told("a fresh answer", f"the first one under {s.cache_status}", name)
        for name, s in judged
        if _repeats(s, seen[0])
    )[:2]


def differs(scene: Scene, name: str, what: str) -> Finding:
    """The named request differs from the first in something that belongs to the key."""
    seen = answered("first", "again", name, scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    other = seen[2]
    chat = other.case.route != "model"
    if not _hit(other) and not (chat and _repeats(other, seen[0])):
        return ()
    came = f"{other.cache_status}" + (", the first answer" if _repeats(other, seen[0]) else "")
    return (told(f"no stored answer: {what} is part of the key", came, name),)


@topic.scene("cache-skip", Level.MUST, why="A caller that asks for a fresh answer gets an old one.")
def skip_is_obeyed(scene: Scene) -> Finding:
    """cf-aig-skip-cache is obeyed."""
    return differs(scene, "skipped", "a request that skips the cache")


@topic.scene("cache-key-body", Level.MUST, why="One prompt is answered with the answer to another.")
def body_is_in_the_key(scene: Scene) -> Finding:
    """Another prompt is another entry."""
    return differs(scene, "other_message", "the message")


@topic.scene(
    "cache-key-fields",
    Level.MUST,
    why="temperature, max_tokens or tools are ignored as soon as the cache is warm.",
    probe="keys",
)
def parameters_are_in_the_key(scene: Scene) -> Finding:
    """Another value of any body field is another entry."""
    names = [name for name in scene if name.startswith("field_")]
    found = [differs(scene, name, name.removeprefix("field_")) for name in names]
    judged = [f for f in found if isinstance(f, tuple)]
    return tuple(x for f in judged for x in f) if judged else None


@topic.scene(
    "cache-key-auth",
    Level.MUST,
    why="Answers leak from one tenant to another.",
    probe="keys",
    needs=("cache", "provider_key"),
)
def key_is_in_the_key(scene: Scene) -> Finding:
    """Another provider key never gets a stored answer."""
    return differs(scene, "other_key", "the provider's auth header")


@topic.scene(
    "cache-key-path",
    Level.MUST,
    why="An answer of one route is served in the form of another.",
    probe="keys",
)
def route_is_in_the_key(scene: Scene) -> Finding:
    """The same bytes on another path are another entry."""
    return differs(scene, "other_route", "the path")


@topic.scene(
    "cache-key-model",
    Level.MUST,
    why="A comparison of models compares a model with itself.",
    probe="keys",
)
def model_is_in_the_key(scene: Scene) -> Finding:
    """Another model never gets a stored answer."""
    return differs(scene, "other_model", "the model")


@topic.scene(
    "cache-metadata",
    Level.MUST,
    why="Tagging requests by user empties the cache.",
    probe="keys",
    profile=Profile.EXTENDED,
)
def metadata_is_not_in_the_key(scene: Scene) -> Finding:
    """Metadata is not part of the key."""
    seen = answered("first", "again", "metadata", scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    if _hit(seen[2]):
        return ()
    return (fault("HIT with other metadata", seen[2].cache_status, "cf-aig-cache-status"),)


@topic.scene(
    "cache-custom-key",
    Level.MUST,
    why="A caller's own key has no effect.",
    probe="keys",
    profile=Profile.EXTENDED,
)
def custom_key_replaces_the_key(scene: Scene) -> Finding:
    """cf-aig-cache-key replaces the key."""
    seen = answered("keyed", "keyed_other", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    if _hit(seen[1]):
        return ()
    return (fault("HIT for the same cf-aig-cache-key", seen[1].cache_status, "second request"),)


@topic.scene(
    "cache-stream",
    Level.MUST,
    why="A stream is replayed at once, with the id of another.",
    routes=CHAT,
    source="developers.cloudflare.com/ai-gateway/reference/troubleshooting/",
)
def streams_are_not_cached(scene: Scene) -> Finding:
    """Streams are not cached."""
    seen = answered("stream", "stream_again", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    ids = [s.documents[0][1].get("id") if s.documents else None for s in seen]
    if not _hit(seen[1]) and (ids[0] is None or ids[0] != ids[1]):
        return ()
    came = f"{seen[1].cache_status}, ids {ids}"
    return (told("a fresh stream", came, "the same stream again"),)


@topic.scene(
    "cache-errors", Level.MUST, why="A transient error lasts for the whole TTL.", probe="keys"
)
def errors_are_not_cached(scene: Scene) -> Finding:
    """Errors are not cached."""
    seen = answered("error", "error_again", scene=scene)
    if seen is None or not seen[0].rejected:
        return None
    ids = [s.headers.get("x-baseten-request-id") for s in seen]
    if not _hit(seen[1]) and (ids[0] is None or ids[0] != ids[1]):
        return ()
    came = f"{seen[1].cache_status}, x-baseten-request-id {ids}"
    return (told("a fresh error", came, "the same bad request again"),)


@topic.scene(
    "cache-lives",
    Level.MUST,
    why="The cache saves less than was paid for, and no counter says so.",
    routes=("native",),
    probe="expiry",
    profile=Profile.EXTENDED,
    needs=("cache", "clock"),
)
def entries_live(scene: Scene) -> Finding:
    """Well within the TTL an entry is still served."""
    return _still(scene, "kept_first", "kept_again", "after six tenths of the TTL")


@topic.scene(
    "cache-own-ttl",
    Level.MUST,
    why="A caller's own lifetime has no effect: answers go stale, or are paid for twice.",
    routes=("native",),
    probe="expiry",
    profile=Profile.EXTENDED,
    needs=("cache", "clock"),
)
def own_ttl_is_obeyed(scene: Scene) -> Finding:
    """cf-aig-cache-ttl replaces the gateway's TTL."""
    return _still(scene, "own_first", "own_again", "after the gateway's TTL, with 60 s of its own")


def _still(scene: Scene, first: str, again: str, when: str) -> Finding:
    seen = answered(first, again, scene=scene)
    if seen is None or not seen[0].ok or (seen[0].cache_status or "").upper() != "MISS":
        return None
    return () if _hit(seen[1]) else (fault("HIT", seen[1].cache_status, when),)


@topic.scene(
    "cache-expires",
    Level.MUST,
    why="Stale answers for ever.",
    probe="expiry",
    profile=Profile.EXTENDED,
    needs=("cache", "clock"),
)
def entries_expire(scene: Scene) -> Finding:
    """After the TTL the same request is a MISS."""
    seen = answered("first", "again", "expired", scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    if not _hit(seen[2]) and not (seen[2].case.route != "model" and _repeats(seen[2], seen[0])):
        return ()
    return (fault("MISS after the TTL", seen[2].cache_status, "the same request later"),)


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
