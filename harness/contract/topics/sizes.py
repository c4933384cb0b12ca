"""Bodies above the sizes at which buffers end."""

import json
from dataclasses import dataclass, field, replace

from harness.contract.case import Case
from harness.contract.clause import EvidenceGrade, Finding, Level, Profile
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.topics.scenes import Scene
from harness.contract.topics.sources import ALL
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic
from harness.routes.compat import PREFIX

topic = Topic("sizes")


@dataclass(slots=True)
class SizesScene(Scene):
    """The answers to long bodies, by the names of `SIZES`."""

    bodies: dict[str, Observation] = field(default_factory=dict)


@topic.scene(
    "size-request",
    Level.MUST,
    why="Long contexts and images fail, or reach the model cut off.",
    routes=ALL,
    evidence=EvidenceGrade.DOCUMENTED,
    source="docs.baseten.co/inference/errors: 413 above the limit of 45 or 100 MB",
    probe="sizes",
    profile=Profile.EXTENDED,
    founded=True,
)
def long_bodies_are_answered(scene: SizesScene) -> Finding:
    """A body of 70 KB or 1.2 MB is answered like a short one."""
    judged = [(name, seen) for name, seen in scene.bodies.items() if seen.status is not None]
    judged = [(name, seen) for name, seen in judged if not seen.passing]
    if not judged:
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", f"a request body of {name}")
        for name, seen in judged
        if not seen.ok
    )


SIZES = (("70k", 70_000), ("1200k", 1_200_000))
"""Around the buffers that cut: 64 KiB and 1 MiB. Baseten takes 45 MB and more."""


def play(stage: Stage, scene: SizesScene) -> None:
    """The same small request in ever longer bodies; none where tokens or dollars are capped."""
    budget = stage.sender.budget
    if budget.max_tokens is not None or budget.max_cost is not None:
        return  # bytes would be reserved as tokens
    for number, (name, size) in enumerate(SIZES if stage.route == "native" else SIZES[:1]):
        case = stage.sender.taken(stage.plain(f"a body of {name}", 1700 + number))
        scene.bodies[name] = stage.play(replace(case, body=padded(case, size)))


def padded(case: Case, size: int) -> bytes:
    """The case's JSON with white space before its first field, `size` bytes or a little more."""
    document = dict(case.asked)
    if case.route == "compat":
        document["model"] = PREFIX + document["model"]
    return b"{" + b" " * size + json.dumps(document).encode()[1:]
