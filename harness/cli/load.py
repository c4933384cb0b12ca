"""`gateway-harness load`: one load scenario, its report, and one verdict."""

from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.cli import phases
from harness.cli.extension import Settled
from harness.cli.load_options import workload_options
from harness.cli.options import Common, common
from harness.cli.verdict import conclude
from harness.cli.workload import loading_ahead, locust_of, plan_fields
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.load.plan import LoadPlan
    from harness.report.report import Report


@click.command
@click.argument("locustfile", required=False)
@workload_options
@loading_ahead
@common()
def command(*, common: Common, **values: Any) -> None:
    """Run one load scenario and report latency and throughput.

    LOCUSTFILE is a path, or one of native, compat, model, mixed (the default) and compare.
    """
    if values["worker"]:
        work(common, values)
    report = load(common, values)
    from harness.report.sentences import headline

    phases.conclude(common, report, summary=headline(report))


def load(common: Common, values: dict[str, Any]) -> "Report":
    """Run the load that was asked for, and make its report."""
    from harness.load.session import clocks_of, facts_of, plan_load, run_load

    locust = locust_of(values)
    plan = plan_load(common.target, caps=common.caps, seed=common.seed, **plan_fields(values))
    folder = common.make_folder()
    plan = plan.in_folder(folder)
    common.say(_announcement(common, plan))
    phases.start(common, folder, plan.describe())
    show, settled = common.shows, Settled(plan) if plan.extend > 1 else None
    with phases.sending(common, folder) as target:
        outcome = run_load(plan, target, locust, show=show, enough=settled)
    facts = facts_of(outcome)
    report = phases.close(folder, {**facts, "clocks": clocks_of(plan)})
    _say_notes(common, facts["notes"])
    return report


def work(common: Common, values: dict[str, Any]) -> NoReturn:
    """Be a worker of the master that was named; its report is of this share alone."""
    from harness.load.display import Display
    from harness.load.follow import follow
    from harness.load.plan import Identity
    from harness.load.session import facts_of

    identity = Identity(common.target.credentials, common.target.headers.fields)
    locust = locust_of(values)
    folder = common.make_folder()
    with Display("worker", seconds=0, quiet=not common.shows) as display:
        followed = follow(folder, identity, locust, on_progress=display)
    if followed is None:
        raise UsageError(f"no plan came from a master on {locust.host}:{locust.port}")
    plan, outcome = followed.plan, followed.outcome
    target = {"kind": "url", "name": plan.address.origin, "base": plan.address.base}
    phases.start(common, folder, plan.describe(), target=target, seed=plan.seed)
    facts = facts_of(outcome)
    report = phases.close(folder, facts)
    _say_notes(common, facts["notes"])
    conclude(
        report.verdict,
        reasons=report.reasons,
        summary=f"{report.summary.requests:,} requests, a share of run {plan.run_id}; "
        "its master judges the whole",
        out=folder,
        as_json=common.json,
    )


def _announcement(common: Common, plan: "LoadPlan") -> str:
    from harness.load.budget import estimate

    up_to = "up to " if plan.stages or plan.trace else ""
    many = f"{plan.rate:g} requests/s" if plan.open_loop else f"{plan.users} users"
    many = f"{up_to}{many}"
    length = f"{plan.warmup_s:g} s warm-up and {plan.duration_s:g} s"
    if plan.extend > 1:
        length += f", or up to {plan.extend} times that until the objectives are settled"
    if plan.trace is not None:
        length = (
            f"{plan.due} requests in {plan.duration_s:.1f} s, the trace {plan.speed:g}x as fast"
        )
    routes = ", ".join(plan.routes)
    lines = [f"load: {many} on {routes} for {length}, target {common.target.name}"]
    if plan.respect_rate_limit:
        limit = plan.rate_limit and f"the declared limit of {plan.rate_limit} s"
        lines.append(f"paced to {limit or 'what refusals (429) teach: no limit is declared'}")
    if not common.target.loopback:
        lines.append(f"estimate: {estimate(plan)}")
    return "\n".join(lines)


def _say_notes(common: Common, notes: list[str]) -> None:
    for note in notes:
        common.say(f"note: {note}")
