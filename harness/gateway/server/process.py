"""The stand-in in a process of its own: what a load needs, so that client and server each have one.

The process ends with its parent, however that ends: it watches the pipe between them. Ctrl-C in a
terminal reaches both, and only the parent may decide what that means.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Self

from harness.errors import HarnessError
from harness.gateway.model import Gateway
from harness.gateway.server.eventloop import new_event_loop
from harness.gateway.server.listener import Crowded, Server, raise_descriptor_limit, report

_STOP_S = 10.0


class GatewayProcess:
    """The server in a child process, from `with` to its end; its record is at /__harness/log.

    `make` is called in the child, so it is pickled: a function of a module, or a partial of one.
    """

    def __init__(self, make: Callable[[], Gateway]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, make), name="gateway-harness")
        self._there = there
        self.url = ""

    @property
    def pid(self) -> int:
        """The child's process id; 0 before it was started."""
        return self._process.pid or 0

    def start(self) -> Self:
        """Start the process and wait until it listens; raises what kept it from doing so."""
        with _safe_path():
            self._process.start()
        self._there.close()
        try:
            answer = self._pipe.recv()
        except EOFError as exc:
            self._process.join(_STOP_S)
            how = _ending(self._process.exitcode)
            self.close()
            raise HarnessError(f"the stand-in {how} while it started; start it again") from exc
        if isinstance(answer, HarnessError):
            self.close()
            raise answer
        self.url = str(answer)
        return self

    def close(self) -> None:
        """End every connection and the process."""
        self._pipe.close()
        self._process.join(_STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def _ending(code: int | None) -> str:
    """How a process ended, in words; a negative code is the signal that killed it."""
    if code is not None and code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


@contextmanager
def _safe_path() -> Iterator[None]:
    """Keep the current folder off the path of a child that starts, until it is told ours.

    There may be a `types.py` in it, and the child imports before it is told anything.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _serve(pipe: Connection, make: Callable[[], Gateway]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_descriptor_limit()
    try:
        server = Server(make())
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve_while(server, pipe))
    except HarnessError as exc:
        pipe.send(exc)


async def _serve_while(server: Server, pipe: Connection) -> None:
    parent_left = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Crowded(report))
    loop.add_reader(pipe.fileno(), parent_left.set)
    await server.start()
    pipe.send(server.url)
    await parent_left.wait()
    await server.close()
