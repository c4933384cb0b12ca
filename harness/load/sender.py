"""One logical request: built, sent, read as it comes, and made into one sample."""

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from harness.errors import Layer
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import BYTES_PER_TOKEN, Prompts
from harness.measure.outcome import Outcome
from harness.measure.sample import Sample
from harness.measure.timeline import Timeline
from harness.routes import compat, model, native
from harness.routes.address import GatewayOptions
from harness.routes.answer import Answer
from harness.routes.chat import ChatParser
from harness.routes.model import ModelParser
from harness.routes.parse import parser
from harness.routes.route import Route
from harness.settings import Secrets
from harness.settings.redaction import of_headers
from harness.transports.exchange import Exchange, Timeouts
from harness.transports.gevent import GeventTransport
from harness.wire import End, Request

MESSAGE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that is due: `seq` is unique in the run, `scheduled_ns` set in an open loop."""

    seq: int
    route: str
    scenario: str
    phase: str
    scheduled_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready to be sent, and the most tokens that it can cost."""

    ticket: Ticket
    event_id: str
    request: Request
    prompt_tokens: int
    completion_tokens: int


class Sender:
    """Builds and sends requests of one plan; for one worker process."""

    def __init__(
        self, plan: LoadPlan, identity: Identity, *, worker: str, prompts: Prompts
    ) -> None:
        self._plan = plan
        self._identity = identity
        self._worker = worker
        self._prompts = prompts
        self._agent = f"gateway-harness-load (Python {platform.python_version()})"
        self._secrets = _secrets(identity)

    def prepare(self, ticket: Ticket) -> Outgoing:
        """The request of a ticket: a fresh nonce, no cache, no log, marked as ours."""
        event_id = self._event_id(ticket)
        body = self._prompts.body(ticket.route, index=ticket.seq, nonce=event_id)
        request = self._build(ticket, body, event_id)
        prompt_tokens = len(request.body) // BYTES_PER_TOKEN + 1
        return Outgoing(ticket, event_id, request, prompt_tokens, self._prompts.most_output(body))

    def sample(
        self,
        outgoing: Outgoing,
        answer: Answer | None,
        *,
        outcome: str,
        message: str | None,
        sent_ns: int,
    ) -> Sample:
        """The row of a request that has ended."""
        ticket = outgoing.ticket
        if answer is None:
            timeline = Timeline(sent_ns=sent_ns, scheduled_ns=ticket.scheduled_ns)
            return self._sample(outgoing, outcome, timeline, message=message)
        usage = answer.usage
        return self._sample(
            outgoing,
            outcome,
            answer.timeline,
            message=message,
            status=answer.status,
            coalesced=answer.coalesced,
            prompt_tokens=usage and usage.prompt_tokens,
            completion_tokens=usage and usage.completion_tokens,
            reasoning_tokens=usage and usage.reasoning_tokens,
            cached_tokens=usage and usage.cached_tokens,
            finish_reason=answer.finish_reason,
            violations=_violations(answer),
            cache_status=answer.metadata.cache_status,
            log_id=answer.metadata.log_id,
            cf_ray=answer.metadata.cf_ray,
        )

    def dropped(self, ticket: Ticket) -> Sample:
        """The row of a request that was due and not sent."""
        outgoing = Outgoing(ticket, self._event_id(ticket), Request("POST", ""), 0, 0)
        timeline = Timeline(sent_ns=ticket.scheduled_ns or 0, scheduled_ns=ticket.scheduled_ns)
        return self._sample(outgoing, Outcome.DROPPED, timeline)

    def redact(self, text: str) -> str:
        """The text without a secret of this run."""
        return self._secrets.redact(text)

    def _event_id(self, ticket: Ticket) -> str:
        return f"{self._plan.run_id}-{self._worker}-{ticket.seq}"

    def _sample(
        self,
        outgoing: Outgoing,
        outcome: str,
        timeline: Timeline,
        *,
        message: str | None = None,
        **facts: Any,
    ) -> Sample:
        ticket = outgoing.ticket
        if message is not None:
            message = self.redact(message)[:MESSAGE_CHARACTERS]
        return Sample(
            run_id=self._plan.run_id,
            worker=self._worker,
            seq=ticket.seq,
            event_id=outgoing.event_id,
            scenario=ticket.scenario,
            phase=ticket.phase,
            route=ticket.route,
            stream=self._plan.stream,
            outcome=str(outcome),
            timeline=timeline,
            message=message,
            **facts,
        )

    def _build(self, ticket: Ticket, body: Mapping[str, Any], event_id: str) -> Request:
        plan, credentials = self._plan, self._identity.credentials
        options = self._options(ticket, event_id)
        if ticket.route == Route.NATIVE:
            return native.build(plan.address, body, credentials=credentials, options=options)
        if ticket.route == Route.COMPAT:
            return compat.build(plan.address, body, credentials=credentials, options=options)
        return model.build(
            plan.address,
            body,
            model_id=plan.model_id or "",
            credentials=credentials,
            options=options,
        )

    def _options(self, ticket: Ticket, event_id: str) -> GatewayOptions:
        plan = self._plan
        extra = [("User-Agent", self._agent), *self._identity.headers]
        if plan.rid_header is not None:
            extra.append((plan.rid_header, str(ticket.seq)))
        return GatewayOptions(
            skip_cache=True if plan.skip_cache else None,
            collect_log=None if plan.collect_log else False,
            event_id=event_id,
            metadata={"run_id": plan.run_id, "scenario": ticket.scenario, "route": ticket.route},
            extra=tuple(extra),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that has ended: its sample, who failed if anybody did, and the answer if any."""

    sample: Sample
    layer: Layer | None
    answer: Answer | None


class Attempt:
    """One request under way, read as its answer comes."""

    def __init__(self, sender: Sender, outgoing: Outgoing, *, asked_stream: bool) -> None:
        self._sender = sender
        self._outgoing = outgoing
        self._asked_stream = asked_stream
        self._sent_ns = time.monotonic_ns()
        self._reading: ChatParser | ModelParser | None = None

    def run(self, transport: GeventTransport, timeouts: Timeouts) -> Sent:
        """Send and read to the end; a failure is in the result and never raised."""
        exchange = transport.send(
            self._outgoing.request, timeouts=timeouts, listen=self._listen, store=False
        )
        response, answer = exchange.response, None
        if self._reading is not None and response is not None:
            answer = self._reading.finish(response.end, response.end_at_ns)
        outcome, message = _outcome(exchange, answer)
        sample = self._sender.sample(
            self._outgoing, answer, outcome=outcome, message=message, sent_ns=exchange.sent_ns
        )
        return Sent(sample, _layer(exchange, answer), answer)

    def cancelled(self) -> Sent:
        """The result of an attempt that was given up: what had come so far."""
        answer = None
        if self._reading is not None:
            answer = self._reading.finish(End.OPEN, time.monotonic_ns() - self._sent_ns)
        sample = self._sender.sample(
            self._outgoing,
            answer if answer is not None and answer.status else None,
            outcome=Outcome.CANCELLED,
            message="given up at the end of the run",
            sent_ns=self._sent_ns,
        )
        return Sent(sample, None, answer)

    def _listen(self, sent_ns: int) -> ChatParser | ModelParser:
        ticket = self._outgoing.ticket
        self._sent_ns = sent_ns
        self._reading = parser(
            ticket.route,
            sent_ns=sent_ns,
            scheduled_ns=ticket.scheduled_ns,
            asked_stream=self._asked_stream,
            keep_events=False,
        )
        return self._reading


class Bodies:
    """Keeps prompts and answers where they were asked for, one JSON line per request."""

    def __init__(self, path: Path, sender: Sender) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._sender = sender

    def add(self, outgoing: Outgoing, answer: Answer | None) -> None:
        """Write one request's body, and the text or the JSON of its answer."""
        line = {
            "event_id": outgoing.event_id,
            "request": outgoing.request.body.decode("utf-8", "replace"),
            "text": answer and answer.text,
            "reasoning": answer and answer.reasoning,
            "document": answer and answer.document,
        }
        self._file.write(self._sender.redact(json.dumps(line)) + "\n")

    def close(self) -> None:
        """Write the rest."""
        self._file.close()


def _outcome(exchange: Exchange, answer: Answer | None) -> tuple[str, str | None]:
    if exchange.error is not None:
        return Outcome.of_error(exchange.error), str(exchange.error)
    if answer is None:
        return Outcome.PROTOCOL, "no answer was read"
    if answer.failure is not None:
        return answer.outcome, answer.failure.message
    if answer.outcome is Outcome.OK:
        return Outcome.OK, None
    return answer.outcome, "; ".join(problem.detail for problem in answer.problems[:3]) or None


def _layer(exchange: Exchange, answer: Answer | None) -> Layer | None:
    """Who failed; None when nobody did or nobody can tell."""
    if exchange.error is not None:
        return exchange.error.layer
    return None if answer is None or answer.failure is None else answer.failure.layer


def _violations(answer: Answer) -> tuple[str, ...]:
    """What can be checked of the contract at no cost while a load runs."""
    found = {problem.kind.value for problem in answer.problems}
    usage = answer.usage
    if usage is not None and None not in (usage.prompt_tokens, usage.completion_tokens):
        parts = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
        if usage.total_tokens is not None and usage.total_tokens != parts:
            found.add("usage_sum")
    if answer.streamed and answer.route != Route.MODEL and answer.failure is None:
        found |= {"no_done"} if not answer.done else set()
    return tuple(sorted(found))


def _secrets(identity: Identity) -> Secrets:
    credentials = identity.credentials
    named = (
        ("BASETEN_API_KEY", credentials.provider_key or ""),
        ("CF_AIG_TOKEN", credentials.gateway_token or ""),
    )
    return Secrets(named) | of_headers(identity.headers)
