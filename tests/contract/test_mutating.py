"""A proxy replaces one JSON leaf or header in half of the answers: no crash, no wrong pass.

What must be seen is told by a table of its own, not by the clauses: fields that the OpenAI API
documents as required, with their types (platform.openai.com/docs/api-reference/chat/object).
"""

import json
import random
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.exploration import Exploration
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET
from harness.contract.run.verdict import conclude
from harness.contract.run.waits import note_lacking
from harness.contract.topics.catalogue import CLAUSES
from harness.transports.exchange import Exchange, Timeouts
from harness.wire import Chunk, Headers, Request, Response

Path = tuple[str | int, ...]
MOST_S, MOST_BYTES = 60.0, 200_000_000
REQUESTS = 120
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**400, 1.5, "", " stop", "\ud83d", "x" * 100_000, [], {}),
    *([[[[]]]], {"a": {"b": "\x1b[2J"}}, "::error::no"),
)
HEADERS = (
    "content-type",
    "cf-aig-log-id",
    "cf-aig-step",
    "cf-aig-cache-status",
    "content-encoding",
)
FIELDS: tuple[str, ...] = ("", "text/plain", "x" * 10_000, "\x1b[2J", "0, 0")


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


REQUIRED: Mapping[Path, Callable[[Any], bool]] = {
    ("id",): text,
    ("object",): lambda value: value == "chat.completion",
    ("created",): lambda value: whole(value) and value < 10**11,
    ("model",): text,
    ("choices", 0, "index"): lambda value: value == 0 and whole(value),
    ("choices", 0, "message", "role"): lambda value: value == "assistant",
    ("choices", 0, "finish_reason"): lambda value: text(value) and len(value) < 100,
    ("usage", "prompt_tokens"): whole,
    ("usage", "completion_tokens"): whole,
    ("usage", "total_tokens"): whole,
}


def leaves(value: Any, at: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*at, name))
    elif isinstance(value, list):
        for number, part in enumerate(value[:2]):
            yield from leaves(part, (*at, number))
    else:
        yield at


@dataclass
class Mutating:
    """A transport that damages half of what comes back, always in the same place."""

    below: Any
    dice: random.Random
    where: Path | str | None = None
    visible: int = 0
    damaged: int = 0
    value: Any = field(init=False)

    def __post_init__(self) -> None:
        header = self.dice.random() < 0.25
        self.where = self.dice.choice(HEADERS) if header else None
        self.value = self.dice.choice(FIELDS if header else VALUES)

    def send(self, request: Request, **options: Any) -> Exchange:
        found: Exchange = self.below.send(request, **options)
        if found.response is None or self.dice.random() < 0.5:
            return found
        return replace(found, response=self.damage(found.response))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def damage(self, response: Response) -> Response:
        if isinstance(self.where, str):
            self.damaged += 1
            others = [(n, v) for n, v in response.headers if n.lower() != self.where]
            return replace(response, headers=Headers((*others, (self.where, self.value))))
        try:
            document = json.loads(response.body)
        except ValueError:
            return response
        places = list(leaves(document))
        if not isinstance(document, dict) or not places:
            return response
        if self.where is None:
            known = [place for place in places if place in REQUIRED]
            self.where = self.dice.choice(known or places)
        if self.where not in places:
            return response
        self.count(document, response.status)
        put(document, self.where, self.value)
        data = json.dumps(document).encode("utf-8", "surrogatepass")
        at_ns = response.chunks[-1].at_ns
        return replace(response, chunks=(Chunk(data, at_ns),))

    def count(self, document: Mapping[str, Any], status: int) -> None:
        self.damaged += 1
        promised = status == 200 and document.get("object") == "chat.completion"
        required = REQUIRED.get(self.where) if isinstance(self.where, tuple) else None
        if promised and required is not None and not required(self.value):
            self.visible += 1


def put(document: Any, where: Path, value: Any) -> None:
    for part in where[:-1]:
        document = document[part]
    document[where[-1]] = value


@pytest.mark.parametrize("seed", range(20))
def test_damage_never_crashes_a_run_and_never_passes_where_it_was_visible(seed: int) -> None:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with standin.mock(TARGET, seed=seed) as embedded:
        budget, timeouts = Budget(REQUESTS), Timeouts(first_byte=15, idle=8, total=45)
        proxy = Mutating(embedded.transport, random.Random(seed))  # noqa: S311 - no secret
        sender = Sender(embedded.target, proxy, embedded.clock, budget, "test", timeouts)
        ledger = Results(CLAUSES, embedded.target.routes)
        note_lacking(ledger, sender.target, clock=embedded.clock)
        exploration = Exploration(sender, ledger, seed=seed, reductions=0)
        exploration.run()
        found = conclude(ledger, stopped=exploration.stopped, bugs=exploration.bugs)

    assert found.bugs == ()
    assert proxy.damaged > 0
    if proxy.visible > 1:
        assert found.verdict != "pass", f"{proxy.where} = {proxy.value!r}"
    assert time.monotonic() - began < MOST_S
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MOST_BYTES
