"""The load's own way of sending, turned to the reference server: the seam to the engine."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from harness.load.calibration import Ask, Row
from harness.load.calibration_run import Client
from harness.load.plan import Identity, LoadPlan
from harness.load.prompts import Prompts
from harness.load.recorder import Recorder
from harness.load.reference_server import ID_HEADER, SCHEDULE_HEADER
from harness.load.sender import Attempt, Sender, Ticket
from harness.load.tally import RouteTally
from harness.measure.outcome import Outcome
from harness.measure.sample import Sample
from harness.routes.address import Address
from harness.routes.route import Route
from harness.transports.gevent import GeventTransport

WORKER = "calibration"


def open_client(plan: LoadPlan, origin: str) -> Client:
    """A client that builds, sends, reads and records as the load does, without its credentials."""
    return LoadClient(plan, origin)


class LoadClient:
    """Requests of the plan's size to the reference server; the records go to no file."""

    def __init__(self, plan: LoadPlan, origin: str) -> None:
        plan = replace(plan, address=Address(origin, "calibration", "calibration"))
        self._senders = {
            stream: _sender(replace(plan, stream=stream, rid_header=ID_HEADER))
            for stream in (False, True)
        }
        self._transport = GeventTransport(proxies={})
        self._timeouts = plan.timeouts
        self._recorder = Recorder(Path(os.devnull))
        self._tally = RouteTally()

    def send(self, rid: int, ask: Ask) -> Row | None:
        """Send one request and read its answer."""
        sender = self._senders[ask.stream]
        outgoing = sender.prepare(Ticket(rid, Route.NATIVE, WORKER, WORKER))
        headers = outgoing.request.headers.replacing(SCHEDULE_HEADER, ask.schedule)
        outgoing = replace(outgoing, request=replace(outgoing.request, headers=headers))
        attempt = Attempt(sender, outgoing, asked_stream=ask.stream)
        sent = attempt.run(self._transport, self._timeouts)
        self._tally.add(sent.sample, sent.layer)
        self._recorder.add(sent.sample)
        return _row(rid, sent.sample)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._recorder.close()


def _sender(plan: LoadPlan) -> Sender:
    prompts = Prompts(
        model=plan.model,
        stream=plan.stream,
        max_output_tokens=plan.max_output_tokens,
        prompt_tokens=plan.prompt_tokens,
        seed=plan.seed,
    )
    return Sender(plan, Identity(), worker=WORKER, prompts=prompts)


def _row(rid: int, sample: Sample) -> Row | None:
    times = sample.timeline
    if sample.outcome != Outcome.OK or times.first_output_ns is None or times.done_ns is None:
        return None
    outputs = times.outputs_ns
    gaps = [(later - earlier) / 1e6 for earlier, later in pairwise(outputs)]
    return Row(rid, times.sent_ns, times.first_output_ns, times.done_ns, gaps)
