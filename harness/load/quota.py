"""Keeps a load below a quota: which request may leave when, and what refusals (429) teach.

Pure: every time is an argument, nanoseconds of CLOCK_MONOTONIC. Requests leave one after another,
evenly at a little less than the limit, because the windows of a quota are not the client's. A limit
that nobody declared is what was let through from one opening of the quota to the next. It is never
raised again while a load runs.
"""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from enum import Enum

from harness.load.ticket import Ticket
from harness.wire import Headers

SHARE = 0.98
"""Of the limit that is used: requests do not arrive as evenly as they leave."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
"""Where a refusal does not say for how long: first so long, then twice as long until this."""
PROBING = 1.0
"""Requests per second while nothing has been let through yet."""
_EPOCH_S = 1e8
"""A larger number of seconds is a date."""
_RESETS = ("x-ratelimit-reset-requests", "x-ratelimit-reset", "ratelimit-reset")
_NUMBER = r"\d{1,12}(?:\.\d{1,9})?"
_LENGTH = re.compile(rf"{_NUMBER}|(?:{_NUMBER}(?:ms|s|m|h|d))+")
_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)?")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "": 1.0}
_UNTIL = re.compile(r";\s*t=(\d{1,9})\b")
_POLICY = re.compile(r"\bq=(\d{1,9})\b.*?\bw=(\d{1,9})\b")


class Leave(Enum):
    """When a request that is due may leave."""

    NOW = "now"
    LATER = "later"
    """Its time was moved."""
    NEVER = "never"
    """The load ends first."""


class Pace:
    """One process's share of a quota; `rate` is requests per second, None while none is known."""

    def __init__(self, declared: float | None, *, workers: int = 1) -> None:
        self.rate = declared and declared / workers
        self.learned = False
        self.free_ns = 0
        self.never_sent = 0
        self._most = self.rate
        self._workers = workers
        self._opened_ns: int | None = None
        self._passed = 0
        self._shut_until_ns: int | None = None
        self._wait_s = FIRST_WAIT_S

    def admit(self, ticket: Ticket, now_ns: int, end_ns: float) -> Leave:
        """Whether a ticket that is due leaves now; else its time is moved to when it may."""
        if ticket.scheduled_ns is not None and self.free_ns > ticket.scheduled_ns:
            if self.free_ns >= end_ns:
                self.never_sent += 1
                return Leave.NEVER
            ticket.held_ns = (ticket.held_ns or 0) + self.free_ns - ticket.scheduled_ns
            ticket.scheduled_ns = self.free_ns
        if self.free_ns > now_ns:
            return Leave.LATER
        self.left(now_ns)
        return Leave.NOW

    def left(self, at_ns: int) -> None:
        """A request leaves now."""
        if self._opened_ns is None:
            self._opened_ns = at_ns
        if self.rate is not None:
            self.free_ns = max(self.free_ns, at_ns + int(1e9 / (SHARE * self.rate)))

    def answered(self, sent_ns: int, at_ns: int, refusal: Headers | None) -> None:
        """An answer has come; `refusal` are the fields of one that was refused by a quota."""
        shut = self._shut_until_ns
        anew = shut is None or sent_ns >= shut
        if refusal is None:
            if anew and shut is not None:  # the quota is open again
                self._opened_ns, self._passed, self._shut_until_ns = shut, 0, None
                self._wait_s = FIRST_WAIT_S
            self._passed += 1
        elif anew:
            self._shut(at_ns, refusal)
        if self._shut_until_ns is not None:
            self._learn(refusal)

    def _shut(self, at_ns: int, refusal: Headers) -> None:
        seconds = wait_s(refusal)
        if seconds is None:
            seconds = self._wait_s
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self._shut_until_ns = at_ns + int(seconds * 1e9)
        self.free_ns = max(self.free_ns, self._shut_until_ns)

    def _learn(self, refusal: Headers | None) -> None:
        """The limit by what was let through until the quota opens again, or as it is told."""
        since_ns = (self._shut_until_ns or 0) - (self._opened_ns or 0)
        rate = self._passed * 1e9 / since_ns if self._passed and since_ns > 0 else PROBING
        told = None if refusal is None else _policy(refusal)
        if told is not None:
            rate = told / self._workers
        self.rate = rate if self._most is None else min(rate, self._most)
        self.learned = True


def wait_s(headers: Headers) -> float | None:
    """For how many seconds a refusal asks to wait; None where it does not say.

    Sources: RFC 9110, section 10.2.3 (Retry-After); draft-ietf-httpapi-ratelimit-headers
    (RateLimit); the fields x-ratelimit-reset that model servers send, in seconds, as a length such
    as 1m30s, or as a date.
    """
    return next(_waits(headers), None)


def _waits(headers: Headers) -> Iterator[float]:
    for name in ("retry-after", *_RESETS):
        found = _seconds(headers.get(name), headers.get("date"))
        if found is not None:
            yield found
    until = _UNTIL.search(headers.get("ratelimit") or "")
    if until is not None:
        yield float(until[1])


def _seconds(value: str | None, date: str | None) -> float | None:
    text = (value or "").strip()
    if _LENGTH.fullmatch(text):
        found = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        return found if found < _EPOCH_S else _until(found, date)
    try:
        return _until(parsedate_to_datetime(text).timestamp(), date)
    except (ValueError, TypeError):
        return None


def _until(moment_s: float, date: str | None) -> float | None:
    """Seconds from an answer's own date to a moment."""
    try:
        return max(moment_s - parsedate_to_datetime(date or "").timestamp(), 0.0)
    except (ValueError, TypeError):
        return None


def _policy(headers: Headers) -> float | None:
    """The limit that an answer tells, requests per second."""
    found = _POLICY.search(headers.get("ratelimit-policy") or "")
    return int(found[1]) / int(found[2]) if found and int(found[2]) else None
