"""`gateway-harness run`: verify, load, compare and report in one go, with one verdict."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import phases
from harness.cli.load_options import (
    CALIBRATION_FIELDS,
    calibration_options,
    parse_routes,
    seconds,
    some_seconds,
)
from harness.cli.options import Common, common
from harness.cli.verdict import note
from harness.cli.verify import carry, contract_of, contract_options
from harness.contract.options import named
from harness.errors import OWN_FAULT

if TYPE_CHECKING:
    from harness.contract.options import RunOptions
    from harness.contract.run.session import RunOutcome
    from harness.load.outcome import LoadOutcome
    from harness.load.plan import LoadPlan
    from harness.report.report import Report
    from harness.settings import Target

LONGEST_COMPARISON_S = 45.0
"""What the comparison may take of a run; `compare` on its own takes as long as it needs."""


@click.command
@contract_options(named("profile", "strict"))
@click.option("--routes", callback=parse_routes, metavar="LIST", help="Such as native,compat.")
@click.option(
    "--users",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    metavar="N",
    help="How many ask at once in the load.",
)
@click.option(
    "--duration",
    type=some_seconds,
    default="15s",
    show_default=True,
    metavar="TIME",
    help="How long the load takes.",
)
@click.option("--warmup", type=seconds, default="2s", show_default=True, metavar="TIME")
@click.option(
    "--pairs",
    type=click.IntRange(20, 100_000),
    default=150,
    show_default=True,
    metavar="N",
    help="Interleaved blocks of the comparison.",
)
@click.option("--max-output-tokens", type=click.IntRange(1), default=32, show_default=True)
@click.option(
    "--threshold",
    multiple=True,
    metavar="OBJECTIVE",
    help='Such as "p95(ttft) < 800ms"; repeatable.',
)
@calibration_options
@common()
def command(*, common: Common, **values: Any) -> None:
    """Verify the contract, load the routes, compare them, write the report: one verdict."""
    contract = contract_of(common, {name: values[name] for name in ("profile", "strict")})
    load, compare = _plans(common, values)
    folder = common.make_folder()
    load, compare = load.in_folder(folder), compare.in_folder(folder)
    phases.start(common, folder, {**load.describe(), "pairs": values["pairs"]})
    course = run(common, replace(contract, out=folder), load, compare)
    phases.note(folder, course.facts())
    report = phases.build(folder)
    ending = course.ending(report)
    phases.finish(folder, ending)
    measured = f"{report.summary.requests:,} requests measured"
    summary = f"{_contract_line(course.contract)}; {measured}"
    phases.conclude(common, report, summary=summary, judged=ending)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run of several phases leaves with."""

    verdict: str
    exit_code: int
    reasons: tuple[str, ...]


@dataclass(slots=True)
class PhaseOutcomes:
    """What the phases of a run leave for its manifest; `skipped` says what did not happen."""

    contract: "RunOutcome | None" = None
    loads: list["LoadOutcome"] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def halted(self) -> bool:
        """Whether the next phase has to stay away: stopped by the user, or the target is out."""
        return self.interrupted or any(load.cut_short for load in self.loads)

    def ending(self, report: "Report") -> Ending:
        """The verdict of the report; its exit code, unless the harness itself failed."""
        bugs = self.contract is not None and self.contract.verdict.bugs
        code = OWN_FAULT if bugs else report.exit_code
        return Ending(report.verdict, code, self._reasons(report))

    def _reasons(self, report: "Report") -> tuple[str, ...]:
        """Why the verdict is what it is: who refused, the contract's own words, the report's."""
        refused = [str(load.blocked) for load in self.loads if load.blocked]
        contract = self.contract.verdict if self.contract else None
        judged = contract.reasons if contract and contract.exit_code else ()
        said = [] if not report.exit_code else [*refused, *judged, *report.reasons]
        return tuple(dict.fromkeys((*said, *self.skipped)))

    def facts(self) -> dict[str, Any]:
        """The facts of all loads as one, in the words of the manifest."""
        from harness.load.session import facts_of

        facts = facts_of(*self.loads)
        return {
            **facts,
            "interrupted": self.interrupted or facts["interrupted"],
            "notes": [*self.skipped, *facts["notes"]],
        }


