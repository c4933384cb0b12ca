"""`gateway-harness serve`: the stand-in gateway on a port, for anybody's client."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.listing import KINDS, listing
from harness.cli.options import parse_duration
from harness.errors import UsageError

if TYPE_CHECKING:
    import ssl

    from harness.gateway.config import Config
    from harness.settings import Target

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True)
@click.option(
    "--ttft",
    type=parse_duration,
    metavar="TIME",
    default="200ms",
    show_default=True,
    help="Time to first token.",
)
@click.option(
    "--itl",
    type=parse_duration,
    metavar="TIME",
    default="20ms",
    show_default=True,
    help="Time between tokens.",
)
@click.option(
    "--tokens",
    type=click.IntRange(1, 100_000),
    default=64,
    show_default=True,
    help="Length of an answer.",
)
@click.option("--auth", is_flag=True, default=None, help="Demand the gateway token.")
@click.option(
    "--cache-ttl", type=click.IntRange(min=0), metavar="S", help="Cache answers for S seconds."
)
@click.option("--rate-limit", metavar="N/S", help="Allow N requests in S seconds.")
@click.option(
    "--slots", type=click.IntRange(1, 100_000), metavar="N", help="Serve N requests at once."
)
@click.option(
    "--queue",
    type=click.IntRange(0, 1_000_000),
    metavar="M",
    help="With --slots: let M wait, and refuse the next with 529.  [default: any number]",
)
@click.option(
    "--overhead",
    type=parse_duration,
    default="0ms",
    show_default=True,
    metavar="TIME",
    help="What the gateway itself adds to each answer.",
)
@click.option("--behaviour", type=_FILE, metavar="FILE", help="Do what is undocumented as in FILE.")
@click.option("--defect", metavar="NAME", help="Break the contract in one way.")
@click.option("--variant", metavar="NAME", help="Answer in one unusual, legal way.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option(
    "--list",
    "listed",
    type=click.Choice(KINDS),
    help="List what it can do, of WORD if given, and end.",
)
@click.option("--tls-cert", type=_FILE, metavar="FILE", help="Serve https with this certificate.")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="The certificate's key.")
@click.argument("word", required=False, metavar="[WORD]")
def command(port: int, listed: str | None, word: str | None, **options: Any) -> None:
    """Serve the stand-in gateway on 127.0.0.1 until Ctrl-C.

    Its identity comes from the settings, with the defaults acc, gw, baseten-key, gateway-token
    (with --auth) and abcd1234. The first line of output is `listening on URL`.
    """
    if listed is not None:
        click.echo(listing(listed, word or ""))
        return
    if word is not None:
        raise UsageError(f"{word}: serve takes a word only with --list {'|'.join(KINDS)}")
    import asyncio

    from harness.defects.make import make_gateway
    from harness.gateway.server import raise_descriptor_limit, serve
    from harness.gateway.server.eventloop import new_event_loop

    target = _target(options)
    config = _config(target, options)
    gateway = make_gateway(config, defect=options["defect"], variant=options["variant"])
    tls = _tls(options["tls_cert"], options["tls_key"])

    def say(url: str) -> None:
        click.echo(f"listening on {url}")
        click.echo(_welcome(target.at(url), config, options["tls_cert"]))

    raise_descriptor_limit()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(gateway, port=port, tls=tls, on_listening=say))


def _target(options: Mapping[str, Any]) -> "Target":
    """The identity in the settings; the flags declare how the gateway is set up."""
    from harness.settings import load_settings, resolve_target

    flags = {f"expect_{name}": options[name] for name in ("auth", "cache_ttl", "rate_limit")}
    return resolve_target("local", load_settings(flags=flags))


def _config(target: "Target", options: Mapping[str, Any]) -> "Config":
    from harness.cli.stand_in import configure
    from harness.gateway.behaviour import Behaviour
    from harness.gateway.config import ANY_NUMBER
    from harness.gateway.recording import read_behaviour
    from harness.gateway.timing import Timing
    from harness.routes.route import ROUTES

    path, defect = options["behaviour"], options["defect"]
    if options["queue"] is not None and options["slots"] is None:
        raise UsageError("--queue needs --slots: without slots nobody waits")
    config = replace(
        configure(target, seed=options["seed"]),
        timing=Timing(
            ttft_ns=options["ttft"],
            itl_ns=options["itl"],
            tokens=options["tokens"],
            route_extra_ns=tuple((route, options["overhead"]) for route in ROUTES),
        ),
        slots=options["slots"],
        queue=ANY_NUMBER if options["queue"] is None else options["queue"],
        behaviour=read_behaviour(path) if path else Behaviour(),
    )
    if not defect:
        return config
    from harness.defects.table import suited

    return suited(config, defect)


def _tls(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UsageError("--tls-cert and --tls-key go together")
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as exc:
        raise UsageError(f"--tls-cert {certificate}, --tls-key {key}: {exc}") from exc
    return context


def _welcome(target: "Target", config: "Config", certificate: Path | None) -> str:
    """Who the stand-in is and a request that it answers; a secret that was set stays unseen."""
    from harness.settings.target import STAND_IN_PROVIDER_KEY, STAND_IN_TOKEN

    address = target.address
    key = _shown(config.provider_key, STAND_IN_PROVIDER_KEY, "$BASETEN_API_KEY")
    token = _shown(config.gateway_token, STAND_IN_TOKEN, "$CF_AIG_TOKEN")
    auth = f' -H "cf-aig-authorization: Bearer {token}"' if config.gateway_token else ""
    trust = f" --cacert {certificate}" if certificate else ""
    question = {"model": target.model, "messages": [{"role": "user", "content": "Hi"}]}
    lines = [
        f"account {address.account_id}, gateway {address.gateway_id}, model id {target.model_id}",
        f"provider key {key}, gateway token {token if auth else 'not asked for'}",
        f"try: curl{trust} {address.base}/baseten/v1/chat/completions \\",
        f'  -H "Authorization: Bearer {key}" -H "Content-Type: application/json"{auth} \\',
        f"  -d {shlex.quote(json.dumps(question))}",
        (
            f"without the gateway: {address.provider}; "
            f"requests seen: {address.origin}/__harness/log; Ctrl-C stops"
        ),
    ]
    return "\n".join(lines)


def _shown(secret: str | None, public: str, variable: str) -> str:
    return public if secret == public else variable
