"""A clause of the contract as data, and what a check says about it.

A check is a pure function of what was seen. It returns None when the exchange says nothing about
the clause, else the faults it found: an empty tuple is a clause exercised and kept. `Unjudged` is
neither: there was occasion, and it could not be told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # reports read the words of this module, and no answers
    from harness.contract.observation import Observation


class Level(StrEnum):
    """How binding a clause is."""

    MUST = "MUST"
    """Documented by Cloudflare, Baseten or OpenAI; broken: the run fails."""
    SHOULD = "SHOULD"
    """Observed, or good practice; broken: a warning, and a failure under `--strict`."""
    RECORD = "RECORD"
    """Documented by nobody; what the target does is written down and never fails."""


class Profile(StrEnum):
    """How much is asked: `core` is cheap and safe on a paid target, `extended` is the rest."""

    CORE = "core"
    EXTENDED = "extended"


class Result(StrEnum):
    """The result of one clause on one route."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WAIVED = "waived"
    RECORDED = "recorded"
    NOT_APPLICABLE = "not_applicable"
    NOT_EXERCISED = "not_exercised"
    ERROR = "error"


class EvidenceGrade(StrEnum):
    """What a clause rests on."""

    DOCUMENTED = "documented"
    SPECIFIED = "specified"
    OBSERVED = "observed"
    PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a clause was broken: what was expected, what came, where, which bytes.

    `requests` are the numbers of the exchanges that show it, the worst one last; none where the
    check was given nothing else.
    """

    expected: str
    came: str
    where: str
    data: bytes = b""
    requests: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"expected {self.expected}; came {self.came}; at {self.where}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a target did where nobody documents what it should do."""

    value: str


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Why what was seen does not tell whether the clause was kept, though it was its occasion."""

    reason: str


Finding = tuple[Fault, ...] | Recorded | Unjudged | None
ExchangeCheck = Callable[["Observation"], Finding]
SceneCheck = Callable[[Any], Finding]
"""Takes the scene of its clause's probe."""
RunCheck = Callable[[Sequence["Observation"]], Finding]
Suspects = Callable[[Sequence["Observation"]], Sequence["Observation"]]


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement that the three routes promise to keep.

    Exactly one of three checks judges it: `check` sees every single exchange, `scene` what
    one `probe` (a short sequence) left, `whole` all observations of a route at the end.
    `timed` is a clause on when something came: a machine that is busy can make it look broken, so
    it is asked again, and counts only where it repeats. Of a clause over the whole run `suspects`
    are the observations whose requests are sent again for that.
    `founded` is a clause that means nothing where no good request was ever answered.
    `needs` names settings without which the clause is not applicable: `model`, `cache`, `auth`,
    `rate`, `provider_key`, `clock`. Which defects of the stand-in must break it is said in their
    rows (`harness.defects.table.killed_by`).
    """

    id: str
    level: Level
    routes: tuple[str, ...]
    statement: str
    rationale: str
    source: str
    evidence: EvidenceGrade
    check: ExchangeCheck | None = None
    scene: SceneCheck | None = None
    whole: RunCheck | None = None
    probe: str | None = None
    profile: Profile = Profile.CORE
    timed: bool = False
    founded: bool = False
    suspects: Suspects | None = None
    needs: tuple[str, ...] = ()
