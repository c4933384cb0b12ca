"""Reads one answer of a load: quickly while it is a usual one, else with the parsers of all."""

from harness.load.facts import Facts, facts_of
from harness.load.quick import MOST_KEPT, QuickReading
from harness.measure.outcome import Outcome
from harness.routes.chat import ChatParser
from harness.routes.model import ModelParser
from harness.routes.parse import parser
from harness.routes.record import Record
from harness.routes.route import Route
from harness.transports.gevent import Held
from harness.transports.gevent.incoming import ResponseParser
from harness.transports.gevent.stamps import StampedRead
from harness.wire import End, Response


class AnswerReading:
    """What a transport tells of one answer, read as it comes; `whole` keeps its texts.

    A plain answer that came whole is not read before somebody asks what was in it: `unread`.
    `record` is what the parsers noted, None while they were not needed.
    """

    __slots__ = (
        "_held",
        "_incoming",
        "_kept",
        "_kept_bytes",
        "_parser",
        "_quick",
        "_route",
        "_sent_ns",
        "_streams",
        "_unread",
        "_whole",
        "record",
    )

    def __init__(self, route: str, *, streams: bool, held: Held, whole: bool = False) -> None:
        self.record: Record | None = None
        self._route = route
        self._streams = streams
        self._held = held
        self._whole = whole
        self._sent_ns = 0
        self._unread: list[StampedRead] | None = None
        self._quick: QuickReading | None = None
        self._incoming: ResponseParser | None = None
        self._kept: list[StampedRead] | None = []
        self._kept_bytes = 0
        self._parser: ChatParser | ModelParser | None = None

    @property
    def unread(self) -> bool:
        """Whether the answer has come whole and has not been read."""
        return self._unread is not None

    @property
    def complete(self) -> bool:
        """Whether the answer has ended."""
        if self._quick is not None:
            return self._quick.complete
        if self._incoming is not None:
            return self._incoming.complete
        return self._unread is not None

    @property
    def started(self) -> bool:
        """Whether the head has arrived."""
        if self._quick is not None:
            return bool(self._quick.fields)
        if self._incoming is not None:
            return self._incoming.started
        return self._unread is not None

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request."""
        if self._incoming is not None:
            return self._incoming.reusable
        return self.complete

    @property
    def status(self) -> int | None:
        """The status of an answer that was parsed, as every error is."""
        return None if self._incoming is None else self._incoming.status

    def begin(self, sent_ns: int) -> None:
        """The message has left."""
        self._sent_ns = sent_ns

    def feed(self, arrivals: list[StampedRead], *, plain: bool = False) -> None:
        """Bytes have arrived; `plain`: with them a usual answer that is framed by its length."""
        if self._quick is None and self._incoming is None:
            if plain and self._unread is None:
                self._unread = arrivals
                return
            self._open()
        quick = self._quick
        if quick is not None:
            if quick.feed(arrivals):
                return
            self._quick, arrivals = None, quick.kept
            self._parse()
        self._keep(arrivals)
        if self._incoming is not None:
            for arrival in arrivals:
                self._incoming.feed(*arrival)

    def end_of_stream(self) -> None:
        """The peer has closed its side."""
        if self._incoming is not None:
            self._incoming.end_of_stream()

    def keep_alive(self) -> str | None:
        """The field Keep-Alive."""
        if self._quick is not None:
            value = self._quick.fields.get(b"keep-alive")
            return None if value is None else value.decode("ascii")
        headers = None if self._incoming is None else self._incoming.headers
        return None if headers is None else headers.get("keep-alive")

    def release(self) -> None:
        """Hold nothing more."""
        if self._incoming is not None:
            self._incoming.release()

    def outcome(self, end: End) -> Outcome | None:
        """How an answer that ended like this went; None when no head came."""
        self._read()
        if self._quick is not None and end is End.COMPLETE:
            return self._quick.outcome
        self._settle()
        return None if self.record is None else self.record.outcome(end)

    def facts(self) -> Facts | None:
        """What was noted of it; None when no head came."""
        self._read()
        if self._quick is not None and self._quick.complete:
            return self._quick.facts(asked_stream=self._streams)
        self._settle()
        if self.record is None or self._incoming is None:
            return None
        return facts_of(self.record, self._incoming, asked_stream=self._streams)

    def response(self, sent_ns: int, end: End) -> Response | None:
        """The whole answer once more, for a check; None where too much came to be kept."""
        kept = self._kept if self._quick is None else self._quick.kept
        if not kept:
            return None
        again = ResponseParser(sent_ns=sent_ns)
        for arrival in kept:
            again.feed(arrival.data, arrival.at_ns)
        return again.response(end)

    def _keep(self, arrivals: list[StampedRead]) -> None:
        """Keep what has come for a check, or nothing at all of a long answer."""
        if self._kept is not None:
            self._kept += arrivals
            self._kept_bytes += sum(len(arrival.data) for arrival in arrivals)
            if self._kept_bytes > MOST_KEPT:
                self._kept = None

    def _open(self) -> None:
        """Begin to read, quickly where that is possible."""
        if self._whole or self._route == Route.MODEL:
            self._parse()
        else:
            self._quick = QuickReading(self._sent_ns)

    def _read(self) -> None:
        """Read what came whole; TransportError where it is not what it seemed to be."""
        arrivals, self._unread = self._unread, None
        if arrivals is not None:
            self._open()
            self.feed(arrivals)

    def _parse(self) -> None:
        sent_ns = self._sent_ns
        self._parser = parser(
            self._route,
            sent_ns=sent_ns,
            asked_stream=self._streams,
            keep_events=False,
            keep_text=self._whole,
        )
        self._incoming = ResponseParser(
            sent_ns=sent_ns, listener=self._parser, store=False, held=self._held
        )

    def _settle(self) -> None:
        """Have the parsers say what they noted, also of an answer that broke off."""
        quick = self._quick
        if quick is not None:
            self._quick = None
            self._parse()
            self.feed(quick.kept)
        if self.record is None and self._parser is not None and self.started:
            self.record = self._parser.close()
