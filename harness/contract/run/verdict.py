"""One verdict out of many results. Unknown is never green.

A broken MUST is a fail, even beside an outage. A MUST that was declared and not exercised, or a
setting that was required and not declared, makes the run unknown.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.contract.clause import Level, Result
from harness.contract.options import REQUIRABLE
from harness.contract.repeat.objectives import Judged
from harness.contract.run.results import Entry, Results
from harness.errors import EXIT_CODES, OWN_FAULT
from harness.routes.route import ROUTES

HELD = ("stream-incremental", "stream-unbatched", "stream-not-held", "model-incremental")
REMEDIES = {
    "model": "set BASETEN_MODEL_ID, or model_id in harness.toml",
    "auth": "set GATEWAY_EXPECT_AUTH=1, or expect_auth in harness.toml",
    "cache": "set GATEWAY_EXPECT_CACHE_TTL, or expect_cache_ttl in harness.toml",
    "rate": "set GATEWAY_EXPECT_RATE_LIMIT, or expect_rate_limit in harness.toml",
}
"""How each setting of `REQUIRABLE` is declared."""
WAITS = {"cache": "the cache's TTL", "rate": "the rate limit"}


@dataclass(frozen=True, slots=True)
class ContractVerdict:
    """What a run says: `pass`, `fail` or `unknown`, why, and counts of results by level.

    `word` is the same in the words of `conformance.json`. `routes` were judged, `broken` are those
    of them that fail the run, `undeclared` settings kept clauses out of the verdict, and so did the
    real time that `unwaited` ones need. `left_out` counts clauses that were not selected. `bugs`
    are failures of the harness itself. `tally` counts clauses, on however many routes, by what is
    wrong with them. `held` are the routes whose streams are held back, even where that is only a
    warning: it is what users notice first. `missed` counts objectives that are certainly missed.
    Of `reasons` the `failures` name broken clauses, which are told at length elsewhere.
    """

    verdict: str
    word: str
    reasons: tuple[str, ...]
    routes: tuple[str, ...]
    undeclared: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    left_out: int = 0
    unwaited: tuple[str, ...] = ()
    bugs: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    missed: int = 0
    failures: tuple[str, ...] = ()
    tally: Mapping[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 unknown; 2 where the harness itself failed."""
        return OWN_FAULT if self.bugs else EXIT_CODES[self.verdict]

    @property
    def further_reasons(self) -> tuple[str, ...]:
        """The reasons that name no broken clause."""
        return tuple(reason for reason in self.reasons if reason not in self.failures)

    @property
    def line(self) -> str:
        """The verdict in one line, such as `pass: native, compat; not declared: cache`."""
        return f"{self.verdict}: {self.summary}"

    @property
    def summary(self) -> str:
        """What the line says after the verdict."""
        kept = [route for route in self.routes if route not in self.broken]
        parts = [", ".join(self.broken or self.routes) or "no route was judged"]
        if self.verdict == "unknown" and self.broken:
            parts = [f"interrupted, broken so far: {', '.join(self.broken)}"]
        if self.verdict == "fail" and not self.broken:
            parts = ["the objectives" if self.missed else "the waivers"]
        if self.tally:
            parts.append(", ".join(f"{count} {what}" for what, count in self.tally.items()))
        if self.verdict == "fail" and kept:
            parts.append(f"kept: {', '.join(kept)}")
        if self.held:
            parts.append(f"streams are held back: {', '.join(self.held)}")
        if self.undeclared:
            parts.append(f"not declared: {', '.join(self.undeclared)}")
        if self.unwaited:
            parts.append(f"too long to wait for: {', '.join(self.unwaited)}")
        if self.left_out:
            parts.append(f"a selection, {self.left_out} clauses left out")
        return "; ".join(parts)


def conclude(
    ledger: Results,
    *,
    strict: bool = False,
    required: Sequence[str] = (),
    stopped: str = "",
    complaints: Sequence[str] = (),
    left_out: int = 0,
    bugs: Sequence[str] = (),
    interrupted: bool = False,
    objectives: Sequence[Judged] = (),
) -> ContractVerdict:
    """The verdict over a ledger, and over the objectives on repeated requests.

    `required` names settings that may not be undeclared; `complaints` are about waivers and fail.
    `bugs` are failures of the harness beside those that a clause has as its error. A run that was
    `interrupted` is unknown, and says what was broken so far.
    """
    entries = list(ledger.entries.values())
    binding = (Level.MUST, Level.SHOULD) if strict else (Level.MUST,)
    failed = [e for e in entries if e.result is Result.FAIL and e.clause.level in binding]
    open_ones = [e for e in entries if _open(e, required)]
    ended = [stopped] if stopped and not any(stopped in e.reason for e in open_ones) else []
    bugs = [*_errors(entries), *bugs]
    told = [f"a bug of the harness, please report it: {bug}" for bug in dict.fromkeys(bugs)]
    missed = [f"objective missed: {o.text}" for o in objectives if o.result == "fail"]
    unsettled = [f"objective unknown: {o.text}" for o in objectives if o.result == "unknown"]
    failures = _failures(failed)
    found = [*complaints, *failures, *missed]
    reasons = [*found, *told, *_openings(open_ones), *unsettled, *ended]
    judged = _judged(entries)
    green = "pass" if judged and not (open_ones or unsettled or bugs) else "unknown"
    verdict = "fail" if found else green
    verdict = "unknown" if interrupted else verdict
    waived = any(entry.waived for entry in entries)
    words = {"fail": "incompatible", "unknown": "unknown", "pass": "compatible"}
    word = "compatible_with_waivers" if verdict == "pass" and waived else words[verdict]
    return ContractVerdict(
        verdict=verdict,
        word=word,
        reasons=tuple(dict.fromkeys(reasons)),
        routes=judged,
        broken=tuple(route for route in ROUTES if any(e.route == route for e in failed)),
        undeclared=_undeclared(entries),
        counts=_counts(entries),
        left_out=left_out,
        unwaited=_unwaited(entries),
        bugs=tuple(bugs),
        held=_held(entries),
        missed=len(missed),
        failures=tuple(failures),
        tally=_tally(entries, open_ones),
    )


