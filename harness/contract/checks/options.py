"""Checks of timeouts and attempts (ai-gateway/configuration/request-handling/)."""

from harness.contract.checks.scenes import arrived, recorded
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import fault


def short_timeouts_expire(scene: Scene) -> Finding:
    """A timeout of one millisecond ends in an error: no model says anything in it."""
    seen = arrived("expired", scene=scene)
    if seen is None:
        return None
    response = seen[0].response
    if seen[0].rejected or response is None or response.head_at_ns < 3_000_000:
        return ()
    took = f"{response.head_at_ns / 1e6:.0f} ms"
    return (fault("an error", f" HTTP {seen[0].status} after {took}", "a timeout of 1 ms"),)


def the_last_attempt_is_waited_for(scene: Scene) -> Finding:
    """On the last of several attempts the gateway waits until the answer is there."""
    seen = arrived("expired", "attempts", scene=scene)
    if seen is None or not seen[0].rejected or seen[1].passing:
        return None
    if seen[1].ok:
        return ()
    return (fault("2xx by the second attempt", f" HTTP {seen[1].status}", "1 ms, two attempts"),)


def long_timeouts_do_not(scene: Scene) -> Finding:
    """A timeout of an hour changes nothing."""
    seen = arrived("long", scene=scene)
    if seen is None or seen[0].passing:
        return None
    return () if seen[0].ok else (fault("2xx", f" HTTP {seen[0].status}", "a timeout of an hour"),)


def timeout_answer(scene: Scene) -> Finding:
    """Records what an expired timeout is answered by."""
    return recorded(scene, "expired")
