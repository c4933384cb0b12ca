"""Checks of bodies above the sizes at which buffers end."""

from harness.contract.clause import Finding, Scene
from harness.contract.evidence import told


def long_bodies_are_answered(scene: Scene) -> Finding:
    """A body of 70 KB or 1.2 MB, most of it white space, is answered like a short one."""
    judged = [(name, seen) for name, seen in scene.items() if seen.status is not None]
    judged = [(name, seen) for name, seen in judged if not seen.passing]
    if not judged:
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", f"a request body of {name}")
        for name, seen in judged
        if not seen.ok
    )