def _tally(entries: Sequence[Entry], open_ones: Sequence[Entry]) -> dict[str, int]:
    """How many clauses are broken, by level, waived, and had to be judged and were not."""
    broken = [e for e in entries if e.result is Result.FAIL]
    found = {
        "MUST broken": [e for e in broken if e.clause.level is Level.MUST],
        "SHOULD broken": [e for e in broken if e.clause.level is Level.SHOULD],
        "waived": [e for e in entries if e.result is Result.WAIVED],
        "unjudged": open_ones,
    }
    counts = {what: len({e.clause.id for e in some}) for what, some in found.items()}
    return {what: count for what, count in counts.items() if count}


def _open(entry: Entry, required: Sequence[str]) -> bool:
    """Whether a clause that had to be judged was not."""
    if entry.clause.level is not Level.MUST:
        return False
    unwaited = entry.lacks == "clock" and any(need in required for need in entry.clause.needs)
    return entry.result is Result.NOT_EXERCISED or entry.lacks in required or unwaited


def _failures(failed: Sequence[Entry]) -> list[str]:
    by_clause: dict[str, list[str]] = {}
    for entry in failed:
        by_clause.setdefault(entry.clause.id, []).append(entry.route)
    return [f"{clause} broken on {', '.join(routes)}" for clause, routes in by_clause.items()]


def _errors(entries: Sequence[Entry]) -> list[str]:
    """Each bug in a check once, with the clauses that it left unjudged."""
    by_bug: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.error:
            by_bug.setdefault(entry.error, {})[entry.clause.id] = None
    return [f"{bug}, in {', '.join(clauses)}" for bug, clauses in by_bug.items()]


def _openings(entries: Sequence[Entry]) -> list[str]:
    reasons: dict[str, int] = {}
    for entry in entries:
        why = _lacking(entry) if entry.lacks else entry.reason
        where = f"{entry.route}: " if entry.out else ""
        reasons[f"{where}{why}"] = reasons.get(f"{where}{why}", 0) + 1
    return [f"{why} ({count} MUST clauses not exercised)" for why, count in reasons.items()]


def _lacking(entry: Entry) -> str:
    """Why a required setting could not be judged, and what would change that."""
    if entry.lacks != "clock":
        return _undeclared_why(entry.lacks or "")
    need = next(need for need in entry.clause.needs if need in WAITS)
    return f"required, but this run does not wait for {WAITS[need]}: --patience 3m waits longer"


def _undeclared_why(setting: str) -> str:
    remedy = f": {REMEDIES[setting]}" if setting in REMEDIES else ""
    return f"required, but not declared: {setting}{remedy}"


def _judged(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The routes that answered and were judged."""
    out = {entry.route for entry in entries if entry.out}
    exercised = {entry.route for entry in entries if entry.exercised} - out
    return tuple(route for route in ROUTES if route in exercised)


def _held(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The routes whose streams arrive later than they are made, by any clause on that."""
    found = {e.route for e in entries if e.clause.id in HELD and e.result is Result.FAIL}
    return tuple(route for route in ROUTES if route in found)


def _undeclared(entries: Sequence[Entry]) -> tuple[str, ...]:
    lacking = {entry.lacks for entry in entries if entry.lacks}
    return tuple(name for name in REQUIRABLE if name in lacking)


def _unwaited(entries: Sequence[Entry]) -> tuple[str, ...]:
    """What of the declared settings needs more time than a run on a real clock takes."""
    waiting = {need for e in entries if e.lacks == "clock" for need in e.clause.needs}
    return tuple(text for need, text in WAITS.items() if need in waiting)


def _counts(entries: Sequence[Entry]) -> dict[str, int]:
    found = Counter(str(entry.result) for entry in entries)
    return {str(result): found[str(result)] for result in Result}
