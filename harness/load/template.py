"""The bytes of a load's requests: made once per route and prompt, then only what changes is put in.

What changes is the id of the request (in the header and as the nonce of the prompt), its number,
and with them the length.
"""

import re
import uuid
from collections.abc import Callable

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
_LENGTH_FIELD = re.compile(rb"(?<=\r\ncontent-length: )\d+", re.IGNORECASE)


class Template:
    """One request with places for its id and its number.

    `reservation` is the most that it can cost, `case` the request in the words of the contract.
    """

    __slots__ = (
        "_fixed",
        "_ids",
        "_pieces",
        "_places",
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
        self._pieces = _MARKS.split(head + separator + body)
        marks: dict[bytes, Callable[[bytes, bytes], bytes]] = {
            EVENT_ID.encode(): lambda event_id, _: event_id,
            SEQ.encode(): lambda _, seq: seq,
            _LENGTH.encode(): lambda event_id, _: self._length(event_id),
        }
        self._places = [
            (place, marks[piece]) for place, piece in enumerate(self._pieces) if piece in marks
        ]

    def message(self, event_id: str, seq: int) -> Message:
        """The request with its id and number."""
        pieces = self._pieces.copy()
        named, numbered = event_id.encode(), str(seq).encode()
        for place, value in self._places:
            pieces[place] = value(named, numbered)
        return Message(self.origin, b"".join(pieces))

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return sum(map(len, self._pieces))

    def _length(self, event_id: bytes) -> bytes:
        return str(self._fixed + self._ids * len(event_id)).encode()
