"""Checks of a declared rate limit: as many as declared pass, the next does not, time heals."""

from harness.contract.clause import Finding, Scene
from harness.contract.evidence import fault
from harness.contract.observation import Observation


def _numbered(scene: Scene, prefix: str) -> list[Observation]:
    found = [(name, seen) for name, seen in scene.items() if name.startswith(prefix)]
    return [seen for _, seen in sorted(found, key=lambda item: item[1].number)]


def as_many_as_declared_pass(scene: Scene) -> Finding:
    """The first N requests of a window are not refused."""
    allowed = _numbered(scene, "allowed_")
    if not allowed:
        return None
    early = [n for n, seen in enumerate(allowed, 1) if seen.status == 429]
    if not early:
        return ()
    return (fault(f"{len(allowed)} requests", f" 429 at request {early[0]}", "the window"),)


def one_more_is_refused(scene: Scene) -> Finding:
    """Request N+1 of a window is answered by 429."""
    beyond = _numbered(scene, "beyond_")
    allowed = _numbered(scene, "allowed_")
    if not beyond or any(seen.status == 429 for seen in allowed):
        return None
    if any(seen.status == 429 for seen in beyond):
        return ()
    came = f" {[seen.status for seen in beyond]}"
    return (fault(f"429 after {len(allowed)} requests", came, "beyond the limit"),)


def no_more_than_declared_pass(scene: Scene) -> Finding:
    """The very next request after N is refused, not a later one."""
    beyond = _numbered(scene, "beyond_")
    if not beyond or not any(seen.status == 429 for seen in beyond):
        return None
    if beyond[0].status == 429:
        return ()
    return (fault("429 at once", f" HTTP {beyond[0].status}", "request N+1"),)


def refusal_says_rate_limited(scene: Scene) -> Finding:
    """The gateway's 429 carries its own code 2003."""
    refused = [seen for seen in _numbered(scene, "beyond_") if seen.status == 429]
    if not refused:
        return None
    failure = refused[0].answer.failure if refused[0].answer else None
    code = failure.code if failure else None
    return () if code == "2003" else (fault("code 2003", code, "429 body"),)


def window_passes(scene: Scene) -> Finding:
    """After the window requests pass again."""
    later = _numbered(scene, "later_")
    if not later or not any(seen.status == 429 for seen in _numbered(scene, "beyond_")):
        return None
    if later[0].status != 429:
        return ()
    return (fault("no 429 after the window", " HTTP 429", "the first request after it"),)
