"""The gateway's cache (developers.cloudflare.com/ai-gateway/features/caching/).

A cached answer shows by its status header and by its id: a fresh answer has a fresh one.
"""

from dataclasses import dataclass, replace
from typing import Any

from harness.contract.case import Case
from harness.contract.clause import EvidenceGrade, Finding, Level, Profile
from harness.contract.fault import fault, told, unequal
from harness.contract.observation import Observation
from harness.contract.requests.fixed import body
from harness.contract.requests.text import nonce
from harness.contract.topics.scenes import Scene, answered
from harness.contract.topics.sources import ALL, CACHING, CHAT
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic

topic = Topic(
    "cache",
    routes=ALL,
    evidence=EvidenceGrade.DOCUMENTED,
    source=CACHING,
    probe="cache",
    needs=("cache",),
)


@dataclass(slots=True)
class StoredScene(Scene):
    """A request that is to be stored, and the same again."""

    first: Observation | None = None
    again: Observation | None = None


@dataclass(slots=True)
class CacheScene(StoredScene):
    """What must be answered afresh, and, for later, entries with times of their own."""

    skipped: Observation | None = None
    other_message: Observation | None = None
    stream: Observation | None = None
    stream_again: Observation | None = None
    own_first: Observation | None = None
    own_again: Observation | None = None
    kept_first: Observation | None = None
    kept_again: Observation | None = None
    expired: Observation | None = None


def is_hit(seen: Observation) -> bool:
    """Whether the gateway says that it served a stored answer."""
    return (seen.cache_status or "").upper() == "HIT"


def identity(seen: Observation) -> Any:
    """What tells one answer from another: the id of a chat answer, or None."""
    document = seen.document
    return document.get("id") if isinstance(document, dict) else None


def repeats(seen: Observation, first: Observation) -> bool:
    """Whether an answer is the first one again, whatever its status header says."""
    return seen.ok and identity(seen) is not None and identity(seen) == identity(first)


@topic.scene("cache-miss", Level.MUST, why="A HIT for a new body is somebody else's answer.")
def first_is_a_miss(scene: CacheScene) -> Finding:
    """A body never sent before is a MISS."""
    seen = answered(scene.first)
    if seen is None or not seen[0].ok:
        return None
    if (seen[0].cache_status or "").upper() == "MISS":
        return ()
    return (fault("MISS", seen[0].cache_status, "cf-aig-cache-status of the first request"),)


@topic.scene("cache-hit", Level.MUST, why="Every call is paid for although a cache was configured.")
def repetition_is_a_hit(scene: CacheScene) -> Finding:
    """The same request within the TTL is a HIT."""
    seen = answered(scene.first, scene.again)
    if seen is None or not seen[0].ok:
        return None
    if is_hit(seen[1]):
        return ()
    return (fault("HIT", seen[1].cache_status, "cf-aig-cache-status of the same request again"),)


@topic.scene("cache-same", Level.MUST, why="The status is a lie, or entries are mixed up.")
def hit_is_the_same_answer(scene: CacheScene) -> Finding:
    """A HIT brings the stored answer."""
    seen = answered(scene.first, scene.again)
    if seen is None or not seen[0].ok or not is_hit(seen[1]):
        return None
    first, again = seen
    if first.reading and again.reading and first.reading.document == again.reading.document:
        return ()
    stored, came = (s.body for s in (first, again))
    return (unequal(stored, came, "body of the HIT", came),)


@topic.scene("cache-fresh", Level.MUST, why="Hit rates and costs are counted wrongly.", routes=CHAT)
def miss_is_a_fresh_answer(scene: CacheScene) -> Finding:
    """What is not called a HIT repeats no stored answer."""
    seen = answered(scene.first)
    others = (scene.skipped, scene.other_message)
    judged = [s for s in others if s is not None and s.ok and not is_hit(s)]
    if seen is None or not seen[0].ok or not judged or seen[0].case.route == "model":
        return None
    return tuple(
        told("a fresh answer", f"the first one under {s.cache_status}", s.case.topic)
        for s in judged
        if repeats(s, seen[0])
    )[:2]


def differs(scene: StoredScene, asked: Observation | None, what: str) -> Finding:
    """The request differs from the first in something that belongs to the key."""
    seen = answered(scene.first, scene.again, asked)
    if seen is None or not seen[0].ok or not is_hit(seen[1]):
        return None
    other = seen[2]
    chat = other.case.route != "model"
    if not is_hit(other) and not (chat and repeats(other, seen[0])):
        return ()
    came = f"{other.cache_status}" + (", the first answer" if repeats(other, seen[0]) else "")
    return (told(f"no stored answer: {what} is part of the key", came, other.case.topic),)


@topic.scene("cache-skip", Level.MUST, why="A caller that asks for a fresh answer gets an old one.")
def skip_is_obeyed(scene: CacheScene) -> Finding:
    """cf-aig-skip-cache is obeyed."""
    return differs(scene, scene.skipped, "a request that skips the cache")


