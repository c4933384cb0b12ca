"""Timeouts, attempts and retries (ai-gateway/configuration/request-handling/)."""

from dataclasses import dataclass, field, replace

from harness.contract.case import Expect
from harness.contract.clause import EvidenceGrade, Finding, Level, Profile
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.topics.scenes import Scene, arrived, recorded
from harness.contract.topics.sources import CHAT, CLOUDFLARE
from harness.contract.topics.spread import busy
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic

HANDLING = f"{CLOUDFLARE}/configuration/request-handling/"
DELAY_NS = 4_500_000_000
"""A little less than the retry delay that is asked for, 5 s."""

topic = Topic(
    "options",
    routes=("native",),
    evidence=EvidenceGrade.DOCUMENTED,
    source=HANDLING,
    probe="options",
    profile=Profile.EXTENDED,
)


@dataclass(slots=True)
class OptionsScene(Scene):
    """A timeout of 1 ms, the same with two attempts, one of an hour, and retries."""

    expired: Observation | None = None
    attempts: Observation | None = None
    long: Observation | None = None
    retries: list[Observation] = field(default_factory=list)


@topic.scene(
    "timeout-expires",
    Level.SHOULD,
    why="A caller that needs an answer in time waits for a stuck model.",
)
def short_timeouts_expire(scene: OptionsScene) -> Finding:
    """cf-aig-request-timeout of 1 ms ends in an error."""
    seen = arrived(scene.expired)
    if seen is None:
        return None
    response = seen[0].response
    if seen[0].rejected or response is None or response.head_at_ns < 3_000_000:
        return ()
    if response.head_at_ns - seen[0].late_ns < 3_000_000:
        return busy(seen[0].late_ns)
    took = f"{response.head_at_ns / 1e6:.0f} ms"
    return (told("an error", f"HTTP {seen[0].status} after {took}", "a timeout of 1 ms"),)


@topic.scene(
    "timeout-last-attempt",
    Level.SHOULD,
    why="Retries that were asked for are not made.",
    founded=True,
)
def the_last_attempt_is_waited_for(scene: OptionsScene) -> Finding:
    """On the last of several attempts the gateway waits for the answer."""
    seen = arrived(scene.expired, scene.attempts)
    if seen is None or not seen[0].rejected or seen[1].passing:
        return None
    if seen[1].ok:
        return ()
    return (told("2xx by the second attempt", f"HTTP {seen[1].status}", "1 ms, two attempts"),)


@topic.scene(
    "timeout-long",
    Level.MUST,
    why="A unit mistaken (seconds for milliseconds) ends every call.",
    founded=True,
)
def long_timeouts_do_not(scene: OptionsScene) -> Finding:
    """cf-aig-request-timeout of an hour changes nothing."""
    seen = arrived(scene.long)
    if seen is None or seen[0].passing:
        return None
    return () if seen[0].ok else (told("2xx", f"HTTP {seen[0].status}", "a timeout of an hour"),)


@topic.scene(
    "retry-options",
    Level.MUST,
    why="A caller that asks for the documented number of attempts gets none.",
    routes=CHAT,
    founded=True,
)
def retry_options_are_accepted(scene: OptionsScene) -> Finding:
    """cf-aig-max-attempts 1 and 5, cf-aig-retry-delay up to 5000 and every cf-aig-backoff are
    accepted.
    """
    judged = [s for s in scene.retries if s.status not in (None, 429, 502, 503, 504, 529)]
    if not judged:
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", seen.case.topic, seen.response.body)
        for seen in judged
        if not seen.ok and seen.response is not None
    )


@topic.scene("retry-delay-unused", Level.SHOULD, why="Every answer comes five seconds late.")
def delays_are_for_retries(scene: OptionsScene) -> Finding:
    """A first attempt that succeeds waits for no cf-aig-retry-delay."""
    judged = [s for s in scene.retries if s.ok and s.response is not None]
    if not judged:
        return None
    soonest = min(s.response.head_at_ns for s in judged if s.response)
    late = [s for s in judged if s.response and s.response.head_at_ns - soonest >= DELAY_NS]
    waited = [s for s in judged if ("cf-aig-retry-delay", "5000") in s.case.headers]
    if not late or len(late) < len(waited):
        return ()
    came = f"{late[0].response.head_at_ns / 1e6:.0f} ms" if late[0].response else ""
    wanted = f"an answer as soon as without a delay ({soonest / 1e6:.0f} ms)"
    return (told(wanted, came, late[0].case.topic),)


@topic.scene(
    "record-timeout",
    Level.RECORD,
    why="The page says `returns an error` and no status; retries depend on it.",
)
def timeout_answer(scene: OptionsScene) -> Finding:
    """What an expired cf-aig-request-timeout is answered by."""
    return recorded(scene.expired)


TIMEOUT = ("cf-aig-request-timeout", "1")
RETRIES = (("1", "5000", "constant"), ("5", "100", "linear"), ("5", "5000", "exponential"))
"""Attempts, the pause in milliseconds between them, and how it grows, at the documented bounds."""


def play(stage: Stage, scene: OptionsScene) -> None:
    """One millisecond; the same with two attempts; an hour; and retries that nothing calls for."""
    case = stage.plain("options", 1900)
    if stage.wants("timeout-expires", "record-timeout"):
        short = with_headers(case, TIMEOUT)
        short = replace(short, expect=Expect.EITHER, topic="timeout of 1 ms")
        scene.expired = stage.play(short)
    if stage.wants("timeout-last-attempt"):
        again = with_headers(case, TIMEOUT, ("cf-aig-max-attempts", "2"))
        again = replace(again, expect=Expect.EITHER, topic="1 ms, two attempts")
        scene.attempts = stage.play(again)
    if stage.wants("timeout-long"):
        scene.long = stage.play(with_headers(case, ("cf-aig-request-timeout", "3600000")))
    if stage.wants("retry-options", "retry-delay-unused"):
        _play_retries(stage, scene.retries)


def _play_retries(stage: Stage, retries: list[Observation]) -> None:
    """Every pair of bounds on native, the last one on compat; then none of them."""
    for number, values in enumerate(RETRIES if stage.route == "native" else RETRIES[-1:]):
        case = stage.plain(f"retries: {', '.join(values)}", 1910 + number)
        names = ("cf-aig-max-attempts", "cf-aig-retry-delay", "cf-aig-backoff")
        asked = with_headers(case, *zip(names, values, strict=True))
        retries.append(stage.play(replace(asked, expect=Expect.EITHER)))
