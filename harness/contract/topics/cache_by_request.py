"""Caching that a request asks for by itself, whatever the gateway is set to.

developers.cloudflare.com/ai-gateway/features/caching/: `cf-aig-cache-ttl` replaces the gateway's
TTL for one request, and `cf-aig-cache-key` stores an answer also where caching is off. That the
former does so too is how the page reads, and no more: it is no MUST.
"""

from dataclasses import dataclass, field

from harness.contract.case import Case
from harness.contract.clause import Finding, Level
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.requests.text import nonce
from harness.contract.topics.cache import is_hit, topic
from harness.contract.topics.scenes import Scene, answered
from harness.contract.topics.stage import Stage, with_headers

TTL = ("cf-aig-cache-ttl", "60")
TRIES = 3
"""So often an answer is asked for again: what was stored need not be found at once everywhere."""
PAUSE_S = 1.0


@dataclass(slots=True)
class Asked:
    """A request that asks to be stored, and what was then asked for, until it was a HIT."""

    first: Observation | None = None
    tries: list[Observation] = field(default_factory=list)


@dataclass(slots=True)
class AskedScene(Scene):
    """A request with a TTL of its own, and one with a key of its own."""

    ttl: Asked = field(default_factory=Asked)
    key: Asked = field(default_factory=Asked)


@topic.scene(
    "cache-asked-ttl",
    Level.SHOULD,
    why="A caller that asks for caching pays for each of its calls.",
    routes=("native",),
    probe="asked",
    needs=(),
)
def ttl_stores_an_answer(scene: AskedScene) -> Finding:
    """A request with cf-aig-cache-ttl is stored, also where the gateway itself caches nothing."""
    return _stored(scene.ttl, "the same request again, with cf-aig-cache-ttl: 60")


@topic.scene(
    "cache-asked-key",
    Level.MUST,
    why="A caller's own key has no effect: what it calls the same is paid for again.",
    routes=("native",),
    probe="asked",
    needs=(),
)
def key_stores_an_answer(scene: AskedScene) -> Finding:
    """A request with cf-aig-cache-key is stored, also where the gateway itself caches nothing."""
    return _stored(scene.key, "another request with the same cf-aig-cache-key")


def _stored(asked: Asked, what: str) -> Finding:
    """Whether one of the tries was served from what the first request left."""
    tries, seen = asked.tries, answered(asked.first)
    if seen is None or not seen[0].ok or is_hit(seen[0]) or not any(s.ok for s in tries):
        return None
    if any(is_hit(s) for s in tries):
        return ()
    unsaid = all(s.cache_status is None for s in tries)  # another clause asks for the status
    if unsaid or any(s.passing or not s.ok for s in tries) or len(tries) < TRIES:
        return None
    statuses = ", ".join(str(s.cache_status) for s in tries)
    return (told("HIT", f"{statuses} in {len(tries)} tries", what),)


def play(stage: Stage, scene: AskedScene) -> None:
    """One request with a TTL of its own and one with a key of its own, and what they left."""
    case = with_headers(stage.plain("a TTL of one's own", 1270, fresh=False), TTL)
    _ask(stage, scene.ttl, case, case)
    key = ("cf-aig-cache-key", f"contract-asked-{nonce(stage.seed, 1271)}")
    first, other = (
        with_headers(stage.plain("a key of one's own", number, fresh=False), key)
        for number in (1272, 1273)
    )
    _ask(stage, scene.key, first, other)


def _ask(stage: Stage, asked: Asked, first: Case, other: Case) -> None:
    """The first request, then the other until it is a HIT, with a pause before a further try."""
    asked.first = stage.play(first)
    if not asked.first.ok:
        return
    for number in range(TRIES):
        if number:
            stage.wait(PAUSE_S)
        again = stage.play(other)
        asked.tries.append(again)
        if is_hit(again) or not again.ok:
            return
