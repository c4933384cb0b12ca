"""What the stand-in answers in a mixed session, with each defect and each variant, as digests.

A change that only moves code leaves every digest as it is:

    python -m tests.gateway.golden          # which differ from golden.json; a few minutes
    python -m tests.gateway.golden --write  # take what is answered now for right
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path

from harness.defects.make import make_gateway
from harness.defects.table import EVERY, suited
from harness.defects.variants import VARIANTS
from harness.gateway.config import Config, RateLimit
from harness.gateway.model import Gateway
from harness.wire import Response
from tests.gateway.session import play

FILE = Path(__file__).with_name("golden.json")
CLEAN = "clean"


def golden() -> dict[str, str]:
    """The digests that were taken for right, by `clean`, defect, or `variant:` and its name."""
    found: dict[str, str] = json.loads(FILE.read_text())
    return found


def names() -> list[str]:
    """Everything that has a digest."""
    return [CLEAN, *EVERY, *(f"variant:{name}" for name in VARIANTS)]


def digest(name: str) -> str:
    """The bytes, times and ends of every answer of the session, and what the provider was sent."""
    found = sha256()
    gateway = _gateway(name)
    for response in play(gateway):
        for part in _parts(response):
            found.update(part)
    for entry in gateway.log:
        sent = entry.altered, entry.forwarded, entry.passed_headers, entry.stops_with_client
        found.update(repr(sent).encode())
    return found.hexdigest()[:16]


def _gateway(name: str) -> Gateway:
    if name == CLEAN:
        return Gateway()
    variant = name.removeprefix("variant:")
    if variant != name:
        return make_gateway(Config(rate_limit=RateLimit(24, 60)), variant=variant)
    return make_gateway(suited(Config(), name), defect=name)


def _parts(response: Response) -> Iterator[bytes]:
    yield repr((response.status, response.headers.fields, response.head_at_ns)).encode()
    yield repr((response.end.value, response.end_at_ns)).encode()
    for chunk in response.chunks:
        yield b"%d %d " % (chunk.at_ns, len(chunk.data))
        yield chunk.data


def main(*, write: bool) -> int:
    """Compare or write; the number of names that differ."""
    with ProcessPoolExecutor() as pool:
        now = dict(zip(names(), pool.map(digest, names(), chunksize=8), strict=True))
    before = golden() if FILE.exists() else {}
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if write:
        FILE.write_text(json.dumps(now, indent=0) + "\n")
    for name in differing:
        print(name, before.get(name, "is new"), now.get(name, "is gone"))  # noqa: T201
    print(f"{len(now)} digests, {len(differing)} differ")  # noqa: T201
    return len(differing)


if __name__ == "__main__":
    differ = main(write="--write" in sys.argv[1:])
    sys.exit(bool(differ) and "--write" not in sys.argv[1:])
