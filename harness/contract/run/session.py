"""One contract run from options to verdict and files, on a target."""

import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.contract.clause import Clause, Profile
from harness.contract.observation import Observation
from harness.contract.options import RunOptions
from harness.contract.output import files
from harness.contract.output.curl import Redact
from harness.contract.output.recording import behaviour_of, document_of, drift, read_recording
from harness.contract.output.redaction import veil
from harness.contract.output.rows import ClauseRow, by_weight, judged
from harness.contract.output.written import Output, check_writable, put, write_json
from harness.contract.repeat import tables
from harness.contract.repeat.objectives import read_objectives
from harness.contract.repeat.repetition import Repetition, kept_for, repetition_of
from harness.contract.run import examples, standin
from harness.contract.run.budget import Budget
from harness.contract.run.exploration import Exploration
from harness.contract.run.progress import Watch
from harness.contract.run.results import Results, described
from harness.contract.run.sender import Sender
from harness.contract.run.thread import carry_out
from harness.contract.run.verdict import ContractVerdict, conclude
from harness.contract.run.waits import (
    LONGEST_WINDOW_S,
    MOST_IN_A_WINDOW,
    WINDOWS,
    Patience,
    RunClock,
    note_lacking,
)
from harness.contract.run.waivers import apply, draft, read_waivers
from harness.contract.topics.catalogue import CLAUSES
from harness.errors import Failure, UsageError
from harness.routes.route import ROUTES
from harness.settings import Kind, Target
from harness.transports.exchange import Timeouts
from harness.transports.httpx import HttpxTransport

Pair = tuple[str, str]
"""The id of a clause, and a route."""
PACE_PER_MINUTE = 120
"""Requests a minute on a live target without a declared limit: the documented one of Baseten."""
OTHERS = 100
"""Requests that a run needs beside those that use up a rate limit."""
SECONDS = {Kind.MOCK: 600.0, Kind.LOCAL: 90.0, Kind.LIVE: 900.0}
"""How long a run may take, by the kind of target; others on this machine have that of `local`."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run found: the verdict, each clause on each route, and the documents that say so.

    `document` is that of `conformance.json`, `markdown` the page for a pull request.
    `failing` are the clauses that were violated, RECORD never among them, those first that weigh
    most. `explained` has for each failure, by clause and route, what a person needs to know.
    `rates` tells a person what came of repeated requests. `unwritten` says which files could not be
    written, and why. `refused` is the refusal that kept every route from being judged.
    """

    verdict: ContractVerdict
    clauses: tuple[ClauseRow, ...]
    failing: tuple[ClauseRow, ...]
    document: dict[str, Any]
    markdown: str
    explained: Mapping[tuple[str, str], str]
    rates: tuple[str, ...] = ()
    interrupted: bool = False
    unwritten: tuple[str, ...] = ()
    refused: Failure | None = None
    folder: Path | None = None

    def of(self, clause: str, route: str) -> ClauseRow:
        """What was found about a clause on a route; KeyError when it was not selected."""
        found = [each for each in self.clauses if (each.id, each.route) == (clause, route)]
        if not found:
            raise KeyError((clause, route))
        return found[0]


def chosen(profile: str) -> tuple[Clause, ...]:
    """The clauses of a profile: `core`, `extended` (what core leaves out) or `all`."""
    if profile == "all":
        return CLAUSES
    return tuple(clause for clause in CLAUSES if clause.profile == Profile(profile))


def pairs_of(profile: str) -> list[Pair]:
    """Every clause of a profile, by its id, with each of its routes."""
    return [(clause.id, route) for clause in chosen(profile) for route in clause.routes]


def perform(
    target: Target,
    options: RunOptions,
    *,
    pairs: Iterable[Pair] | None = None,
    watch: Watch | None = None,
) -> RunOutcome:
    """Run the clauses of `pairs`, or of the profile, and write what the options ask for.

    `watch` is called twice a second with how far the run is. Ctrl-C ends the run with what was seen
    so far, a second KeyboardInterrupt is raised. UsageError before the first request for a file
    that cannot be read or written.
    """
    redact = _servable(target)
    waivers = read_waivers(options.waivers, CLAUSES) if options.waivers else ()
    recorded = read_recording(options.against) if options.against else None
    _check_outputs(options)
    run_id = f"contract-{uuid.uuid4().hex[:12]}"
    wanted = pairs_of(options.profile) if pairs is None else pairs
    kept = kept_for(options)
    options = replace(options, max_requests=options.max_requests - kept)
    found = _explore(target, options, pairs=wanted, run_id=run_id, kept=kept, watch=watch)
    about = _about(target, options, run_id) | {"interrupted": found.interrupted}
    about |= _told(found, recorded)
    repetition = found.repetition
    about |= {"rates": repetition.document()} if repetition else {}
    complaints = apply(waivers, found.ledger, today=datetime.now(UTC).date())
    veil(found.ledger, redact)
    verdict = conclude(
        found.ledger,
        strict=options.strict,
        required=options.required,
        stopped=found.exploration.stopped,
        complaints=complaints,
        left_out=len(pairs_of(options.profile)) - len(found.ledger.entries),
        bugs=found.exploration.bugs,
        interrupted=found.interrupted,
        objectives=repetition.judged if repetition else (),
    )
    verdict = replace(verdict, reasons=tuple(redact(reason) for reason in verdict.reasons))
    return _written(options, found, verdict, about, redact)


