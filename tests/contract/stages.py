"""A stage for one probe alone, on an embedded stand-in, and a scene of one answer alone."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from harness.contract.observation import Observation
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.sender import Sender
from harness.contract.topics.catalogue import LATER, PROBES
from harness.contract.topics.scenes import Scene
from harness.contract.topics.stage import Stage
from harness.transports.exchange import Timeouts

SCENES: Mapping[str, type[Scene]] = {
    **{name: probe.scene for name, probe in PROBES.items()},
    **{name: PROBES[base].scene for name, (base, _) in LATER.items()},
}
"""The scene of each probe, also of those that go on where another one ended."""


def staged(embedded: standin.Embedded, route: str, wanted: Iterable[str]) -> Stage:
    """A stage on a route of the stand-in."""
    timeouts = Timeouts(connect=5, first_byte=15, idle=8, total=45)
    parts = (embedded.transport, embedded.clock, Budget(), "test", timeouts)
    return Stage(Sender(embedded.target, *parts), route, 0, frozenset(wanted))


def filled(kind: Any, seen: Observation) -> Any:
    """A scene, or a part of one, in which every request was answered alike, and repeatedly."""
    if seen.__class__ in (kind, *get_args(kind)) and get_origin(kind) not in (list, dict):
        return seen
    if get_origin(kind) is list:
        return [filled(get_args(kind)[0], seen)] * 3
    if get_origin(kind) is dict:
        return {name: filled(get_args(kind)[1], seen) for name in ("beyond", "stream", "70k")}
    made: Callable[..., Any] = kind
    return made(**{name: filled(each, seen) for name, each in get_type_hints(kind).items()})
