"""What the stand-in answers in a mixed session, with each defect and each variant, as digests.

Of the generated defects there are some of each kind, with every route and every occasion.

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
_GENERATED = """
    drop:plain.choices.0.message@compat/always drop:envelope.success@native/always
    null:every.choices.0.delta.role@all/streams null:last.object@all/every-5
    text:plain.usage.completion_tokens@all/every-3 number:middle.usage@all/every-5
    object:finish.choices@all/after-error list:refusal.message@all/always
    empty:first.choices@native/large-request other:usage.usage.total_tokens@all/in-company
    double:plain.choices.0.message.content@all/plain case:last.id@all/always
    trim:every.choices.0.delta.content@compat/always escaped:predict.output@model/every-3
    twice:last.choices.0.delta.content@native/large-answer event-drop:before-finish@all/non-ascii
    event-twice:finish@all/plain event-swap:before-finish@native/every-3
    event-last:calls@all/streams event-first:done@all/large-answer event-halve:usage@all/after-error
    event-glue:usage@all/with-tools event-unlabel:text@native/every-3
    event-hold:first@all/after-error event-stall:finish@all/always event-cut:second@native/every-5
    event-foreign:text@all/every-3 byte-cut:50@all/in-company byte-flip:99@model/streams
    byte-nul:0@all/always byte-junk:25@compat/with-tools block-twice:75@compat/plain
    body-latin1:body@all/with-tools body-utf16:body@native/non-ascii
    body-empty:body@compat/large-answer broken-off:90@all/after-error
    header-drop:cf-aig-request-id@all/every-3 header-garble:x-baseten-request-id@all/large-request
    header-twice:cf-aig-event-id@model/every-5 header-stale:cf-aig-log-id@all/in-company
    header-fixed:cf-ray@native/always status-204:envelope@all/always
    status-422:stream@native/in-company status-502:ok@model/every-3
    label-octets:refusal@native/after-error label-html:stream@all/every-5
    encoding-claimed:ok@all/in-company sent-drop:temperature@all/always
    sent-list:messages.last.content@native/plain sent-double:max_tokens@compat/every-3
    messages-merged:messages@all/every-3 messages-system-added:messages@all/plain
    default:tool_choice@all/with-tools clamp:max_tokens@native/streams
    option-ignored:authorization@compat/every-5 option-scaled:cf-aig-request-timeout@all/plain
    key-ignores:authorization@all/always key-ignores:end@all/large-request
    key-ignores:spaces@all/every-3 cache-never-read:gateway@all/every-3
    cache-never-written:gateway@compat/always cache-writes-all:gateway@all/with-tools
    cache-ttl-third:gateway@native/every-5 limit-plus-one:gateway@all/every-3
    limit-closed:gateway@native/streams limit-counts-twice:gateway@compat/every-5
    token-open:gateway@all/every-3 token-shut:gateway@native/plain
    key-replaced:gateway@native/every-5 key-lost:gateway@all/with-tools empty-calls:1-of-2@all
    empty-calls:22-of-51@compat
"""


def golden() -> dict[str, str]:
    """The digests that were taken for right, by `clean`, defect, or `variant:` and its name."""
    found: dict[str, str] = json.loads(FILE.read_text())
    return found


def names() -> list[str]:
    """Everything that has a digest."""
    return [CLEAN, *EVERY, *(f"variant:{name}" for name in VARIANTS), *_GENERATED.split()]


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
