"""`gateway-harness doctor`: what is set and from where, what is missing, and who answers.

No secret is printed, only whether one is set. The probe is one small request per declared route.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import print_options, target_options
from harness.cli.verdict import conclude
from harness.errors import AnswerError, Failure, Layer, TransportError, TransportKind, UsageError
from harness.foreign import Place, harmless
from harness.wire import Headers

if TYPE_CHECKING:
    from harness.client import GatewayClient
    from harness.routes.answer import Answer
    from harness.settings import Settings, Target

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_NETWORK_VARIABLES = (
    *_PROXY_VARIABLES,
    *(name.lower() for name in _PROXY_VARIABLES),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its value for people (None: not set), where it came from, what it is for.

    `remedy` is how to come by a value that is not set and that somebody may want.
    """

    name: str
    value: str | None
    source: str
    meaning: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
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

    Sends one request of one token to each declared route. Exit code 0: every route answers; 2: a
    setting is missing or wrong; 3: a route does not answer, and the layer that refused is named.
    """
    from harness.settings import load_settings, resolve_target
    from harness.settings.target import choose

    settings = load_settings()
    kind, chosen = choose(target, settings)
    if kind == "mock":
        raise UsageError("--target mock serves verify only; use --target local")
    rows = settings_rows(chosen, os.environ)
    show = not (quiet or json)
    if show:
        click.echo(harmless("\n".join(_lines(rows)), Place.TERMINAL, lines=True))
    try:
        resolved = resolve_target(target, settings, headers=header)
    except UsageError as exc:
        _give_up(exc, rows, as_json=json)
    probes = _probe_all(resolved, show=show)
    refused = [probe for probe in probes if not probe.answered]
    conclude(
        "unknown" if refused else "pass",
        reasons=[f"{probe.route}: {probe.message}" for probe in refused],
        summary=f"{len(probes) - len(refused)} of {len(resolved.routes)} routes answer",
        as_json=json,
        target=resolved.describe(),
        settings=[asdict(row) for row in rows],
        routes=[asdict(probe) for probe in probes],
    )


def settings_rows(chosen: "Settings", environment: Mapping[str, str]) -> list[Row]:
    """A row per setting, then one per network variable that is set."""
    from harness.settings.variables import VARIABLES

    rows = []
    for variable in VARIABLES:
        value = getattr(chosen, variable.key)
        source = chosen.provenance[variable.key]
        shown = "set" if variable.secret else str(value)
        if value is None:
            rows.append(Row(variable.name, None, source, variable.meaning, variable.remedy))
        else:
            rows.append(Row(variable.name, shown, source, variable.meaning))
    rows += [
        Row(name, chosen.secrets.redact(environment[name]), "environment")
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


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table, then how to set what is not set."""
    cells = [(row.name, row.value or "not set", row.source if row.value else "") for row in rows]
    yield from table([("setting", "value", "from"), *cells])
    missing = [row for row in rows if row.remedy]
    if missing:
        yield "\nnot set:"
    for row in missing:
        yield f"  {row.name}: {row.meaning}"
        yield f"    {row.remedy}"


def _give_up(exc: UsageError, rows: Sequence[Row], *, as_json: bool) -> None:
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


def _probe_all(target: "Target", *, show: bool) -> list[Probe]:
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
        return probes


def _warnings(target: "Target") -> Iterator[str]:
    if not target.loopback and target.address.origin.startswith("http://"):
        yield "http:// carries credentials unencrypted"
    if target.expectations.auth and target.credentials.gateway_token is None:
        yield "authentication is declared (GATEWAY_EXPECT_AUTH), but CF_AIG_TOKEN is not set"


def probe_routes(target: "Target") -> Iterator[Probe]:
    """One probe per declared route; after a failure of the network the others are not tried."""
    from harness.transports.exchange import Timeouts

    timeouts = Timeouts(connect=5, first_byte=30, idle=10, total=45)
    with target.client(timeouts=timeouts) as client:
        for route in target.routes:
            probe = _probe(client, route)
            yield _redacted(probe, target)
            if probe.layer == Layer.NETWORK:
                return


def _probe(client: "GatewayClient", route: str) -> Probe:
    began = time.monotonic()
    try:
        answer = _ask(client, route)
    except TransportError as exc:
        advice = _TRANSPORT_ADVICE.get(exc.kind, "")
        return Probe(route, False, f"{exc.layer}: {exc.kind}: {exc}", exc.layer, advice=advice)
    except AnswerError as exc:
        return _refused(route, exc.failure)
    elapsed_ms = round((time.monotonic() - began) * 1e3, 1)
    if answer.outcome != "ok":
        message = f"status {answer.status}, but the answer is {answer.outcome}"
        return Probe(route, False, message, Layer.EDGE, answer.status, elapsed_ms)
    log = f", log {answer.metadata.log_id}" if answer.metadata.log_id else ""
    message = f"answers: status {answer.status} in {elapsed_ms:.0f} ms{log}"
    return Probe(route, True, message, None, answer.status, elapsed_ms)


def _ask(client: "GatewayClient", route: str) -> "Answer":
    from harness.routes.address import GatewayOptions

    options = GatewayOptions(
        skip_cache=True, collect_log=False, metadata={"gateway_harness": "doctor"}
    )
    if route == "model":
        return client.predict({"prompt": "ping", "max_tokens": 1}, options=options)
    return client.chat("ping", route=route, max_tokens=1, options=options)


def _refused(route: str, failure: Failure) -> Probe:
    code = f" code {failure.code}" if failure.code else ""
    message = f"{failure.layer} refused: status {failure.status}{code}: {failure.message}"
    advice = _answer_advice(failure)
    return Probe(route, False, message, failure.layer, failure.status, advice=advice)


def _answer_advice(failure: Failure) -> str:
    gateway = failure.layer is Layer.GATEWAY
    if gateway and failure.code == "2001":
        return "check CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_GATEWAY_ID: no such gateway"
    if gateway and failure.status == 401:
        return "the gateway has authentication on: set CF_AIG_TOKEN, or check it"
    if failure.status in (401, 403):
        return "check BASETEN_API_KEY, or unset it to use the gateway's stored key"
    if failure.status == 404:
        return "check BASETEN_MODEL and BASETEN_MODEL_ID: the provider has no such model"
    return "it may answer later" if failure.retryable else ""


_TRANSPORT_ADVICE = {
    TransportKind.DNS: "check GATEWAY_BASE_URL, the network, and whether HTTPS_PROXY is needed",
    TransportKind.REFUSED: "nothing listens there; for the stand-in: gateway-harness serve",
    TransportKind.TLS: "if its certificate authority is a private one, name it in SSL_CERT_FILE",
    TransportKind.CONNECT_TIMEOUT: "a firewall, a wrong port, or a port without TLS under https://",
    TransportKind.RESET: "a port with TLS under http://, or a server that gave up",
    TransportKind.PROXY: "check the proxy's variable; to go without one, name the host in NO_PROXY",
}


def _redacted(probe: Probe, target: "Target") -> Probe:
    """The probe on one printable line each, without a secret that a server sent back."""
    values: dict[str, Any] = asdict(probe)
    clean = target.secrets.redact(" ".join(probe.message.split()))
    return Probe(**(values | {"message": harmless(clean, Place.TERMINAL, most=300)}))
