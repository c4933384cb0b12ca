"""The load's own way of sending, turned to the reference server: the seam to the engine."""

import os
from dataclasses import replace
from pathlib import Path

from harness.load.asked import prompts_of
from harness.load.calibration import Ask, CalibrationRow
from harness.load.calibration_run import Client
from harness.load.counting import count
from harness.load.plan import Identity, LoadPlan
from harness.load.recorder import Recorder
from harness.load.reference_server import ID_HEADER, SCHEDULE_HEADER
from harness.load.rows import PLACE
from harness.load.sender import RequestSender
from harness.load.tally import RouteTally
from harness.load.ticket import Ticket
from harness.measure.outcome import Outcome
from harness.routes.address import Address
from harness.routes.route import Route
from harness.transports.gevent import GeventTransport, Held
from harness.transports.network import DIRECT

WORKER = "calibration"
_FLUSH_ROWS = 64
_OUTCOME, _SENT, _FIRST, _DONE, _GAPS = (
    PLACE[name] for name in ("outcome", "sent_ns", "first_output_ns", "done_ns", "gap_ms")
)


def open_client(plan: LoadPlan, origin: str) -> Client:
    """A client that builds, sends, reads and records as the load does, without its credentials."""
    return LoadClient(plan, origin)


class LoadClient:
    """Requests of the plan's size to the reference server; the records go to no file."""

    def __init__(self, plan: LoadPlan, origin: str) -> None:
        address = Address(origin, "calibration", "calibration")
        self._plan = replace(plan, address=address, rid_header=ID_HEADER)
        self._senders: dict[Ask, RequestSender] = {}
        self._held = Held()
        self._transport = GeventTransport(network=DIRECT, held=self._held)
        self._recorder = Recorder(Path(os.devnull), str)
        self._tally = RouteTally()

    def send(self, rid: int, ask: Ask) -> CalibrationRow | None:
        """Send one request and read its answer."""
        sender = self._sender(ask)
        ticket = Ticket(rid, Route.NATIVE, WORKER, WORKER)
        template = sender.template(ticket, self._transport)
        attempt = sender.begin(ticket, template, self._held)
        attempt.send(self._transport)
        row = attempt.finish(None)
        self._recorder.add(row)
        if self._recorder.waiting >= _FLUSH_ROWS:
            self._flush()
        if row[_OUTCOME] != Outcome.OK or row[_FIRST] is None:
            return None
        return CalibrationRow(rid, row[_SENT], row[_FIRST], row[_DONE], row[_GAPS])

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._recorder.close()

    def _flush(self) -> None:
        rows = self._recorder.flush()
        if rows is not None:
            count(lambda _: self._tally, rows)

    def _sender(self, ask: Ask) -> RequestSender:
        sender = self._senders.get(ask)
        if sender is None:
            plan = replace(self._plan, stream=ask.stream, stream_share=None, prompts=None)
            identity = Identity(headers=((SCHEDULE_HEADER, ask.schedule),))
            sender = RequestSender(plan, identity, worker=WORKER, prompts=prompts_of(plan))
            self._senders[ask] = sender
        return sender
