"""Checks that an answer belongs to its request, without a model that echoes.

A strict schema with one allowed value marks the answer of each request; ids, event ids and the
requested form tell the others apart.
"""

from harness.contract.checks.features import declines
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import told
from harness.contract.observation import Observation
from harness.contract.strategies.given import given
from harness.errors import TransportKind

AGAIN = ", again"
"""What follows the name of a request that a probe sent again."""


def mark_of(seen: Observation) -> str:
    """The text that only this request's answer may hold; empty where it asked for none."""
    return str(given(seen.case.asked).get("mark", ""))


def answers_are_ones_own(scene: Scene) -> Finding:
    """No answer holds what another request of the scene asked for."""
    marked = [seen for seen in scene.values() if mark_of(seen) and seen.ok and seen.choices]
    marks = {mark_of(seen) for seen in marked}
    if len(marked) < 2:
        return None
    faults = []
    for seen in marked:
        text = "".join(choice.text for choice in seen.choices)
        others = [mark for mark in marks - {mark_of(seen)} if mark in text]
        if others:
            wanted = f"the mark {mark_of(seen)}"
            faults.append(told(wanted, f"that of another request, {others[0]}", f"{text[:80]!r}"))
    return tuple(faults[:3])


def good_after_bad(scene: Scene) -> Finding:
    """A good request after an error is answered."""
    judged = [(n, s) for n, s in _good(scene) if s.status is not None and not s.passing]
    if not judged or all(declines(s) for _, s in judged):
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", f"the request after {name.removeprefix('good_')}")
        for name, seen in judged
        if not seen.ok
    )[:3]


def good_after_bad_arrives(scene: Scene) -> Finding:
    """The answer after an error comes over its connection as HTTP, whole."""
    judged = _good(scene)
    if not judged or not any(s.exchange.whole for _, s in judged):
        return None
    failed = [(n, s) for n, s in judged if s.exchange.error is not None and not _waited(s)]
    return tuple(
        told("a whole answer", f"{seen.exchange.error}", f"after {name.removeprefix('good_')}")
        for name, seen in failed[:3]
    )


def _good(scene: Scene) -> list[tuple[str, Observation]]:
    """The good requests after errors; one that was asked again counts as answered then."""
    goods = [name for name in scene if name.startswith("good_") and not name.endswith(AGAIN)]
    return [(name, scene.get(f"{name}{AGAIN}", scene[name])) for name in goods]


def _waited(seen: Observation) -> bool:
    """Whether nothing came in time, which is an outage."""
    error = seen.exchange.error
    return error is not None and error.kind is TransportKind.FIRST_BYTE_TIMEOUT


def none_fails_in_company(scene: Scene) -> Finding:
    """What is answered alone is answered in company: no 5xx and no broken connection.

    Some may have met a passing outage: half of them have to fail.
    """
    alone = scene.get("alone")
    if alone is None or not alone.ok:
        return None
    together = [
        (name, seen)
        for name, seen in scene.items()
        if name.startswith("together_") and seen.case.route == alone.case.route
    ]
    if not together:
        return None
    failed = [
        (name, seen)
        for name, seen in together
        if seen.exchange.error is not None or (seen.status or 0) >= 500
    ]
    if len(failed) * 2 < len(together):
        return ()
    return tuple(
        told("2xx, as alone", f"{seen.exchange.error or f'HTTP {seen.status}'}", name)
        for name, seen in failed[:3]
    )
