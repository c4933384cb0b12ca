"""The bytes of a load's requests: made once per route and prompt, then only what changes is put in.

What changes is the id of the request (in the header and as the nonce of the prompt), its number,
and with them the length.
"""

import re
import uuid

from harness.contract.case import Case
from harness.load.budget import Reservation
from harness.transports.gevent import Message
from harness.transports.gevent.outgoing import Origin

_SALT = uuid.uuid4().hex
EVENT_ID = f"event-{_SALT}"
"""Stands for the id; nothing in it is escaped in JSON or in a header."""
SEQ = f"seq-{_SALT}"
"""Stands for the number, which a header may carry."""
_LENGTH = f"length-{_SALT}"
_MARKS = re.compile(f"({EVENT_ID}|{SEQ}|{_LENGTH})".encode())
_PLACES = {EVENT_ID.encode(): b"%(i)b", SEQ.encode(): b"%(s)d", _LENGTH.encode(): b"%(n)d"}
_LENGTH_FIELD = re.compile(rb"(?<=\r\ncontent-length: )\d+", re.IGNORECASE)


class Template:
    """One request with places for its id and its number.

    `reservation` is the most that it can cost, `case` the request in the words of the contract.
    """

    __slots__ = (
        "_fixed",
        "_format",
        "_ids",
        "case",
        "origin",
        "reservation",
        "streams",
    )

    def __init__(self, message: Message, case: Case, reservation: Reservation) -> None:
        self.case = case
        self.streams = case.stream
        self.origin: Origin = message.origin
        self.reservation = reservation
        head, separator, body = message.data.partition(b"\r\n\r\n")
        head = _LENGTH_FIELD.sub(_LENGTH.encode(), head, count=1)
        self._ids = body.count(EVENT_ID.encode())
        self._fixed = len(body) - self._ids * len(EVENT_ID)
        literal = (head + separator + body).replace(b"%", b"%%")
        self._format = _MARKS.sub(lambda mark: _PLACES[mark[0]], literal)

    def message(self, event_id: str, seq: int) -> Message:
        """The request with its id and number."""
        named = event_id.encode()
        length = self._fixed + self._ids * len(named)
        return Message(self.origin, self._format % {b"i": named, b"s": seq, b"n": length})

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return len(self._format)
