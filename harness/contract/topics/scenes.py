"""Short sequences: what one answer means depends on the ones before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from harness.contract.clause import Finding, Recorded
from harness.contract.fault import told
from harness.contract.observation import Observation


@dataclass(slots=True)
class Scene:
    """What a probe has seen so far; each has a scene of its own, with a field for what it sends.

    A field is left as it was where the probe did not send that, or the budget ran out before.
    """

    @property
    def seen(self) -> tuple[Observation, ...]:
        """All that was seen, in the order in which it was sent."""
        found = (seen for each in fields(self) for seen in _inside(getattr(self, each.name)))
        return tuple(sorted(found, key=lambda seen: seen.number))


def _inside(value: Any) -> Iterator[Observation]:
    """The observations in a field of a scene: one, several, or records of some."""
    if isinstance(value, Observation):
        yield value
    elif isinstance(value, Mapping):
        yield from _inside(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _inside(each)
    elif is_dataclass(value):
        yield from _inside([getattr(value, each.name) for each in fields(value)])


def nth(answers: Sequence[Observation], place: int = 0) -> Observation | None:
    """The answer at a place, where there are as many."""
    return answers[place] if len(answers) > place else None


def answered(*asked: Observation | None) -> tuple[Observation, ...] | None:
    """What was seen if each has a response that is no "not now", else None."""
    seen = arrived(*asked)
    return None if seen is None or any(s.passing for s in seen) else seen


def arrived(*asked: Observation | None) -> tuple[Observation, ...] | None:
    """What was seen if each has a response, else None."""
    seen = [s for s in asked if s is not None and s.status is not None]
    return tuple(seen) if len(seen) == len(asked) else None


def together(findings: Iterable[Finding]) -> Finding:
    """What several findings say as one: None where none of them judges."""
    judged = [finding for finding in findings if isinstance(finding, tuple)]
    return tuple(fault for finding in judged for fault in finding) if judged else None


def refused(asked: Observation | None, *, what: str) -> Finding:
    """The request is answered by a 4xx."""
    seen = answered(asked)
    if seen is None:
        return None
    if seen[0].rejected and seen[0].status is not None and seen[0].status < 500:
        return ()
    return (told(f"4xx for {what}", f"HTTP {seen[0].status}", "status", seen[0].body),)


def code_of(seen: Observation) -> str | None:
    """The gateway's or provider's own code in an error answer."""
    failure = seen.answer.failure if seen.answer else None
    return failure.code if failure else None


def coded(asked: Observation | None, *, status: int, codes: tuple[str, ...]) -> Finding:
    """The request is refused by the gateway itself with a documented code."""
    seen = answered(asked)
    if seen is None:
        return None
    if seen[0].status == status and code_of(seen[0]) in codes:
        return ()
    wanted = f"HTTP {status} with code {' or '.join(codes)}"
    came = f"HTTP {seen[0].status} with code {code_of(seen[0])}"
    return (told(wanted, came, seen[0].case.topic, seen[0].body),)


def recorded(asked: Observation | None) -> Finding:
    """Records status, shape and code of the answer."""
    seen = arrived(asked)
    if seen is None:
        return None
    failure = seen[0].answer.failure if seen[0].answer else None
    text = f"{seen[0].status}"
    if failure is not None:
        text += f" {failure.layer} {failure.shape} {failure.code or ''}"
    return Recorded(text.strip())
