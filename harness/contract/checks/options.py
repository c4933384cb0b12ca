"""Checks of timeouts, attempts and retries (ai-gateway/configuration/request-handling/)."""

from harness.contract.checks.scenes import arrived, recorded
from harness.contract.checks.timing import busy
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import told
from harness.contract.observation import Observation

DELAY_NS = 4_500_000_000
"""A little less than the retry delay that is asked for, 5 s."""


def short_timeouts_expire(scene: Scene) -> Finding:
    """A timeout of one millisecond ends in an error: no model says anything in it."""
    seen = arrived("expired", scene=scene)
    if seen is None:
        return None
    response = seen[0].response
    if seen[0].rejected or response is None or response.head_at_ns < 3_000_000:
        return ()
    if response.head_at_ns - seen[0].late_ns < 3_000_000:
        return busy(seen[0].late_ns)
    took = f"{response.head_at_ns / 1e6:.0f} ms"
    return (told("an error", f"HTTP {seen[0].status} after {took}", "a timeout of 1 ms"),)


def the_last_attempt_is_waited_for(scene: Scene) -> Finding:
    """On the last of several attempts the gateway waits until the answer is there."""
    seen = arrived("expired", "attempts", scene=scene)
    if seen is None or not seen[0].rejected or seen[1].passing:
        return None
    if seen[1].ok:
        return ()
    return (told("2xx by the second attempt", f"HTTP {seen[1].status}", "1 ms, two attempts"),)


def long_timeouts_do_not(scene: Scene) -> Finding:
    """A timeout of an hour changes nothing."""
    seen = arrived("long", scene=scene)
    if seen is None or seen[0].passing:
        return None
    return () if seen[0].ok else (told("2xx", f"HTTP {seen[0].status}", "a timeout of an hour"),)


def timeout_answer(scene: Scene) -> Finding:
    """Records what an expired timeout is answered by."""
    return recorded(scene, "expired")


def retry_options_are_accepted(scene: Scene) -> Finding:
    """Attempts, delay and backoff at their documented bounds are accepted."""
    judged = [s for s in _retries(scene) if s.status not in (None, 429, 502, 503, 504, 529)]
    if not judged:
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", seen.case.topic, seen.response.body)
        for seen in judged
        if not seen.ok and seen.response is not None
    )


def delays_are_for_retries(scene: Scene) -> Finding:
    """A first attempt that succeeds waits for no retry delay."""
    judged = [s for s in _retries(scene) if s.ok and s.response is not None]
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


def _retries(scene: Scene) -> list[Observation]:
    return [seen for name, seen in scene.items() if name.startswith("retries_")]
