"""One contract run from options to verdict: what the pytest suite in `contracts/` drives."""

import re
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from harness.contract import documents, examples, standin
from harness.contract.budget import Budget
from harness.contract.clause import Clause, Profile
from harness.contract.clauses.catalogue import CLAUSES
from harness.contract.exploration import Exploration
from harness.contract.ledger import Ledger
from harness.contract.observation import Observation
from harness.contract.recording import behaviour_of, document_of, drift, read_recording
from harness.contract.reproduction import Redact
from harness.contract.sender import Sender
from harness.contract.subject import LONGEST_WINDOW_S, Clock, Subject
from harness.contract.veil import veil
from harness.contract.verdict import Verdict, conclude
from harness.contract.waivers import apply, read_waivers
from harness.transports.exchange import Timeouts
from harness.transports.httpx import HttpxTransport

Mode = Literal["pr", "nightly", "live"]
DEFAULT_REQUESTS = 300
PACE_PER_MINUTE = 120
"""Requests a minute on a live target without a declared limit: the documented one of Baseten."""
WINDOWS = 12
"""So many windows of a declared limit pass, at most, while it is judged."""
SECONDS = {"mock": 600.0, "local": 90.0, "live": 900.0}
"""How long a run may take, by the kind of target; others have the time of `local`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run.

    `kind` is mock, local, live, named or url; `paid` whether requests may cost money. `out` None
    writes nothing. `dollars_per_token` is what bounds a cost. `summary` is appended to, `examples`
    keeps the failing cases of earlier runs, `patience` scales every limit of time.
    """

    kind: str = "mock"
    paid: bool = False
    profile: str = "all"
    mode: Mode = "pr"
    strict: bool = False
    required: tuple[str, ...] = ()
    max_requests: int = DEFAULT_REQUESTS
    max_tokens: int | None = None
    max_cost: float | None = None
    dollars_per_token: float = 0.0
    seed: int = 0
    defect: str | None = None
    waivers: Path | None = None
    out: Path | None = None
    junit: Path | None = None
    record: Path | None = None
    against: Path | None = None
    summary: Path | None = None
    examples: Path | None = None
    patience: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found: the ledger, the verdict and the document of `conformance.json`."""

    ledger: Ledger
    verdict: Verdict
    document: dict[str, Any]


def chosen(profile: str) -> tuple[Clause, ...]:
    """The clauses of a profile: `core`, `extended` (what core leaves out) or `all`."""
    if profile == "all":
        return CLAUSES
    return tuple(clause for clause in CLAUSES if clause.profile == Profile(profile))


def perform(
    subject: Subject, options: Options, *, pairs: Iterable[tuple[str, str]], redact: Redact
) -> Outcome:
    """Run the clauses of `pairs` (clause id and route) and write what `options.out` asks for."""
    redact = _servable(redact, options)
    waivers = read_waivers(options.waivers, CLAUSES) if options.waivers else ()
    recorded = read_recording(options.against) if options.against else None
    run_id = f"contract-{uuid.uuid4().hex[:12]}"
    found = _explore(subject, options, pairs=pairs, run_id=run_id)
    complaints = apply(waivers, found.ledger, today=datetime.now(UTC).date())
    veil(found.ledger, redact)
    verdict = conclude(
        found.ledger,
        strict=options.strict,
        required=options.required,
        stopped=found.stopped,
        complaints=complaints,
        left_out=_left_out(found.ledger, options),
    )
    about = _about(options, run_id) | {"behaviour": behaviour_of(found.seen)}
    if recorded is not None:
        about["drift"] = drift(recorded, found.seen)
    document = documents.conformance(
        found.ledger, verdict, budget=found.budget, about=about, redact=redact, seen=found.seen
    )
    _write(options, found, document, redact)
    return Outcome(found.ledger, verdict, document)


def _left_out(ledger: Ledger, options: Options) -> int:
    """How many clauses, counted once a route, of the profile were not selected."""
    return sum(len(clause.routes) for clause in chosen(options.profile)) - len(ledger.entries)


@dataclass(frozen=True, slots=True)
class _Explored:
    """What was sent and judged, before there is a verdict."""

    ledger: Ledger
    seen: tuple[Observation, ...]
    budget: Budget
    stopped: str


def _explore(
    subject: Subject, options: Options, *, pairs: Iterable[tuple[str, str]], run_id: str
) -> _Explored:
    budget = Budget(
        options.max_requests, options.max_tokens, options.max_cost, options.dollars_per_token
    )
    with senders(subject, options, budget, run_id) as (sender, limited):
        ledger = _ledger(pairs, sender, limited)
        deadline_ns = sender.clock.now_ns() + int(_seconds(subject, options) * 1e9)
        for each in filter(None, (sender, limited)):
            each.deadline_ns = deadline_ns
        exploration = Exploration(
            sender,
            ledger,
            seed=options.seed,
            drawn=_drawn(options),
            deadline_ns=deadline_ns,
            limited=limited,
            reductions=4 if options.paid else 24,
        )
        unsent = examples.send(options.examples, sender)
        exploration.run()
    examples.save(options.examples, ledger, unsent)
    others = () if limited is None else limited.seen
    return _Explored(ledger, (*sender.seen, *others), budget, exploration.stopped)


def _write(options: Options, found: _Explored, document: dict[str, Any], redact: Redact) -> None:
    """Write what the options ask for."""
    if options.record is not None:
        documents.write_json(options.record, document_of(found.seen))
    if options.out is not None:
        junit = options.junit or options.out / "junit.xml"
        documents.write(options.out, found.ledger, document, redact=redact, junit_at=junit)
    if options.summary is not None:
        documents.append(options.summary, documents.markdown(found.ledger, document, redact))


@contextmanager
def senders(
    subject: Subject, options: Options, budget: Budget, run_id: str
) -> Iterator[tuple[Sender, Sender | None]]:
    """The sender of the run, and for an embedded stand-in a second one with a rate limit."""
    if options.kind in ("mock", "local"):
        start = standin.mock if options.kind == "mock" else standin.local
        with start(subject, defect=options.defect, seed=options.seed) as embedded:
            timeouts = _timeouts(options)
            parts = (embedded.transport, embedded.clock, budget, run_id, timeouts)
            yield Sender(embedded.subject, *parts), Sender(embedded.limited, *parts)
        return
    clock = Clock(time.monotonic_ns, time.sleep)
    with HttpxTransport() as transport:
        sender = Sender(subject, transport, clock, budget, run_id, _timeouts(options))
        sender.interval_s = _interval(subject, options)
        yield sender, None


SERVED = "http://127.0.0.1:8787"
"""Where reproductions find an embedded stand-in, which is gone when the run has ended."""
_ORIGINS = re.compile(rf"{re.escape(standin.MOCK)}|{re.escape(standin.MOCK_LIMITED)}")
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:\d+")


def _servable(redact: Redact, options: Options) -> Redact:
    """Redaction that also puts the address of `serve --port 8787` in place of a stand-in's."""
    if options.kind not in ("mock", "local"):
        return redact
    origins = _ORIGINS if options.kind == "mock" else _LOOPBACK
    return lambda text: redact(origins.sub(SERVED, text))


