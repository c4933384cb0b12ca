"""The contract on a target of the settings: what `verify`, `run`, `replay` and pytest call.

    target = resolve_target("live", load_settings())
    outcome = verify(target, options_for(target, strict=True, out=folder))
    outcome.verdict.verdict, outcome.failing

Everything happens in this process; nothing is printed.
"""

import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.contract.options import DEFAULT_REQUESTS, REQUIRABLE, RunOptions
from harness.contract.output.failure_folder import case_of
from harness.contract.repeat.objectives import read_objectives
from harness.contract.repeat.repetition import requests_of
from harness.contract.run.progress import Watch
from harness.contract.run.replay import Repeated, replay
from harness.contract.run.session import Pair, RunOutcome, perform
from harness.contract.topics.catalogue import BY_ID
from harness.errors import UsageError
from harness.load.budget import caps_for
from harness.load.plan import Caps
from harness.settings import Kind, Secrets, Target, load_settings, resolve_target
from harness.settings.target import STAND_IN_TOKEN

PATIENCE = "GATEWAY_HARNESS_PATIENCE"
TIMES, REQUESTS = 3, 100
"""How often a failure is repeated, and the most requests for that, where nobody says otherwise."""
EXAMPLES = Path(".gateway-harness/examples")
"""Where nightly runs keep what failed, for the next one to send first."""


def verify(
    target: Target,
    options: RunOptions,
    *,
    pairs: Iterable[Pair] | None = None,
    watch: Watch | None = None,
) -> RunOutcome:
    """Explore the target, judge it, write what the options ask for, and return what was found.

    `pairs` are the clauses, by id, and their routes; without them it is all of the profile. For
    `watch`, Ctrl-C and errors see `perform`.
    """
    return perform(with_token(target), options, pairs=pairs, watch=watch)


@dataclass(slots=True, eq=False)
class PytestRun:
    """A run within pytest; `outcome` is what came of it.

    It was `handed` over by `verify`, as a plugin object, or asked for on pytest's command line.
    """

    target: Target
    options: RunOptions
    handed: bool = True
    outcome: RunOutcome | None = None


def options_for(
    target: Target,
    *,
    profile: str | None = None,
    mode: str | None = None,
    require: str = "",
    seed: int = 0,
    defect: str | None = None,
    patience: str | None = None,
    repeat: int | None = None,
    threshold: Sequence[str] | None = None,
    caps: Caps | None = None,
    default_requests: int = DEFAULT_REQUESTS,
    environment: Mapping[str, str] | None = None,
    **others: Any,
) -> RunOptions:
    """The options of a run, from what was typed and what the target is; UsageError if it cannot be.

    A target that costs money gets caps, where `caps` leaves them open, and the profile `core`.
    With `repeat` the default of requests grows by what it asks.
    """
    variables = os.environ if environment is None else environment
    paid = not target.loopback
    bounds = caps_for(caps or Caps(), model=target.model, routes=target.routes, paid=paid)
    chosen: Any = mode or ("live" if paid else "pr")
    nightly = mode == "nightly"
    asked = caps.requests if caps else None
    times, objectives = _repeated(repeat, threshold or ())
    return RunOptions(
        profile=profile or ("core" if target.kind is Kind.LIVE else "all"),
        mode=chosen,
        required=_required(require),
        max_requests=asked or default_requests + requests_of(times),
        max_tokens=bounds.total_tokens,
        max_cost=bounds.cost,
        dollars_per_token=max(bounds.price_in or 0.0, bounds.price_out or 0.0),
        seed=seed or (1 + secrets.randbelow(1_000_000) if nightly else 0),
        defect=_defect(target, defect),
        examples=_examples(target) if nightly else None,
        patience=_patience(variables),
        wait_s=0.0 if patience is None else _wait(patience),
        repeat=times,
        threshold=objectives,
        **others,
    )


def repeat(
    clause: str,
    route: str,
    cases: Sequence[Mapping[str, Any]],
    *,
    target: str,
    defect: str | None = None,
    times: int = TIMES,
) -> Repeated:
    """Repeat a failure from its cases as documents; this is what the test in its folder calls."""
    found = resolve_target(target, load_settings())
    options = options_to_repeat(found, caps=Caps(), defect=defect if found.embedded else None)
    made = [case_of(case) for case in cases]
    asked = BY_ID[clause], route, made
    return replay(*asked, target=with_token(found), options=options, times=times)


def options_to_repeat(target: Target, *, caps: Caps, defect: str | None) -> RunOptions:
    """The options of a repetition, which sends few requests."""
    caps = replace(caps, requests=caps.requests or REQUESTS)
    return options_for(target, caps=caps, defect=defect)


def with_token(target: Target) -> Target:
    """The embedded stand-in asks for its token unless the settings say that it does not."""
    if not target.embedded or target.expectations.auth is False:
        return target
    token = target.credentials.gateway_token or STAND_IN_TOKEN
    return replace(
        target,
        credentials=replace(target.credentials, gateway_token=token),
        expectations=replace(target.expectations, auth=True),
        secrets=target.secrets | Secrets((("CF_AIG_TOKEN", token),)),
    )


def _repeated(repeat: int | None, threshold: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """How often the corpus is asked, and what its answers have to be."""
    if repeat is not None and repeat < 1:
        raise UsageError(f"--repeat {repeat}: expected 1 or more")
    if threshold and repeat is None:
        raise UsageError(f"--threshold {threshold[0]!r} needs --repeat N: it is on many answers")
    read_objectives(threshold)
    return repeat or 0, tuple(threshold)


def _required(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in REQUIRABLE:
            raise UsageError(f"--require {name}: expected some of {', '.join(REQUIRABLE)}")
    return names


def _defect(target: Target, defect: str | None) -> str | None:
    """The defect, if the target is ours to break and somebody could see it."""
    if defect is None:
        return None
    if not target.embedded:
        raise UsageError("--defect breaks the embedded stand-in: use --target mock or local")
    from harness.contract.run.reference import check_shown
    from harness.defects.table import DEFECTS

    try:
        DEFECTS.named(defect)
    except UsageError as exc:
        raise UsageError(f"--defect {defect}: {exc}") from exc
    check_shown(defect)
    return defect


def _examples(target: Target) -> Path:
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", target.name).strip("-")
    return EXAMPLES / f"{name}.jsonl"


def _wait(text: str) -> float:
    """The seconds of `--patience`, such as `90s` or `3m`."""
    found = re.fullmatch(r"\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([smh])\s*", text)
    if found is None:
        raise UsageError(f"--patience {text}: expected a duration such as 90s or 3m")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _patience(environment: Mapping[str, str]) -> float:
    """What `GATEWAY_HARNESS_PATIENCE` scales every limit of time by; 1 unless it is set."""
    text = environment.get(PATIENCE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1000:
        raise UsageError(f"{PATIENCE}={text}: expected a factor such as 0.5")
    return factor
