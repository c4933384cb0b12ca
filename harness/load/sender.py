"""One logical request: its bytes, its answer read when it is whole, and the row made of both."""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from harness.errors import Layer, TransportError
from harness.load.budget import Reservation
from harness.load.clauses import asked
from harness.load.conversation import Reply
from harness.load.facts import Facts
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import BYTES_PER_TOKEN, Prompt, Prompts
from harness.load.reading import AnswerReading
from harness.load.rows import Row, row, unsent
from harness.load.template import EVENT_ID, SEQ, Template
from harness.load.ticket import Ticket
from harness.load.trace import affinity
from harness.measure.outcome import Outcome
from harness.routes.address import GatewayOptions
from harness.routes.build import build
from harness.routes.record import Record
from harness.routes.route import Route
from harness.settings import Secrets
from harness.settings.redaction import of_headers
from harness.transports.gevent import Conversation, GeventTransport, Held
from harness.wire import End, Headers, Request

AFFINITY = "x-session-affinity"
"""Baseten's field for the requests of one conversation (docs.baseten.co, Model APIs)."""
MOST_KEPT_BYTES = 64 << 20
"""The most that templates may take; those of a larger file of prompts are made again each time."""


class RequestSender:
    """Builds and sends requests of one plan; for one worker process."""

    def __init__(
        self, plan: LoadPlan, identity: Identity, *, worker: str, prompts: Prompts
    ) -> None:
        self.secrets = _secrets(identity)
        self._plan = plan
        self._identity = identity
        self._worker = worker
        self._prompts = prompts
        self._agent = f"gateway-harness-load (Python {platform.python_version()})"
        self._templates: dict[tuple[object, ...], Template] = {}
        self._kept_bytes = 0

    def template(self, ticket: Ticket, transport: GeventTransport) -> Template:
        """The request of a ticket but for its id and number."""
        if ticket.asked is not None:
            return self._make(ticket, transport)
        if self._prompts.each_by_itself:
            return self._make(ticket, transport, nonce=self.event_id(ticket))
        key = (ticket.route, ticket.scenario, *self._prompts.place(ticket.prompt))
        made = self._templates.get(key)
        if made is None:
            made = self._make(ticket, transport)
            if self._kept_bytes < MOST_KEPT_BYTES:
                self._kept_bytes += made.size
                self._templates[key] = made
        return made

    def event_id(self, ticket: Ticket) -> str:
        """The id of a ticket's request, unique in the run and a fresh nonce for its prompt."""
        return f"{self._plan.run_id}-{self._worker}-{ticket.seq}"

    def dropped(self, ticket: Ticket, transport: GeventTransport) -> Row:
        """The row of a request that was due and not sent."""
        event_id = self.event_id(ticket)
        streams = self.template(ticket, transport).streams
        head = head_of(self._plan, self._worker, ticket, event_id, Outcome.DROPPED, streams=streams)
        return unsent(head)

    def begin(self, ticket: Ticket, template: Template, held: Held) -> "RequestAttempt":
        """An attempt at a ticket's request, whose answer counts what it holds in `held`."""
        return RequestAttempt(
            self._plan, self._worker, ticket, template, self.event_id(ticket), held
        )

    def _make(
        self, ticket: Ticket, transport: GeventTransport, *, nonce: str = EVENT_ID
    ) -> Template:
        form = self._plan.form(ticket.route)
        body = self._prompts.body_of(self._asked(ticket), form, nonce=nonce)
        request = self._build(ticket, body, EVENT_ID, SEQ)
        return Template(
            transport.message(request),
            asked(form, body),
            Reservation(len(request.body) // BYTES_PER_TOKEN + 1, self._prompts.most_output(body)),
        )

    def request(self, ticket: Ticket) -> Request:
        """The whole request of a ticket, as its template gives it."""
        event_id = self.event_id(ticket)
        form = self._plan.form(ticket.route)
        body = self._prompts.body_of(self._asked(ticket), form, nonce=event_id)
        return self._build(ticket, body, event_id, str(ticket.seq))

    def _asked(self, ticket: Ticket) -> Prompt:
        return self._prompts.at(ticket.prompt) if ticket.asked is None else ticket.asked

    def _build(self, ticket: Ticket, body: dict[str, Any], event_id: str, seq: str) -> Request:
        plan, credentials = self._plan, self._identity.credentials
        options = self._options(ticket, event_id, seq)
        return build(
            ticket.route,
            plan.address,
            body,
            model_id=plan.model_id or "",
            own_host=plan.form(ticket.route) == Route.MODEL,
            credentials=credentials,
            options=options,
        )

    def _options(self, ticket: Ticket, event_id: str, seq: str) -> GatewayOptions:
        plan = self._plan
        extra = [("User-Agent", self._agent), *self._identity.headers]
        if plan.rid_header is not None:
            extra.append((plan.rid_header, seq))
        session = self._prompts.session(self._asked(ticket))
        if session is not None:
            extra.append((AFFINITY, affinity(plan.run_id, session)))
        return GatewayOptions(
            skip_cache=True if plan.skip_cache else None,
            collect_log=None if plan.collect_log else False,
            event_id=event_id,
            metadata={"run_id": plan.run_id, "scenario": ticket.scenario, "route": ticket.route},
            extra=tuple(extra),
        )


Look = Callable[["RequestAttempt", Facts], None]


class RequestAttempt:
    """One request under way; `layer` is who failed, None when nobody did or nobody can tell."""

    __slots__ = (
        "_plan",
        "_worker",
        "event_id",
        "layer",
        "message",
        "reading",
        "talk",
        "template",
        "text_length",
        "ticket",
    )

    def __init__(
        self,
        plan: LoadPlan,
        worker: str,
        ticket: Ticket,
        template: Template,
        event_id: str,
        held: Held,
    ) -> None:
        self.event_id = event_id
        self.layer: Layer | None = None
        self.text_length = 0
        self.message = template.message(event_id, ticket.seq)
        self.talk = Conversation()
        self.reading = AnswerReading(
            plan.form(ticket.route),
            streams=template.streams,
            held=held,
            whole=plan.store_bodies or ticket.asked is not None,
        )
        self._plan = plan
        self._worker = worker
        self.ticket = ticket
        self.template = template

    def send(self, transport: GeventTransport) -> bool:
        """Send, and wait for the answer; whether it is clear how it ended.

        Else it is to be read by `finish`, at any time: it came whole, as usual ones do.
        """
        transport.converse(self.message, self._plan.timeouts, self.reading, self.talk)
        return not self.reading.unread

    def finish(self, look: Look | None) -> Row:
        """The row of the request; a failure is in it and never raised.

        `look` may note in the facts of a whole answer what it breaks.
        """
        try:
            outcome, said = self._outcome()
        except TransportError as error:
            self.talk.error, self.talk.ended_ns = error, time.monotonic_ns()
            outcome, said = self._outcome()
        return self._row(outcome, said, self.talk.end, look)

    def reply(self) -> Reply:
        """What the answer to a turn of a conversation said; known when it is finished."""
        record = self.reading.record
        if record is None:
            return Reply()
        answer = record.answer(self.talk.end, 0)
        return Reply(answer.text or "", answer.tool_calls)

    def refusal(self) -> Headers | None:
        """The header fields of an answer that a quota refused; None of any other."""
        record = self.reading.record
        limited = record is not None and Outcome.of_status(record.status) is Outcome.RATE_LIMITED
        return record.headers if record is not None and limited else None

    def cancelled(self) -> Row:
        """The row of an attempt that was given up: what had come so far."""
        self.talk.ended_ns = time.monotonic_ns()
        return self._row(Outcome.CANCELLED, "given up at the end of the run", End.OPEN)

    def _row(self, outcome: Outcome, said: str | None, end: End, look: Look | None = None) -> Row:
        head = head_of(
            self._plan,
            self._worker,
            self.ticket,
            self.event_id,
            outcome,
            streams=self.template.streams,
        )
        facts = self.reading.facts()
        if facts is not None:
            self.text_length = facts.text_length
            if look is not None:
                look(self, facts)
        return row(head, self.talk, facts, end, said)

    def _outcome(self) -> tuple[Outcome, str | None]:
        error = self.talk.error
        if error is not None:
            self.layer = error.layer
            return Outcome.of_error(error), str(error)
        outcome = self.reading.outcome(self.talk.end)
        if outcome is None:
            return Outcome.PROTOCOL, "no answer was read"
        if outcome is Outcome.OK:
            return outcome, None
        return self._failed(outcome)

    def _failed(self, outcome: Outcome) -> tuple[Outcome, str | None]:
        record = self.reading.record
        if record is None:
            return outcome, _WORDS.get(outcome)
        if record.failure is not None:
            self.layer = record.failure.layer
            return outcome, record.failure.message
        return outcome, _why(outcome, record)


def head_of(
    plan: LoadPlan, worker: str, ticket: Ticket, event_id: str, outcome: Outcome, *, streams: bool
) -> Row:
    """The start of a ticket's row: what is known without its answer, and how it ended."""
    return (
        plan.run_id,
        worker,
        ticket.seq,
        event_id,
        ticket.scenario,
        ticket.phase,
        ticket.route,
        streams,
        outcome.value,
        ticket.scheduled_ns,
        ticket.stage,
        ticket.question,
        ticket.held_ns,
    )


def _why(outcome: Outcome, record: Record) -> str | None:
    """What is wrong with an answer that no error explains."""
    told = "; ".join(problem.detail for problem in record.problems[:3])
    if told or outcome not in _WORDS:
        return told or None
    return _WORDS[outcome]


_WORDS = {
    Outcome.EMPTY: "the status said success, and no body came",
    Outcome.INCOMPLETE_STREAM: "the stream ended in order before its finish_reason",
}


class Bodies:
    """Keeps prompts and answers where they were asked for, one JSON line per request.

    The file is for its owner alone.
    """

    def __init__(self, path: Path, secrets: Secrets) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file: TextIO = os.fdopen(descriptor, "a", encoding="utf-8")
        self._secrets = secrets

    def add(self, attempt: RequestAttempt) -> None:
        """Write one request's body, and the text or the JSON of its answer."""
        record = attempt.reading.record
        answer = None if record is None else record.answer(attempt.talk.end, 0)
        body = attempt.message.data.partition(b"\r\n\r\n")[2]
        line = {
            "event_id": attempt.event_id,
            "request": body.decode("utf-8", "replace"),
            "text": answer and answer.text,
            "reasoning": answer and answer.reasoning,
            "document": answer and answer.document,
        }
        self._file.write(self._secrets.redact(json.dumps(line)) + "\n")

    def close(self) -> None:
        """Write the rest."""
        self._file.close()


def _secrets(identity: Identity) -> Secrets:
    credentials = identity.credentials
    named = (
        ("BASETEN_API_KEY", credentials.provider_key or ""),
        ("CF_AIG_TOKEN", credentials.gateway_token or ""),
    )
    return Secrets(named) | of_headers(identity.headers)
