"""Checks of the gateway's cache (developers.cloudflare.com/ai-gateway/features/caching/).

A cached answer shows by its status header and by its id: a fresh answer has a fresh one.
"""

from typing import Any

from harness.contract.checks.scenes import answered
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import fault, told, unequal
from harness.contract.observation import Observation


def _hit(seen: Observation) -> bool:
    return (seen.cache_status or "").upper() == "HIT"


def identity(seen: Observation) -> Any:
    """What tells one answer from another: the id of a chat answer, or None."""
    document = seen.reading.document if seen.reading else None
    return document.get("id") if isinstance(document, dict) else None


def _repeats(seen: Observation, first: Observation) -> bool:
    return seen.ok and identity(seen) is not None and identity(seen) == identity(first)


def first_is_a_miss(scene: Scene) -> Finding:
    """A body that was never sent before is a MISS."""
    seen = answered("first", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    if (seen[0].cache_status or "").upper() == "MISS":
        return ()
    return (fault("MISS", seen[0].cache_status, "cf-aig-cache-status of the first request"),)


def repetition_is_a_hit(scene: Scene) -> Finding:
    """The same request within the TTL is a HIT."""
    seen = answered("first", "again", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    if _hit(seen[1]):
        return ()
    return (fault("HIT", seen[1].cache_status, "cf-aig-cache-status of the same request again"),)


def hit_is_the_same_answer(scene: Scene) -> Finding:
    """A HIT brings the stored answer, not another one."""
    seen = answered("first", "again", scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    first, again = seen
    if first.reading and again.reading and first.reading.document == again.reading.document:
        return ()
    stored, came = (s.response.body if s.response else b"" for s in (first, again))
    return (unequal(stored, came, "body of the HIT", came),)


def miss_is_a_fresh_answer(scene: Scene) -> Finding:
    """What is not called a HIT is no repetition of a stored answer."""
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


def skip_is_obeyed(scene: Scene) -> Finding:
    """`cf-aig-skip-cache: true` is answered afresh."""
    return differs(scene, "skipped", "a request that skips the cache")


def body_is_in_the_key(scene: Scene) -> Finding:
    """Another message is another entry."""
    return differs(scene, "other_message", "the message")


def parameters_are_in_the_key(scene: Scene) -> Finding:
    """Another value of any body field is another entry."""
    names = [name for name in scene if name.startswith("field_")]
    found = [differs(scene, name, name.removeprefix("field_")) for name in names]
    judged = [f for f in found if isinstance(f, tuple)]
    return tuple(x for f in judged for x in f) if judged else None


def key_is_in_the_key(scene: Scene) -> Finding:
    """Another provider key never gets the stored answer."""
    return differs(scene, "other_key", "the provider's auth header")


def route_is_in_the_key(scene: Scene) -> Finding:
    """The same bytes on another path are another entry."""
    return differs(scene, "other_route", "the path")


def model_is_in_the_key(scene: Scene) -> Finding:
    """Another model, in the body or in the path, never gets the stored answer."""
    return differs(scene, "other_model", "the model")


def metadata_is_not_in_the_key(scene: Scene) -> Finding:
    """Other metadata does not make another entry."""
    seen = answered("first", "again", "metadata", scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    if _hit(seen[2]):
        return ()
    return (fault("HIT with other metadata", seen[2].cache_status, "cf-aig-cache-status"),)


def custom_key_replaces_the_key(scene: Scene) -> Finding:
    """Requests with the same `cf-aig-cache-key` share an entry whatever their bodies."""
    seen = answered("keyed", "keyed_other", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    if _hit(seen[1]):
        return ()
    return (fault("HIT for the same cf-aig-cache-key", seen[1].cache_status, "second request"),)


def streams_are_not_cached(scene: Scene) -> Finding:
    """Streaming responses are not cached by default."""
    seen = answered("stream", "stream_again", scene=scene)
    if seen is None or not seen[0].ok:
        return None
    ids = [s.documents[0][1].get("id") if s.documents else None for s in seen]
    if not _hit(seen[1]) and (ids[0] is None or ids[0] != ids[1]):
        return ()
    came = f"{seen[1].cache_status}, ids {ids}"
    return (told("a fresh stream", came, "the same stream again"),)


def errors_are_not_cached(scene: Scene) -> Finding:
    """An error is never served from the cache."""
    seen = answered("error", "error_again", scene=scene)
    if seen is None or not seen[0].rejected:
        return None
    ids = [s.headers.get("x-baseten-request-id") for s in seen]
    if not _hit(seen[1]) and (ids[0] is None or ids[0] != ids[1]):
        return ()
    came = f"{seen[1].cache_status}, x-baseten-request-id {ids}"
    return (told("a fresh error", came, "the same bad request again"),)


def entries_live(scene: Scene) -> Finding:
    """Well within the TTL an entry is still served."""
    return _still(scene, "kept_first", "kept_again", "after six tenths of the TTL")


def own_ttl_is_obeyed(scene: Scene) -> Finding:
    """`cf-aig-cache-ttl` replaces the gateway's own time."""
    return _still(scene, "own_first", "own_again", "after the gateway's TTL, with 60 s of its own")


def _still(scene: Scene, first: str, again: str, when: str) -> Finding:
    seen = answered(first, again, scene=scene)
    if seen is None or not seen[0].ok or (seen[0].cache_status or "").upper() != "MISS":
        return None
    return () if _hit(seen[1]) else (fault("HIT", seen[1].cache_status, when),)


def entries_expire(scene: Scene) -> Finding:
    """After the TTL the same request is a MISS."""
    seen = answered("first", "again", "expired", scene=scene)
    if seen is None or not seen[0].ok or not _hit(seen[1]):
        return None
    if not _hit(seen[2]) and not (seen[2].case.route != "model" and _repeats(seen[2], seen[0])):
        return ()
    return (fault("MISS after the TTL", seen[2].cache_status, "the same request later"),)
