"""A load from a target to an outcome: the plan checked, Locust run, the end shown and summed up."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.load.budget import caps_for
from harness.load.launch import Locust, launch
from harness.load.outcome import LoadOutcome
from harness.load.plan import Caps, Identity, LoadPlan
from harness.load.progress import read_reports
from harness.load.prompts import read_prompts
from harness.load.supervisor import Enough
from harness.measure.objective import check_missable, parse_objectives
from harness.routes.route import Route
from harness.settings import Target


def plan_load(
    target: Target,
    *,
    routes: tuple[str, ...] = (),
    caps: Caps | None = None,
    thresholds: Sequence[str] = (),
    abort: Sequence[str] = (),
    prompts: Path | None = None,
    ratios: bool = False,
    **fields: Any,
) -> LoadPlan:
    """The plan of a load on `target`; no `routes` means all that it has.

    `fields` are those of `LoadPlan`; with `ratios` objectives may be on one route over another.
    UsageError when a route is not declared, an objective or the file of prompts cannot be read, or
    the cost on a paid target cannot be bounded.
    """
    missing = [route for route in routes if route not in (*target.routes, Route.DIRECT)]
    if missing:
        raise UsageError(
            f"--routes {','.join(missing)}: the target has no model id; set BASETEN_MODEL_ID"
        )
    chosen = routes or target.routes
    if Route.DIRECT in chosen:
        _check_direct(target, chosen)
    check_missable(parse_objectives(thresholds, ratios=ratios))
    check_missable(parse_objectives(abort))
    if prompts is not None:
        talks = any("turns" in each for each in read_prompts(prompts))
        if talks and fields.get("rate") is not None:
            raise UsageError(
                f"--prompts {prompts}: conversations are a closed loop, in which each question "
                "waits for the answer before it: give --users, not --rate"
            )
    if fields.get("tokenizer") is not None:
        from harness.load.tokens import read_tokenizer

        read_tokenizer(Path(fields["tokenizer"]))
    limit = target.expectations.rate_limit if fields.get("respect_rate_limit") else None
    return LoadPlan(
        run_id=uuid.uuid4().hex[:12],
        folder="",
        address=target.address,
        model=target.model,
        model_id=target.model_id,
        model_input=target.model_input if Route.MODEL in chosen else (),
        routes=chosen,
        caps=caps_for(caps or Caps(), model=target.model, routes=chosen, paid=not target.loopback),
        thresholds=tuple(thresholds),
        abort=tuple(abort),
        prompts=None if prompts is None else str(prompts.resolve()),
        rate_limit=None if limit is None else str(limit),
        **fields,
    )


def _check_direct(target: Target, routes: tuple[str, ...]) -> None:
    """UsageError where Baseten cannot be asked itself, or not in the way the gateway is asked."""
    if target.credentials.provider_key is None:
        raise UsageError(
            "--routes direct: Baseten itself takes no key that is stored at Cloudflare; "
            "set BASETEN_API_KEY"
        )
    if Route.MODEL in routes and target.model_id is None:
        raise UsageError("--routes direct,model: the target has no model id; set BASETEN_MODEL_ID")
    address = target.address
    alone = {*routes} <= {Route.DIRECT, Route.MODEL}
    url = address.deployment if alone else address.provider
    schemes = [each.partition("://")[0] for each in (address.origin, url)]
    if schemes[0] != schemes[1] and not target.embedded:
        name = "BASETEN_MODEL_URL" if alone else "BASETEN_BASE_URL"
        raise UsageError(
            f"--routes direct: the gateway is asked by {schemes[0]} and Baseten by {schemes[1]}, "
            f"which is no comparison; set {name}"
        )


def run_load(
    plan: LoadPlan,
    target: Target,
    locust: Locust,
    *,
    show: bool = True,
    title: str = "load",
    enough: Enough | None = None,
) -> LoadOutcome:
    """Send the load to `target`, which is running, and wait for its end.

    With `show` its progress goes to standard error. `enough` may end it before its time.
    """
    plan = replace(plan, address=target.address)
    identity = Identity(target.credentials, target.headers.fields)
    if not show:
        return launch(plan, identity, locust, enough=enough)
    from harness.load.display import Display  # brings rich

    size = len(plan.routes)
    with Display(title, seconds=plan.total_s, blocks=plan.blocks, size=size) as display:
        return launch(plan, identity, locust, on_progress=display, enough=enough)


def clocks_of(plan: LoadPlan) -> dict[str, Any]:
    """The clock anchors of workers that sent from other machines, by name."""
    reports = read_reports(Path(plan.folder), plan.name)
    return {report.worker: report.clock for report in reports if report.clock is not None}


def facts_of(*outcomes: LoadOutcome) -> dict[str, Any]:
    """What the manifest of a run should know of its loads, which add theirs up."""
    blocked = next((str(one.blocked) for one in outcomes if one.blocked), None)
    notes = [*floor_unknown(outcomes), *(note for one in outcomes for note in one.notes)]
    first = outcomes[0] if outcomes else None
    return {
        "interrupted": any(one.interrupted for one in outcomes),
        "aborted": next((one.aborted for one in outcomes if one.aborted), None),
        "exhausted": next((one.exhausted for one in outcomes if one.exhausted), None),
        "blocked": blocked,
        "problems": [problem for one in outcomes for problem in one.problems],
        "notes": list(dict.fromkeys(notes)),
        "expected_records": sum(one.requests for one in outcomes),
        "client": {"loop_lag_ms": dict(first.loop_lag_ms), "kernel_times": first.kernel_times}
        if first
        else {},
    }


def floor_unknown(outcomes: Sequence[LoadOutcome]) -> list[str]:
    """That the client's own error is not known: of no load, for one of several is enough."""
    reasons = [one.floor_reason for one in outcomes]
    return [f"the client's own error is not known: {each}" for each in reasons[:1] if all(reasons)]
