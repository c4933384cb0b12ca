"""Locust's FastHttpUser reading streams event by event, as well as it can: `readline`, and JSON.

`iter_lines` of Locust waits for 1,024 bytes and is no measurement at all.
"""

import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, task

from tests.bench import streams

REQUEST = json.loads(Path(os.environ["BENCH_REQUEST"]).read_text("utf-8"))
SEPARATOR = b"\n\n"
_numbers = itertools.count()
_rows: list[tuple[int, int, list[int]]] = []


class Peer(FastHttpUser):
    """One stream after another."""

    def on_start(self) -> None:
        """Wait a random moment, as our users do, or all march in step."""
        time.sleep(random.random())  # noqa: S311 - no secret

    @task
    def ask(self) -> None:
        """Read one stream and keep when each chunk was seen."""
        rid, times = next(_numbers), list[int]()
        headers = {**REQUEST["headers"], "x-rid": str(rid)}
        sent = time.monotonic_ns()
        with self.client.post(
            REQUEST["path"],
            data=REQUEST["body"].encode(),
            headers=headers,
            stream=True,
            catch_response=True,
        ) as answer:
            stream = answer._response
            while (event := stream.readline(SEPARATOR)) and b"[DONE]" not in event:
                seen = time.monotonic_ns()
                choices = json.loads(event.removeprefix(b"data: "))["choices"]
                if choices and choices[0]["delta"].get("content"):
                    times.append(seen)
            stream.read()
        _rows.append((rid, sent, times))


def _write(**_: object) -> None:
    streams.write(os.environ["BENCH_RECORD"], _rows)


_EVENTS: Any = events
"""Locust gives its event hooks no types."""
_EVENTS.quitting.add_listener(_write)
