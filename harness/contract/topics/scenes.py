"""Short sequences: what one answer means depends on the ones before it.

A scene maps names to observations. A probe leaves out what it could not send.
"""

from harness.contract.clause import Finding, Recorded, Scene
from harness.contract.fault import told
from harness.contract.observation import Observation


def answered(*names: str, scene: Scene) -> tuple[Observation, ...] | None:
    """The named observations if each has a response that is no "not now", else None."""
    seen = arrived(*names, scene=scene)
    return None if seen is None or any(s.passing for s in seen) else seen


def arrived(*names: str, scene: Scene) -> tuple[Observation, ...] | None:
    """The named observations if each has a response, else None."""
    found = [scene.get(name) for name in names]
    seen = [s for s in found if s is not None and s.status is not None]
    return tuple(seen) if len(seen) == len(names) else None


def refused(scene: Scene, name: str, *, what: str) -> Finding:
    """The named request is answered by a 4xx."""
    seen = answered(name, scene=scene)
    if seen is None:
        return None
    if seen[0].rejected and seen[0].status is not None and seen[0].status < 500:
        return ()
    body = seen[0].response.body if seen[0].response else b""
    return (told(f"4xx for {what}", f"HTTP {seen[0].status}", "status", body),)


def code_of(seen: Observation) -> str | None:
    """The gateway's or provider's own code in an error answer."""
    failure = seen.answer.failure if seen.answer else None
    return failure.code if failure else None


def coded(scene: Scene, name: str, *, status: int, codes: tuple[str, ...]) -> Finding:
    """The named request is refused by the gateway itself with a documented code."""
    seen = answered(name, scene=scene)
    if seen is None:
        return None
    if seen[0].status == status and code_of(seen[0]) in codes:
        return ()
    wanted = f"HTTP {status} with code {' or '.join(codes)}"
    body = seen[0].response.body if seen[0].response else b""
    came = f"HTTP {seen[0].status} with code {code_of(seen[0])}"
    return (told(wanted, came, name, body),)


def recorded(scene: Scene, name: str) -> Finding:
    """Records status, shape and code of the named answer."""
    seen = arrived(name, scene=scene)
    if seen is None:
        return None
    failure = seen[0].answer.failure if seen[0].answer else None
    text = f"{seen[0].status}"
    if failure is not None:
        text += f" {failure.layer} {failure.shape} {failure.code or ''}"
    return Recorded(text.strip())