def _patience(options: RunOptions) -> Patience:
    """What the run may wait for: windows are used up three times over."""
    if not options.wait_s:
        return Patience()
    most = max(MOST_IN_A_WINDOW, (options.max_requests - OTHERS) // 4)
    return Patience(options.wait_s, most)


def check_files(options: RunOptions) -> None:
    """UsageError for a file of the options that cannot be read or written."""
    read_objectives(options.threshold)
    if options.waivers is not None:
        read_waivers(options.waivers, CLAUSES)
    if options.against is not None:
        read_recording(options.against)
    _check_outputs(options)


def _check_outputs(options: RunOptions) -> None:
    """UsageError for a file that cannot be written, or that somebody has written waivers into."""
    drafts = options.write_waivers
    if drafts is not None and drafts.exists() and drafts.stat().st_size:
        raise UsageError(f"--write-waivers {drafts}: is there already; drafts go into a new file")
    check_writable(_files(options))


def _files(options: RunOptions) -> tuple[tuple[str, Path | None], ...]:
    """What a run writes beside its folder, with what each is called on a command line."""
    return (
        ("--junit", options.junit),
        ("--write-waivers", options.write_waivers),
        ("--record", options.record),
        ("what failed, for the next nightly run:", options.examples),
    )


def _told(found: "_Explored", recorded: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the target does where nobody documents it, and how that differs from a recording."""
    try:
        about: dict[str, Any] = {"behaviour": behaviour_of(found.seen)}
        if recorded is not None:
            about["drift"] = drift(recorded, found.seen)
    except Exception as bug:  # noqa: BLE001 - no clause rests on it; it is told, and costs exit code 2
        found.exploration.bugs.append(described(bug))
        return {}
    return about


@dataclass(frozen=True, slots=True)
class _Explored:
    """What was sent and judged, before there is a verdict."""

    ledger: Results
    seen: tuple[Observation, ...]
    budget: Budget
    exploration: Exploration
    interrupted: bool
    repetition: Repetition | None = None


def _explore(
    target: Target,
    options: RunOptions,
    *,
    pairs: Iterable[Pair],
    run_id: str,
    kept: int,
    watch: Watch | None,
) -> _Explored:
    budget = Budget(
        options.max_requests, options.max_tokens, options.max_cost, options.dollars_per_token
    )
    with senders(target, options, budget, run_id) as (sender, limited):
        ledger = Results(CLAUSES, ROUTES, wanted=set(pairs))
        beside = limited.target if limited else None
        note_lacking(
            ledger,
            sender.target,
            limited=beside,
            clock=sender.clock,
            patience=_patience(options),
        )
        deadline_ns = sender.clock.now_ns() + int(_seconds(target, options) * 1e9)
        for each in filter(None, (sender, limited)):
            each.deadline_ns = deadline_ns
        exploration = Exploration(
            sender,
            ledger,
            seed=options.seed,
            drawn=_drawn(options),
            deadline_ns=deadline_ns,
            limited=limited,
            reductions=24 if target.loopback else 4,
            earlier=examples.read(options.examples),
        )
        repetition = repetition_of(sender, options, kept) if options.repeat else None
        interrupted = carry_out(exploration, watch, repetition=repetition)
    seen = tuple(each for sender in exploration.senders for each in sender.seen)
    return _Explored(ledger, seen, budget, exploration, interrupted, repetition)


def _written(
    options: RunOptions,
    found: _Explored,
    verdict: ContractVerdict,
    about: Mapping[str, Any],
    redact: Redact,
) -> RunOutcome:
    """The outcome, after everything was written that the options ask for."""
    ledger, output = found.ledger, Output()
    clauses = judged(ledger, redact, found.seen)
    document = files.conformance(clauses, verdict, budget=found.budget, about=about)
    repeated = tables.markdown(found.repetition) if found.repetition else ()
    if options.out is not None:
        junit_at = options.junit
        files.write(
            output, options.out, ledger, document, redact=redact, junit_at=junit_at, more=repeated
        )
    elif options.junit is not None:
        cases = files.junit_of(ledger, document, redact)
        output.write(options.junit, lambda path: put(path, cases))
    if options.write_waivers is not None:
        drafted = draft(clauses, today=datetime.now(UTC).date())
        output.write(options.write_waivers, lambda path: put(path, drafted))
    if options.record is not None:
        output.write(options.record, lambda path: write_json(path, document_of(found.seen)))
    if options.examples is not None:
        unsent = found.exploration.unsent
        output.write(options.examples, lambda path: examples.save(path, ledger, unsent))
    return RunOutcome(
        verdict,
        clauses,
        _failing(ledger, clauses),
        document,
        files.markdown(ledger, document, redact, more=repeated),
        {
            key: files.explain(entry, redact)
            for key, entry in ledger.entries.items()
            if entry.violated
        },
        rates=tuple(tables.lines(found.repetition)) if found.repetition else (),
        interrupted=found.interrupted,
        unwritten=tuple(output.unwritten),
        refused=_refused(found.exploration),
        folder=options.out,
    )


def _refused(exploration: Exploration) -> Failure | None:
    refusals = (each.refused for each in exploration.health.outages.values())
    return next((each for each in refusals if each is not None), None)


def _failing(ledger: Results, clauses: Iterable[ClauseRow]) -> tuple[ClauseRow, ...]:
    found = {(each.id, each.route): each for each in clauses}
    ranked = sorted(ledger.failing(), key=by_weight)
    return tuple(found[entry.clause.id, entry.route] for entry in ranked)


@contextmanager
def senders(
    target: Target, options: RunOptions, budget: Budget, run_id: str
) -> Iterator[tuple[Sender, Sender | None]]:
    """The sender of the run, and for an embedded stand-in a second one with a rate limit."""
    timeouts = _timeouts(target, options)
    if target.embedded:
        start = standin.mock if target.kind is Kind.MOCK else standin.local
        with start(target, defect=options.defect, seed=options.seed) as embedded:
            parts = (embedded.transport, embedded.clock, budget, run_id, timeouts)
            yield Sender(embedded.target, *parts), Sender(embedded.limited, *parts)
        return
    clock = RunClock(time.monotonic_ns, time.sleep)
    with HttpxTransport() as transport:
        sender = Sender(target, transport, clock, budget, run_id, timeouts)
        sender.interval_s = _interval(target)
        yield sender, None


SERVED = "http://127.0.0.1:8787"
"""Where reproductions find an embedded stand-in, which is gone when the run has ended."""
_ORIGINS = re.compile(rf"{re.escape(standin.MOCK)}|{re.escape(standin.MOCK_LIMITED)}")
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:\d+")


def _servable(target: Target) -> Redact:
    """Redaction that also puts the address of `serve --port 8787` in place of a stand-in's."""
    redact = target.secrets.redact
    if not target.embedded:
        return redact
    origins = _ORIGINS if target.kind is Kind.MOCK else _LOOPBACK
    return lambda text: redact(origins.sub(SERVED, text))


def _timeouts(target: Target, options: RunOptions) -> Timeouts:
    """Generous on a live target, where a model may be cold; elsewhere a run has to end soon."""
    live = target.kind is Kind.LIVE or not target.loopback
    connect, first_byte, idle, total = (10, 60, 30, 180) if live else (5, 15, 8, 30)
    by = options.patience
    return Timeouts(
        connect=connect * by, first_byte=first_byte * by, idle=idle * by, total=total * by
    )


def _interval(target: Target) -> float:
    """Seconds between two requests: the declared limit, else the documented one where it costs."""
    limit = target.expectations.rate_limit
    if limit is not None:
        return 1 / limit.per_second
    return 0.0 if target.loopback else 60 / PACE_PER_MINUTE


def _seconds(target: Target, options: RunOptions) -> float:
    """The time for a run: with a declared limit also what pacing and its windows take."""
    kind = target.kind if target.loopback else Kind.LIVE
    seconds = SECONDS.get(kind, SECONDS[Kind.LOCAL])
    limit = target.expectations.rate_limit
    if not target.embedded and limit is not None:
        window_s = min(limit.seconds, max(LONGEST_WINDOW_S, options.wait_s / WINDOWS))
        seconds += options.max_requests * _interval(target) + WINDOWS * window_s
    return seconds * options.patience + options.wait_s


def _drawn(options: RunOptions) -> int:
    """Drawn requests per chat route; none where they cost money."""
    if options.profile == "core":
        return 0
    return {"pr": 20, "nightly": options.max_requests, "live": 0}[options.mode]


def _about(target: Target, options: RunOptions, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "target_kind": target.kind.value,
        "profile": options.profile,
        "mode": options.mode,
        "strict": options.strict,
        "seed": options.seed,
        "defect": options.defect,
        "serve": _serve(target, options),
    }


def _serve(target: Target, options: RunOptions) -> str | None:
    """The command that serves the stand-in of an embedded run again."""
    if not target.embedded:
        return None
    defect = f" --defect {options.defect}" if options.defect else ""
    return f"gateway-harness serve --port 8787 --auth --cache-ttl {standin.CACHE_TTL_S}{defect}"
