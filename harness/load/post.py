"""The way between a Locust process and the process that started it.

Standard input brings the order (`harness.load.task`), then commands, a line each: `start NS`
(CLOCK_MONOTONIC), `stop SECONDS` (for the last answers) and `end`; its end means that the starter
is gone. Standard output takes back what happens here, one JSON object per line.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent
import gevent.os
from gevent.event import Event

Heard = Mapping[str, Callable[[str], None]]


class Post:
    """The way to the starter and back; commands are heard once `listen` has been called.

    From then on what Locust and a scenario print goes to the log.
    """

    def __init__(self, log: Path) -> None:
        self._out = os.dup(1)
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        self._said: dict[str, Any] = {}

    def say(self, **facts: Any) -> None:
        """Tell the starter, once; nobody may be there any more."""
        if self._said == facts:
            return
        self._said = facts
        with contextlib.suppress(OSError):
            os.write(self._out, json.dumps(facts).encode() + b"\n")

    def listen(self, heard: Heard) -> None:
        """Call what `heard` has under a command's word, from a greenlet of its own."""
        gevent.spawn(self._listen, heard)

    def _listen(self, heard: Heard) -> None:
        for line in _lines():
            word, _, value = line.partition(" ")
            if word in heard:
                heard[word](value)
        heard["end"]("")


def ended(post: Post) -> Event:
    """Set when this process is asked to end by a signal: by somebody else, so that it is told."""
    event = Event()

    def end(number: signal.Signals) -> None:
        post.say(problem=f"a process of the load was ended from outside ({number.name})")
        event.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, end, number)
    return event


def at(moment: str, start: Callable[[], None]) -> None:
    """Call `start` at a moment of CLOCK_MONOTONIC, nanoseconds in text."""

    def wait() -> None:
        gevent.sleep(max(int(moment) - time.monotonic_ns(), 0) / 1e9)
        start()

    gevent.spawn(wait)


def _lines() -> Iterator[str]:
    """The lines of standard input until its end."""
    gevent.os.make_nonblocking(0)
    rest = b""
    while data := gevent.os.nb_read(0, 4096):
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode("ascii") for line in lines)
