"""Whether answers from the cache count against a rate limit."""

from dataclasses import dataclass, field

from harness.contract.clause import Finding, Level, Profile
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.requests.text import nonce
from harness.contract.topics.rate import topic
from harness.contract.topics.scenes import Scene
from harness.contract.topics.stage import Stage, with_headers


@dataclass(slots=True)
class HitsScene(Scene):
    """One answer asked for more often than the limit allows, and another one after it."""

    stored: list[Observation] = field(default_factory=list)
    other: Observation | None = None


@topic.scene(
    "rate-hits-free",
    Level.SHOULD,
    why="A cached application is throttled for requests that cost nothing.",
    source="developers.cloudflare.com/ai-gateway/changelog/ (2023)",
    probe="hits",
    profile=Profile.EXTENDED,
)
def hits_are_free(scene: HitsScene) -> Finding:
    """Answers from the cache do not count."""
    stored = scene.stored
    hits = [seen for seen in stored if (seen.cache_status or "").upper() == "HIT"]
    if len(stored) < 3 or not stored[0].ok or not stored[1].ok or not hits:
        return None
    if all(seen.status != 429 for seen in stored):
        return ()
    first = next(n for n, seen in enumerate(stored) if seen.status == 429)
    return (told("no 429: all but one were hits", f"429 at request {first + 1}", "one window"),)


def play(stage: Stage, scene: HitsScene) -> None:
    """In a new window one stored answer, asked for more often than the limit, and then another."""
    limit = stage.sender.target.expectations.rate_limit
    if limit is None:
        return
    stage.wait_since(stage.sender.seen, limit.seconds * 2)
    key = ("cf-aig-cache-key", f"contract-rate-{nonce(stage.seed, 2700)}")
    case = with_headers(stage.plain("stored", 2700, fresh=False), key)
    paced, stage.sender.interval_s = stage.sender.interval_s, 0.0
    try:
        for _ in range(limit.requests + 1):
            scene.stored.append(stage.play(case))
        scene.other = stage.play(stage.plain("after the hits", 2701))
    finally:
        stage.sender.interval_s = paced