def run(
    common: Common, contract: "RunOptions", load: "LoadPlan", compare: "LoadPlan"
) -> PhaseOutcomes:
    """Do all phases; Ctrl-C ends them and keeps what there is."""
    course = PhaseOutcomes()
    try:
        with phases.refusable(Path(load.folder)):
            course.contract = _verify(common, contract)
            course.interrupted = course.contract.interrupted
            if not course.interrupted:
                _measure(common, load, compare, course)
    except KeyboardInterrupt:
        course.interrupted = True
    return course


def _plans(common: Common, values: dict[str, Any]) -> "tuple[LoadPlan, LoadPlan]":
    """The load and the comparison; UsageError before anything is sent."""
    from harness.load.budget import estimate
    from harness.load.session import plan_load

    load = plan_load(
        common.target,
        routes=values["routes"],
        caps=common.caps,
        thresholds=values["threshold"],
        users=values["users"],
        duration_s=values["duration"],
        warmup_s=values["warmup"],
        max_output_tokens=values["max_output_tokens"],
        seed=common.seed,
        **{name: values[name] for name in CALIBRATION_FIELDS},
    )
    compare = replace(
        load,
        name="compare",
        users=2,
        blocks=values["pairs"],
        warmup_s=0.0,
        duration_s=LONGEST_COMPARISON_S,
        max_output_tokens=min(values["max_output_tokens"], 16),
    )
    if not common.target.loopback:
        common.say(f"estimate for the load, and again for the comparison: {estimate(load)}")
    return load, compare


def _verify(common: Common, options: "RunOptions") -> "RunOutcome":
    common.say(f"verify: the contract on {', '.join(common.target.routes)}")
    outcome = carry(common, options)
    common.say(f"  {outcome.verdict.line}")
    for sentence in outcome.unwritten:
        note(sentence)
    return outcome


def _measure(common: Common, load: "LoadPlan", compare: "LoadPlan", course: PhaseOutcomes) -> None:
    """The load and the comparison, each only where the one before left something to measure."""
    from harness.cli.stand_in import running

    if course.contract is not None and not course.contract.verdict.routes:
        course.skipped.append("no load was sent: the contract found no route that answers")
        return
    with running(common.target, seed=common.seed) as target:
        common.say(f"load: {load.users} users for {load.total_s:g} s on {', '.join(load.routes)}")
        course.loads.append(_send(common, load, target, scenario="mixed"))
        if len(load.routes) < 2:
            course.skipped.append("nothing was compared: only one route was loaded")
        elif course.halted:
            course.skipped.append("nothing was compared: the load was stopped")
        else:
            common.say(f"compare: {compare.blocks} blocks of {', '.join(compare.routes)}")
            outcome = _send(common, compare, target, scenario="compare")
            course.loads.append(outcome)
            done = outcome.requests // len(compare.routes)
            if done < (compare.blocks or 0):
                course.skipped.append(
                    f"compared {done} of {compare.blocks} blocks: the comparison ended after "
                    f"{outcome.elapsed_s:.0f} s, its bound is {compare.duration_s:g} s; "
                    "gateway-harness compare has none"
                )


def _send(common: Common, plan: "LoadPlan", target: "Target", *, scenario: str) -> "LoadOutcome":
    from harness.bundled import folder as bundled
    from harness.load.launch import Locust
    from harness.load.session import run_load

    locust = Locust(bundled("locustfiles") / f"{scenario}.py")
    shown = common.shows
    return run_load(plan, target, locust, show=shown, title=plan.name)


def _contract_line(contract: "RunOutcome | None") -> str:
    if contract is None:
        return "the contract was not judged"
    return contract.verdict.summary
