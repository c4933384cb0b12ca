"""`gateway-harness replay`: repeat a failure that an earlier run left behind."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import parse_cost, parse_header, print_options
from harness.cli.verdict import conclude
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.output.failure_folder import Capsule
    from harness.contract.run.replay import Repeated
    from harness.settings import Settings, Target
    from harness.wire import Headers

TIMES_WHEN_FLAKY = 10


@click.command()
@click.argument("capsule", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--target",
    metavar="mock|local|live|NAME|URL",
    help="The gateway to ask.  [default: the one of the run that left the capsule]",
)
@click.option(
    "--header",
    multiple=True,
    metavar="NAME:VALUE",
    callback=parse_header,
    help="A header field for every request; repeatable.",
)
@click.option("--times", type=click.IntRange(1, 1000), help="How often to send it.  [default: 3]")
@click.option(
    "--defect",
    metavar="NAME",
    help="Break the embedded stand-in.  [default: as in the run, on its own target]",
)
@click.option("--max-requests", type=click.IntRange(min=1), metavar="N")
@click.option("--max-total-tokens", type=click.IntRange(min=1), metavar="N")
@click.option("--max-cost", type=parse_cost, metavar="USD")
@print_options
def command(*, capsule: Path, target: str | None, header: "Headers", **values: Any) -> None:
    """Repeat the failure in the folder CAPSULE: 1 still broken, 0 fixed, 3 unknown.

    CAPSULE is a folder under failures/ of a run, or its capsule.json.
    """
    from harness.contract.output.failure_folder import read_capsule
    from harness.contract.run.replay import replay
    from harness.load.plan import Caps
    from harness.settings import load_settings, resolve_target
    from harness.verification import TIMES, options_to_repeat, with_token

    held, settings = read_capsule(capsule), load_settings()
    found = resolve_target(target or _target_of(held, settings), settings, headers=header)
    if target is None and found.embedded and values["defect"] is None:
        values["defect"] = held.defect
    caps = Caps(*(values[name] for name in ("max_requests", "max_total_tokens", "max_cost")))
    options = options_to_repeat(found, caps=caps, defect=values["defect"])
    if not found.loopback and not (values["quiet"] or values["json"]):
        click.echo(f"estimate: at most {options.max_requests} requests at {found.address.base}")
    times = values["times"] or (TIMES_WHEN_FLAKY if held.flaky else TIMES)
    repeated = replay(
        held.clause, held.route, held.cases, target=with_token(found), options=options, times=times
    )
    _print(held, repeated, found, as_json=values["json"])


def _target_of(capsule: "Capsule", settings: "Settings") -> str:
    """The target of the run: an embedded one, one of the settings, or a loopback origin.

    A capsule is a file that anybody may have written, and may not say where credentials go:
    UsageError for an origin that the settings do not have.
    """
    from harness.settings import Kind
    from harness.settings.values import is_loopback, parse_origin

    if capsule.kind in (Kind.MOCK, Kind.LOCAL, Kind.LIVE):
        return capsule.kind
    if not capsule.origin:
        raise UsageError("the capsule does not say where its requests went; use --target")
    for name, table in settings.file.targets.items():
        origin = table.values.get("base_url")
        if origin is not None and parse_origin(origin) == capsule.origin:
            return name
    secret = settings.provider_key or settings.gateway_token or settings.headers
    if capsule.origin == settings.base_url or (is_loopback(capsule.origin) and not secret):
        return capsule.origin
    raise UsageError(
        f"the capsule's requests went to {capsule.origin}, which is no origin of the settings; "
        f"your credentials are not sent there unless you say so: --target {capsule.origin}"
    )


def _print(capsule: "Capsule", found: "Repeated", target: "Target", *, as_json: bool) -> None:
    redact = target.secrets.redact
    name = f"{capsule.clause.id} on {capsule.route}"
    counted = f", broken {found.broken} of {found.exercised} times" if found.exercised else ""
    lines = [capsule.clause.statement] if found.verdict == "fail" else []
    lines += [redact(found.evidence)] if found.evidence else []
    lines += [f"layer: {found.layer}"] if found.layer else []
    conclude(
        found.verdict,
        reasons=lines,
        summary=f"{found.word}: {name}{counted}",
        as_json=as_json,
        result=found.word,
        clause=capsule.clause.id,
        route=capsule.route,
        exercised=found.exercised,
        broken=found.broken,
    )
