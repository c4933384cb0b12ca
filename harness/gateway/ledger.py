"""The server's own record of every request that reached the model and how its answer ended."""

import dataclasses
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.wire import Request, Response

_KEPT = 1_000_000


@dataclass(slots=True)
class Seen:
    """One request and its delivery; `end` is None while the answer is being sent.

    `end` is a `wire.End` value, or `disconnected` when the client left before. `late_ns` is how far
    the worst piece was behind its schedule, a slow reader's waiting included. `arrived_ns` and
    `ended_ns` are CLOCK_MONOTONIC. `entry` is what the model logged about the request.
    """

    seq: int
    method: str
    path: str
    status: int
    arrived_ns: int
    entry: object = None
    end: str | None = None
    sent_bytes: int = 0
    late_ns: int = 0
    ended_ns: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The facts of the model's entry, then those of the delivery, ready for JSON."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "entry"]
        facts = _facts(self.entry)
        own = {name: getattr(self, name) for name in names}
        return {**facts, **own, "generated_until_ns": self._generated_until_ns(facts)}

    def _generated_until_ns(self, facts: Mapping[str, Any]) -> int | None:
        """When the provider stopped working: at the answer's end, or when its client left."""
        if "at_ns" not in facts or "end_ns" not in facts:
            return None
        planned_ns: int = self.arrived_ns + facts["end_ns"] - facts["at_ns"]
        left = self.end == "disconnected" and facts.get("stops_with_client", True)
        return min(planned_ns, self.ended_ns) if left and self.ended_ns else planned_ns


class RequestLog:
    """The last million requests in order of arrival; `refused` counts what was no request."""

    def __init__(self) -> None:
        self.seen: deque[Seen] = deque(maxlen=_KEPT)
        self.requests = 0
        self.refused = 0

    def record(
        self, request: Request, response: Response, *, arrived_ns: int, entry: object
    ) -> Seen:
        """Note a request that the model has just answered."""
        seen = Seen(
            seq=self.requests,
            method=request.method,
            path=request.path,
            status=response.status,
            arrived_ns=arrived_ns,
            entry=entry,
        )
        self.requests += 1
        self.seen.append(seen)
        return seen

    def lines(self, first: int = 0) -> bytes:
        """The record from the request number `first` on, one JSON line per request."""
        return b"".join(_line(item) for item in self.seen if item.seq >= first)


def _line(item: Seen) -> bytes:
    return json.dumps(item.as_dict(), default=str).encode() + b"\n"


def _facts(entry: object) -> dict[str, Any]:
    if dataclasses.is_dataclass(entry) and not isinstance(entry, type):
        return dataclasses.asdict(entry)
    return dict(entry) if isinstance(entry, dict) else {}