@topic.scene(
    "cache-stream",
    Level.MUST,
    why="A stream is replayed at once, with the id of another.",
    routes=CHAT,
    source="developers.cloudflare.com/ai-gateway/reference/troubleshooting/",
)
def streams_are_not_cached(scene: CacheScene) -> Finding:
    """Streams are not cached."""
    seen = answered(scene.stream, scene.stream_again)
    if seen is None or not seen[0].ok:
        return None
    ids = [s.documents[0][1].get("id") if s.documents else None for s in seen]
    if not is_hit(seen[1]) and (ids[0] is None or ids[0] != ids[1]):
        return ()
    came = f"{seen[1].cache_status}, ids {ids}"
    return (told("a fresh stream", came, "the same stream again"),)


@topic.scene(
    "cache-lives",
    Level.MUST,
    why="The cache saves less than was paid for, and no counter says so.",
    routes=("native",),
    probe="expiry",
    profile=Profile.EXTENDED,
    needs=("cache", "clock"),
)
def entries_live(scene: CacheScene) -> Finding:
    """Well within the TTL an entry is still served."""
    return _still(scene.kept_first, scene.kept_again, "after six tenths of the TTL")


@topic.scene(
    "cache-own-ttl",
    Level.MUST,
    why="A caller's own lifetime has no effect: answers go stale, or are paid for twice.",
    routes=("native",),
    probe="expiry",
    profile=Profile.EXTENDED,
    needs=("cache", "clock"),
)
def own_ttl_is_obeyed(scene: CacheScene) -> Finding:
    """cf-aig-cache-ttl replaces the gateway's TTL."""
    when = "after the gateway's TTL, with 60 s of its own"
    return _still(scene.own_first, scene.own_again, when)


def _still(first: Observation | None, again: Observation | None, when: str) -> Finding:
    seen = answered(first, again)
    if seen is None or not seen[0].ok or (seen[0].cache_status or "").upper() != "MISS":
        return None
    return () if is_hit(seen[1]) else (fault("HIT", seen[1].cache_status, when),)


@topic.scene(
    "cache-expires",
    Level.MUST,
    why="Stale answers for ever.",
    probe="expiry",
    profile=Profile.EXTENDED,
    needs=("cache", "clock"),
)
def entries_expire(scene: CacheScene) -> Finding:
    """After the TTL the same request is a MISS."""
    seen = answered(scene.first, scene.again, scene.expired)
    if seen is None or not seen[0].ok or not is_hit(seen[1]):
        return None
    if not is_hit(seen[2]) and not (seen[2].case.route != "model" and repeats(seen[2], seen[0])):
        return ()
    return (fault("MISS after the TTL", seen[2].cache_status, "the same request later"),)


def play(stage: Stage, scene: CacheScene) -> None:
    """One request and the same again, and three that must be answered afresh."""
    case = long_case(stage, 1200)
    scene.first = stage.play(case)
    scene.again = stage.play(case)
    scene.skipped = stage.play(replace(case, fresh=True, topic="skip the cache"))
    scene.other_message = stage.play(replace(long_case(stage, 1201), topic="another message"))
    if case.route != "model":
        stream = replace(case.having(stream=True), topic="streams are not cached")
        scene.stream = stage.play(stream)
        scene.stream_again = stage.play(stream)


def expire(stage: Stage, scene: CacheScene) -> None:
    """The first request once more, when the TTL has passed since the last one of the scene.

    Two further entries are made before: one is asked for well within its time, the other, which
    asks for a longer time of its own, when the gateway's time is over.
    """
    if scene.first is not None:
        ttl_s = stage.sender.target.expectations.cache_ttl or 0
        kept = stage.plain("well within the TTL", 1260, fresh=False)
        own = with_headers(
            stage.plain("its own TTL", 1261, fresh=False), ("cf-aig-cache-ttl", "60")
        )
        if stage.wants("cache-lives", "cache-own-ttl"):
            scene.own_first = stage.play(own)
            scene.kept_first = stage.play(kept)
            stage.wait(ttl_s * 0.6)
            scene.kept_again = stage.play(kept)
        stage.wait_since(scene.seen, ttl_s)
        if ttl_s < 50 and stage.wants("cache-own-ttl"):
            scene.own_again = stage.play(own)
        case = replace(scene.first.case, topic="after the TTL")
        scene.expired = stage.play(case)


def long_case(stage: Stage, number: int) -> Case:
    """A request of more than 1 KiB whose prompt differs from others of its kind at its end only."""
    mark = nonce(stage.seed, number)
    text = f"{'Read this and go on. ' * 60}Now say hello (grüezi, 你好) to {mark}."
    if stage.route == "model":
        return Case("model", {"prompt": text, "max_tokens": 16}, "cache", fresh=False)
    asked = body(stage.sender.target.model, text, max_tokens=16, temperature=0)
    return Case(stage.route, asked, "cache", fresh=False)
