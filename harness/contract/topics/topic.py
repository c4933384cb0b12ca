"""Where clauses on one subject are listed: each stands on the check that judges it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar, Unpack

from harness.contract.clause import (
    Clause,
    EvidenceGrade,
    ExchangeCheck,
    Level,
    Profile,
    RunCheck,
    SceneCheck,
    Suspects,
)

OneExchange = TypeVar("OneExchange", bound=ExchangeCheck)
WholeRun = TypeVar("WholeRun", bound=RunCheck)
OneScene = TypeVar("OneScene", bound=SceneCheck)


class Details(TypedDict, total=False):
    """What a clause may say besides; `statement` where a check serves more than one clause."""

    statement: str
    routes: tuple[str, ...]
    evidence: EvidenceGrade
    source: str
    probe: str
    profile: Profile
    needs: tuple[str, ...]
    timed: bool
    founded: bool
    suspects: Suspects


@dataclass(frozen=True, slots=True)
class Topic:
    """The clauses on one subject, in the order of the file, which is that of every table.

    A clause is written on its check, whose docstring begins with its statement. What most clauses
    of a topic share, such as the routes, is said once, with the topic.
    """

    name: str
    routes: tuple[str, ...] = ()
    evidence: EvidenceGrade | None = None
    source: str = ""
    probe: str | None = None
    profile: Profile = Profile.CORE
    needs: tuple[str, ...] = ()
    clauses: list[Clause] = field(default_factory=list)

    def exchange(
        self, name: str, level: Level, *, why: str, **details: Unpack[Details]
    ) -> Callable[[OneExchange], OneExchange]:
        """A clause that every single exchange keeps or breaks."""

        def listed(check: OneExchange) -> OneExchange:
            self._add(name, level, why, check, {**details, "probe": None, "check": check})
            return check

        return listed

    def run(
        self, name: str, level: Level, *, why: str, **details: Unpack[Details]
    ) -> Callable[[WholeRun], WholeRun]:
        """A clause on all exchanges of a route together."""

        def listed(check: WholeRun) -> WholeRun:
            self._add(name, level, why, check, {**details, "probe": None, "whole": check})
            return check

        return listed

    def scene(
        self, name: str, level: Level, *, why: str, **details: Unpack[Details]
    ) -> Callable[[OneScene], OneScene]:
        """A clause on the scene of a probe."""

        def listed(check: OneScene) -> OneScene:
            self._add(name, level, why, check, {**details, "scene": check})
            return check

        return listed

    def _add(
        self, name: str, level: Level, why: str, check: Callable[..., Any], fields: dict[str, Any]
    ) -> None:
        shared = {
            "routes": self.routes,
            "evidence": self.evidence,
            "source": self.source,
            "probe": self.probe,
            "profile": self.profile,
            "needs": self.needs,
            "statement": _statement(check),
        }
        made = Clause(id=name, level=level, rationale=why, **{**shared, **fields})
        self.clauses.append(made)


def _statement(check: Callable[..., Any]) -> str:
    """The first paragraph of a check's docstring, as one line."""
    first, _, _ = (check.__doc__ or "").strip().partition("\n\n")
    return " ".join(first.split())