def _ledger(pairs: Iterable[tuple[str, str]], sender: Sender, limited: Sender | None) -> Ledger:
    wanted = set(pairs)
    ledger = Ledger(CLAUSES, ("native", "compat", "model"), wanted=wanted)
    for entry in ledger.entries.values():
        judged = limited if limited is not None and "rate" in entry.clause.needs else sender
        entry.lacks = judged.subject.lacks(entry.clause, entry.route, clock=sender.clock)
    return ledger


def _timeouts(options: Options) -> Timeouts:
    """Generous on a live target, where a model may be cold; elsewhere a run has to end soon."""
    live = options.kind == "live" or options.paid
    connect, first_byte, idle, total = (10, 60, 30, 180) if live else (5, 15, 8, 30)
    by = options.patience
    return Timeouts(
        connect=connect * by, first_byte=first_byte * by, idle=idle * by, total=total * by
    )


def _interval(subject: Subject, options: Options) -> float:
    """Seconds between two requests: the declared limit, else the documented one where it costs."""
    if subject.rate_limit is not None:
        requests, seconds = subject.rate_limit
        return seconds / requests
    return 60 / PACE_PER_MINUTE if options.paid else 0.0


def _seconds(subject: Subject, options: Options) -> float:
    """The time for a run: with a declared limit also what pacing and its windows take."""
    seconds = SECONDS["live"] if options.paid else SECONDS.get(options.kind, SECONDS["local"])
    if options.kind not in ("mock", "local") and subject.rate_limit is not None:
        window_s = min(subject.rate_limit[1], LONGEST_WINDOW_S)
        seconds += options.max_requests * _interval(subject, options) + WINDOWS * window_s
    return seconds * options.patience


def _drawn(options: Options) -> int:
    """Drawn requests per chat route; none where they cost money."""
    if options.profile == "core":
        return 0
    return {"pr": 20, "nightly": options.max_requests, "live": 0}[options.mode]


def _about(options: Options, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "target_kind": options.kind,
        "profile": options.profile,
        "mode": options.mode,
        "strict": options.strict,
        "seed": options.seed,
        "defect": options.defect,
        "serve": _serve(options),
    }


def _serve(options: Options) -> str | None:
    """The command that serves the stand-in of an embedded run again."""
    if options.kind not in ("mock", "local"):
        return None
    defect = f" --defect {options.defect}" if options.defect else ""
    return f"gateway-harness serve --port 8787 --auth --cache-ttl {standin.CACHE_TTL_S}{defect}"
