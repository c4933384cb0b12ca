"""Starts the clients that ours is compared with: small locustfiles, and wrk."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.load.prompts import Prompts
from harness.routes import native
from harness.routes.address import Address, GatewayOptions
from harness.routes.route import Route
from tests.bench import machine
from tests.bench.ours import MODEL
from tests.bench.session import WARMUP_S, Cost, Meter, Session

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
USER_AGENT = "gateway-harness-load (Python)"
_MOST_S = 900
_END_S = 20


def locust(session: Session, name: str, *, users: int, stream: bool = False) -> tuple[Cost, Path]:
    """Run a locustfile of `peers`; its cost, and the file that it may have written."""
    folder = session.new_folder()
    env = {
        **environment(),
        "BENCH_REQUEST": str(write_request(session, folder, stream=stream)),
        "BENCH_RECORD": str(folder / "record"),
    }
    command = locust_command(PEERS / f"{name}.py", session.truth.origin, users=users)
    meter = Meter(session.truth, seconds=session.seconds)
    with started(command, folder, env):
        cost = meter.measure()
    return cost, folder / "record"


def locust_command(locustfile: Path, origin: str, *, users: int) -> list[str]:
    """Plain Locust without a page, which ends by itself if nobody ends it."""
    return [
        *(sys.executable, "-m", "locust", "-f", str(locustfile), "--host", origin, "--headless"),
        *("--users", str(users), "--spawn-rate", str(max(users, 1)), "--only-summary"),
        *("--run-time", f"{_MOST_S}s", "--stop-timeout", "3", "--exit-code-on-error", "0"),
    ]


def wrk(session: Session, *, connections: int) -> Cost:
    """Run wrk with one thread; FileNotFoundError where it is not installed."""
    program = shutil.which("wrk")
    if program is None:
        raise FileNotFoundError("wrk is not installed (apt-get install wrk)")
    folder = session.new_folder()
    write_request(session, folder, stream=False)
    length = int(WARMUP_S + session.seconds) + 2
    command = [program, "-t1", f"-c{connections}", f"-d{length}s", "-s", str(PEERS / "post.lua")]
    path = json.loads((folder / "request.json").read_text("utf-8"))["path"]
    meter = Meter(session.truth, seconds=session.seconds)
    env = {**environment(), "BENCH_FOLDER": str(folder)}
    with started([*command, f"{session.truth.origin}{path}"], folder, env):
        return meter.measure()


@contextmanager
def started(
    command: list[str], folder: Path, env: dict[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    """A client in a folder of its own, asked to end afterwards and never left behind."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            machine.bounded(command, _MOST_S),
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment() -> dict[str, str]:
    """Ours, with this folder's code in front, and nothing that steers Locust or the harness."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LOCUST_", "BASETEN_", "CLOUDFLARE_", "CF_AIG_"))
    }
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def write_request(session: Session, folder: Path, *, stream: bool) -> Path:
    """What a user of ours sends, in a file for a client that only repeats it."""
    prompts = Prompts(model=MODEL, stream=stream, max_output_tokens=64, prompt_tokens=64)
    body = prompts.body(Route.NATIVE, index=0, nonce="bench-load-0-0")
    options = GatewayOptions(
        skip_cache=True,
        collect_log=False,
        event_id="bench-load-0-0",
        metadata={"run_id": "bench", "scenario": "native", "route": "native"},
        extra=(("User-Agent", USER_AGENT),),
    )
    request = native.build(Address(session.truth.origin, "acc", "gw"), body, options=options)
    described = {
        "path": request.url.removeprefix(session.truth.origin),
        "headers": dict(request.headers),
        "body": request.body.decode(),
    }
    lines = [f"{name}: {value}" for name, value in request.headers]
    (folder / "headers").write_text("\n".join(lines), encoding="utf-8")
    (folder / "body").write_bytes(request.body)
    file = folder / "request.json"
    file.write_text(json.dumps(described), encoding="utf-8")
    return file
