"""Repeats one failure: does the target still break the clause?"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.contract.case import Case
from harness.contract.clause import Clause, Fault
from harness.contract.observation import Observation
from harness.contract.options import RunOptions
from harness.contract.output.redaction import spells_secret, veiled
from harness.contract.run.budget import Budget, BudgetError
from harness.contract.run.outage import outage
from harness.contract.run.sender import Sender
from harness.contract.run.session import perform, senders
from harness.contract.run.waits import lacks
from harness.settings import Target

WORDS = {"fail": "still broken", "pass": "fixed", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Repeated:
    """What a repetition found: `verdict` is fail (still broken), pass (fixed) or unknown.

    `broken` of the `exercised` repetitions broke the clause; `evidence` is the first fault or why
    nothing is known. `layer` is who was at fault as far as the answers tell.
    """

    verdict: str
    exercised: int
    broken: int
    evidence: str
    layer: str | None = None

    @property
    def word(self) -> str:
        """`still broken`, `fixed` or `unknown`."""
        return WORDS[self.verdict]


def replay(
    clause: Clause,
    route: str,
    cases: Sequence[Case],
    *,
    target: Target,
    options: RunOptions,
    times: int,
) -> Repeated:
    """Send `cases` again `times` times, or play the clause's sequence again, and judge.

    A sequence is played anew rather than sent again: its requests must not be known to the
    target's cache, and their distance in time matters.
    """
    if clause.check is None or not cases:
        return _play(clause, route, target, options)
    budget = _budget(options)
    with senders(target, options, budget, f"replay-{uuid.uuid4().hex[:12]}") as (sender, _):
        lacking = lacks(clause, route, sender.target, clock=sender.clock)
        if lacking is not None:
            return Repeated("unknown", 0, 0, f"not declared: {lacking}")
        return _send(clause, cases, sender, times)


def _send(clause: Clause, cases: Sequence[Case], sender: Sender, times: int) -> Repeated:
    assert clause.check is not None  # noqa: S101 - the caller asked
    redact = sender.target.secrets.redact
    faults: list[Fault] = []
    exercised = broken = 0
    seen: Observation | None = None
    reason = "no answer gave occasion to judge the clause"
    try:
        for case in [*cases] * times:
            sent = sender.send(case)
            found = clause.check(sent)
            if isinstance(found, tuple):
                exercised, broken = exercised + 1, broken + bool(found)
                spelt = bool(found) and spells_secret(sent, redact)
                faults += [veiled(each, clause.statement) if spelt else each for each in found]
                seen = sent if found else seen
            failed = outage(sent)
            if failed is not None and not found:
                return _judged(exercised, broken, faults, seen, str(failed), whole=False)
    except BudgetError as exc:
        return _judged(exercised, broken, faults, seen, str(exc), whole=False)
    return _judged(exercised, broken, faults, seen, reason, whole=exercised > 0)


def _judged(
    exercised: int,
    broken: int,
    faults: Sequence[Fault],
    seen: Observation | None,
    reason: str,
    *,
    whole: bool,
) -> Repeated:
    """Broken as soon as it broke once; fixed only when every repetition could be judged."""
    if broken:
        layer = None if seen is None or seen.layer is None else str(seen.layer)
        return Repeated("fail", exercised, broken, str(faults[0]), layer)
    if whole:
        return Repeated("pass", exercised, 0, "")
    return Repeated("unknown", exercised, 0, reason)


def _play(clause: Clause, route: str, target: Target, options: RunOptions) -> Repeated:
    found = perform(target, replace(options, out=None), pairs=[(clause.id, route)])
    one = found.of(clause.id, route)
    if one.violated:
        return Repeated("fail", one.exercised, one.violated, one.evidence, one.layer)
    if one.exercised and not found.interrupted:
        return Repeated("pass", one.exercised, 0, "")
    return Repeated("unknown", 0, 0, one.evidence)


def _budget(options: RunOptions) -> Budget:
    return Budget(
        options.max_requests, options.max_tokens, options.max_cost, options.dollars_per_token
    )
