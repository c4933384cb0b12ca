"""`gateway-harness verify`: the contract against a target, as a CI step or by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import Common, common
from harness.cli.verdict import conclude
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.run import ContractOutcome
    from harness.load.plan import Caps

SHOWN = 8
REQUESTS = 300
FILE = click.Path(dir_okay=False, path_type=Path)
REQUIRABLE = ("model", "cache", "rate", "auth")


@click.command(
    epilog="Further arguments after -- go to pytest, such as -- -k cache -x.",
)
@common(target="mock", mock=True)
@click.option(
    "--profile",
    type=click.Choice(["core", "extended", "all"]),
    help="Which clauses.  [default: all; core on live]",
)
@click.option(
    "--mode",
    type=click.Choice(["pr", "nightly", "live"]),
    help="pr repeats the same requests, nightly draws new ones, live sends few.",
)
@click.option("--strict", is_flag=True, help="A broken SHOULD fails the run as well.")
@click.option(
    "--require",
    metavar="LIST",
    default="",
    help="Settings that must be declared: model,cache,rate,auth.",
)
@click.option("--waivers", type=FILE, help="Accepted failures with expiry dates (TOML).")
@click.option("--junit", type=FILE, help="Where junit.xml goes.  [default: in --out]")
@click.option("--record", type=FILE, help="Write what the target does where nobody documents it.")
@click.option("--against", type=FILE, help="Compare with an earlier --record file.")
@click.option("--defect", metavar="NAME", help="Break the stand-in, to see the contract catch it.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(*, common: Common, **values: Any) -> None:
    """Check the contract of the three routes against a target, with about 300 requests."""
    from harness.report import manifest

    _check(common, values)
    out, caps = common.make_folder(), _caps(common)
    manifest.start(
        out,
        command="verify",
        target=common.target.describe(),
        settings=common.settings.provenance,
        plan={name: values[name] for name in ("profile", "mode", "strict", "defect")},
        seed=common.seed,
    )
    try:
        found = _run(common, values, out, caps)
    except KeyboardInterrupt:
        manifest.finish(out, verdict="unknown", exit_code=3, reasons=["interrupted"])
        raise
    code, reasons = found.exit_code, found.reasons
    manifest.finish(out, verdict=found.verdict, exit_code=code, reasons=reasons)
    common.say(_failures(found, out))
    for row in found.document.get("drift", ()):
        common.say(f"drift of {row['name']}: {row['recording']} before, {row['target']} now")
    conclude(
        found.verdict,
        reasons=[reason for reason in reasons if common.json or " broken on " not in reason],
        summary=found.line.partition(": ")[2],
        out=out,
        as_json=common.json,
        counts=dict(found.counts),
        clauses=[] if not common.json else [_brief(row) for row in found.failing],
    )


def _run(common: Common, values: Mapping[str, Any], out: Path, caps: "Caps") -> "ContractOutcome":
    from harness.bundled import folder
    from harness.contract.run import run_contract

    shown = bool(values["pytest_args"]) and not (common.json or common.quiet)
    return run_contract(
        common.target.name,
        suite=folder("contracts"),
        folder=out,
        max_requests=common.max_requests,
        max_total_tokens=caps.total_tokens,
        max_cost=caps.cost,
        seed=common.seed,
        headers=common.flag_headers,
        show=shown,
        **{**values, "require": _required(values["require"])},
    )


def _required(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in REQUIRABLE:
            raise UsageError(f"--require {name}: expected some of {', '.join(REQUIRABLE)}")
    return names


def _check(common: Common, values: Mapping[str, Any]) -> None:
    """Everything that can be wrong with the options, before anything is sent or written."""
    _required(values["require"])
    defect = values["defect"]
    if defect is not None:
        from harness.gateway.defects import DEFECTS

        if not common.target.embedded:
            raise UsageError("--defect breaks the embedded stand-in: use --target mock or local")
        DEFECTS.named(defect)
        from harness.contract.power.reference import check_shown

        check_shown(defect)
    if values["waivers"] is not None:
        from harness.contract.clauses.catalogue import CLAUSES
        from harness.contract.waivers import read_waivers

        read_waivers(values["waivers"], CLAUSES)
    if values["against"] is not None:
        from harness.contract.recording import read_recording

        read_recording(values["against"])
    for option in ("junit", "record"):
        _check_writable(option, values[option])


def _check_writable(option: str, path: Path | None) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            pass
    except OSError as exc:
        raise UsageError(f"--{option} {path} cannot be written: {exc.strerror}") from exc


def _caps(common: Common) -> "Caps":
    """What the run may use; on a paid target with defaults, and said before the first request."""
    from harness.load.caps import caps_for
    from harness.load.plan import Caps

    given = Caps(common.max_requests, common.max_total_tokens, common.max_cost)
    target = common.target
    paid = not target.loopback
    caps = caps_for(given, model=target.model, routes=target.routes, paid=paid)
    if paid:
        most = f"at most {common.max_requests or REQUESTS} requests, {caps.total_tokens:,} tokens"
        dollars = "" if caps.cost is None else f", ${caps.cost:.2f}"
        common.say(f"estimate: {most}{dollars} at {target.address.base}")
    return caps


def _failures(found: "ContractOutcome", out: Path) -> str:
    """The failing clauses with statement and evidence, and where to look next."""
    by_clause: dict[str, list[Mapping[str, Any]]] = {}
    for row in found.failing:
        by_clause.setdefault(row["id"], []).append(row)
    if not by_clause:
        return _kept(found) if found.verdict == "pass" else ""
    lines = [line for rows in list(by_clause.values())[:SHOWN] for line in _failure(rows, out)]
    if len(by_clause) > SHOWN:
        lines.append(f"... and {len(by_clause) - SHOWN} more in {out / 'conformance.json'}")
    if found.document.get("serve"):
        lines.append(f"to reproduce, first: {found.document['serve']}")
    return "\n".join(lines)


def _kept(found: "ContractOutcome") -> str:
    """What a pass rests on, in numbers."""
    counts, cost = found.counts, found.document["cost"]
    others = {"recorded": counts["recorded"], "not applicable": counts["not_applicable"]}
    beside = "".join(f", {count} {word}" for word, count in others.items() if count)
    asked = f"{cost['requests']} requests"
    return f"every clause that was exercised was kept: {counts['pass']}{beside}; {asked}"


def _failure(rows: list[Mapping[str, Any]], out: Path) -> list[str]:
    first = rows[0]
    routes = ", ".join(row["route"] for row in rows)
    seen = f"{sum(row['violated'] for row in rows)} of {sum(row['exercised'] for row in rows)}"
    again, failed = (sum(row[name] for row in rows) for name in ("sent_again", "failed_again"))
    repeated = f"; sent again: {failed} of {again} failed" if again else ""
    return [
        f"{first['level']} {first['id']} on {routes}: {first['statement']}",
        f"    {first['evidence'][:300]}",
        f"    seen in {seen}{repeated}",
        f"    reproduce: sh {out / first['capsule'] / 'curl.sh'}",
    ]


def _brief(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "level", "route", "result", "evidence", "capsule")
    return {name: row[name] for name in names}
