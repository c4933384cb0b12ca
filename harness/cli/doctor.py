"""`gateway-harness doctor`: what is set and from where, what is missing, and who answers.

No secret is printed, only whether one is set. The probe is one small request per declared route.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from harness.cli import advice
from harness.cli.options import print_options, target_options
from harness.cli.verdict import conclude
from harness.errors import AnswerError, Failure, Layer, TransportError, UsageError
from harness.foreign import Place, harmless
from harness.measure.outcome import Outcome
from harness.routes.route import Route
from harness.wire import Headers

if TYPE_CHECKING:
    from harness.client import GatewayClient
    from harness.routes.answer import Answer
    from harness.settings import Settings, Target
    from harness.transports.exchange import Timeouts

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_NETWORK_VARIABLES = (
    *_PROXY_VARIABLES,
    *(name.lower() for name in _PROXY_VARIABLES),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting: its value for people (None: not set), where it came from, what it is for.

    `remedy` is how to come by a value that is not set and that somebody may want.
    """

    name: str
    value: str | None
    source: str
    meaning: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RouteProbe:
    """What one request to one route came to; `layer` is who refused, None when it was answered."""

    route: str
    answered: bool
    message: str
    layer: str | None = None
    status: int | None = None
    elapsed_ms: float | None = None
    advice: str = ""


@click.command
@target_options("live")
@print_options
def command(*, target: str, header: Headers, quiet: bool, json: bool) -> None:
    """Check settings and reachability, and say what is missing and how to set it.

    Sends one request of one token to each declared route, then four more small ones that show
    whether the gateway caches or holds streams back. Exit code 0: every route answers; 2: a
    setting is missing or wrong; 3: a route does not answer, and the layer that refused is named.
    """
    from harness.settings import Kind, load_settings, resolve_target
    from harness.settings.target import choose

    settings = load_settings()
    kind, chosen = choose(target, settings)
    if kind == Kind.MOCK:
        raise UsageError("--target mock serves verify only; use --target local")
    rows = settings_rows(chosen, os.environ)
    show = not (quiet or json)
    if show:
        click.echo(harmless("\n".join(_lines(rows)), Place.TERMINAL, lines=True))
    try:
        resolved = resolve_target(target, settings, headers=header)
    except UsageError as exc:
        _give_up(exc, rows, as_json=json)
    probes, remarks = _probe_all(resolved, show=show)
    refused = [probe for probe in probes if not probe.answered]
    conclude(
        "unknown" if refused else "pass",
        reasons=[f"{probe.route}: {probe.message}" for probe in refused],
        summary=f"{len(probes) - len(refused)} of {len(resolved.routes)} routes answer",
        as_json=json,
        target=resolved.describe(),
        settings=[asdict(row) for row in rows],
        routes=[asdict(probe) for probe in probes],
        remarks=remarks,
    )


def settings_rows(chosen: "Settings", environment: Mapping[str, str]) -> list[SettingRow]:
    """A row per setting, then one per network variable that is set."""
    from harness.settings.variables import VARIABLES

    rows = []
    for variable in VARIABLES:
        value = getattr(chosen, variable.key)
        source = chosen.provenance[variable.key]
        shown = "set" if variable.secret else str(value)
        if value is None:
            rows.append(SettingRow(variable.name, None, source, variable.meaning, variable.remedy))
        else:
            rows.append(SettingRow(variable.name, shown, source, variable.meaning))
    rows += [
        SettingRow(name, chosen.secrets.redact(environment[name]), "environment")
        for name in _NETWORK_VARIABLES
        if environment.get(name)
    ]
    return rows


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of aligned columns, the last one as long as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def _lines(rows: Sequence[SettingRow]) -> Iterator[str]:
    """The table, then how to set what is not set."""
    cells = [(row.name, row.value or "not set", row.source if row.value else "") for row in rows]
    yield from table([("setting", "value", "from"), *cells])
    missing = [row for row in rows if row.remedy]
    if missing:
        yield "\nnot set:"
    for row in missing:
        yield f"  {row.name}: {row.meaning}"
        yield f"    {row.remedy}"


def _give_up(exc: UsageError, rows: Sequence[SettingRow], *, as_json: bool) -> None:
    """End with exit code 2; a document with `--json`, or the one line that the border prints."""
    if not as_json:
        raise exc
    conclude(
        "unknown",
        reasons=[str(exc)],
        as_json=True,
        code=2,
        settings=[asdict(row) for row in rows],
    )


def _probe_all(target: "Target", *, show: bool) -> tuple[list[RouteProbe], list[str]]:
    """Every route; then how the gateway is set up, by the first chat route that answers."""
    from harness.cli.stand_in import running

    with running(target) as reached:
        if show:
            named = harmless(f"{reached.name}: {reached.address.base}", Place.TERMINAL)
            click.echo(f"\n{named}")
            for warning in _warnings(reached):
                click.echo(f"warning: {warning}")
        probes = []
        for probe in probe_routes(reached):
            probes.append(probe)
            if show:
                click.echo(f"  {probe.route:<7} {probe.message}")
            if show and probe.advice:
                click.echo(f"  {'':<7} {probe.advice}")
        remarks = []
        for remark in _set_up(reached, probes):
            remarks.append(remark)
            if show:
                click.echo(f"note: {remark}")
        return probes, remarks


def _set_up(target: "Target", probes: Sequence[RouteProbe]) -> Iterator[str]:
    from harness.cli.gateway_setup import findings

    answering = [probe.route for probe in probes if probe.answered and probe.route != Route.MODEL]
    if answering:
        with target.client(timeouts=_timeouts()) as client:
            yield from findings(client, answering[0])


def _warnings(target: "Target") -> Iterator[str]:
    if not target.loopback and target.address.origin.startswith("http://"):
        yield "http:// carries credentials unencrypted"
    if target.expectations.auth and target.credentials.gateway_token is None:
        yield "authentication is declared (GATEWAY_EXPECT_AUTH), but CF_AIG_TOKEN is not set"


def probe_routes(target: "Target") -> Iterator[RouteProbe]:
    """One probe per declared route; after a failure of the network the others are not tried."""
    with target.client(timeouts=_timeouts()) as client:
        for route in target.routes:
            probe = _probe(client, route, target)
            yield _redacted(probe, target)
            if probe.layer == Layer.NETWORK:
                return


def _timeouts() -> "Timeouts":
    from harness.transports.exchange import Timeouts

    return Timeouts(connect=5, first_byte=30, idle=10, total=45)


def _probe(client: "GatewayClient", route: str, target: "Target") -> RouteProbe:
    began = time.monotonic()
    try:
        answer = _ask(client, route)
    except TransportError as exc:
        said = f"{exc.layer}: {exc.kind}: {exc}"
        return RouteProbe(route, False, said, exc.layer, advice=advice.of_transport(exc.kind))
    except AnswerError as exc:
        return _refused(route, exc.failure, target)
    elapsed_ms = round((time.monotonic() - began) * 1e3, 1)
    if answer.outcome != Outcome.OK:
        message = f"status {answer.status}, but the answer is {answer.outcome}"
        return RouteProbe(route, False, message, Layer.EDGE, answer.status, elapsed_ms)
    log = f", log {answer.metadata.log_id}" if answer.metadata.log_id else ""
    message = f"answers: status {answer.status} in {elapsed_ms:.0f} ms{log}"
    return RouteProbe(route, True, message, None, answer.status, elapsed_ms)


def _ask(client: "GatewayClient", route: str) -> "Answer":
    from harness.routes.address import GatewayOptions

    options = GatewayOptions(
        skip_cache=True, collect_log=False, metadata={"gateway_harness": "doctor"}
    )
    if route == Route.MODEL:
        return client.predict({"prompt": "ping", "max_tokens": 1}, options=options)
    return client.chat("ping", route=route, max_tokens=1, options=options)


def _refused(route: str, failure: Failure, target: "Target") -> RouteProbe:
    code = f" code {failure.code}" if failure.code else ""
    message = f"{failure.layer} refused: status {failure.status}{code}: {failure.message}"
    told = advice.of_answer(failure, target)
    return RouteProbe(route, False, message, failure.layer, failure.status, advice=told)


def _redacted(probe: RouteProbe, target: "Target") -> RouteProbe:
    """The probe on one printable line each, without a secret that a server sent back."""
    values: dict[str, Any] = asdict(probe)
    clean = target.secrets.redact(" ".join(probe.message.split()))
    return RouteProbe(**(values | {"message": harmless(clean, Place.TERMINAL, most=300)}))
