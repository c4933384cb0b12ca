"""The stand-in on a real socket: HTTP/1.1, plain or TLS, every answer on its own schedule.

with LocalGateway(Gateway(Config())) as local:
    httpx.get(local.url + "/__harness/health")
"""

import asyncio
import contextlib
import errno
import os
import resource
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self

from harness.errors import UsageError
from harness.gateway.handler import Handler
from harness.gateway.server.connection import ConnectionLimits, ServerConnection, UnfinishedBytes
from harness.gateway.server.eventloop import new_event_loop
from harness.gateway.service import Service

_BACKLOG = 1024


class Server:
    """A listening socket and its connections, inside a running event loop.

    `url` is the origin, such as `http://127.0.0.1:8787`; the port is known once it listens.
    """

    def __init__(
        self,
        gateway: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self.service = Service(gateway, started_ns=time.monotonic_ns())
        self._limits = limits or ConnectionLimits()
        self._address = (host, port)
        self._tls = tls
        self.url = self._origin(port)
        self._connections: set[ServerConnection] = set()
        self._held = UnfinishedBytes()
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen; `UsageError` when the port is taken or not allowed."""
        loop = asyncio.get_running_loop()
        host, port = self._address
        try:
            self._listener = await loop.create_server(
                lambda: ServerConnection(self.service, self._limits, self._connections, self._held),
                host,
                port,
                ssl=self._tls,
                backlog=_BACKLOG,
            )
        except OSError as exc:
            raise UsageError(
                f"cannot listen on {host}:{port}: {os.strerror(exc.errno or 0)}"
            ) from exc
        self.url = self._origin(self._listener.sockets[0].getsockname()[1])
        self._sweep()

    async def close(self) -> None:
        """Stop listening and end every connection at once."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._connections):
            connection.abort()
        while self._connections:
            await asyncio.sleep(0)

    @property
    def held_bytes(self) -> int:
        """What the unfinished requests of all connections hold."""
        return self._held.bytes

    def _origin(self, port: int) -> str:
        host = self._address[0]
        authority = f"[{host}]" if ":" in host else host
        return f"{'https' if self._tls else 'http'}://{authority}:{port}"

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._connections):
            if connection.deadline is not None and connection.deadline <= now:
                connection.expire()
        self._sweeper = loop.call_later(self._limits.sweep_s, self._sweep)


class Crowded:
    """Says once that no more connections can be taken, where asyncio would say it a thousand times.

    An event loop's exception handler; anything else goes to `others`.
    """

    def __init__(self, others: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]) -> None:
        self._others = others
        self._said = False

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if self._said and isinstance(fault, ValueError) and "_start_serving" in context["message"]:
            return  # asyncio listens again a second later, on a socket that is closed by then, too
        if not isinstance(fault, OSError) or fault.errno not in (errno.EMFILE, errno.ENFILE):
            self._others(loop, context)
        elif not self._said:
            self._said = True
            most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            sys.stderr.write(
                f"the stand-in has as many connections as it may open (ulimit -n {most}); "
                "others wait until one ends\n"
            )


def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What asyncio does with a fault that nobody awaits."""
    loop.default_exception_handler(context)


async def serve(
    gateway: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    on_listening: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until SIGINT or SIGTERM; `on_listening` is told the URL as soon as it answers."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    loop.set_exception_handler(Crowded(report))
    server = Server(gateway, host=host, port=port, tls=tls)
    await server.start()
    try:
        on_listening(server.url)
        await stopped.wait()
    finally:
        await server.close()


def raise_descriptor_limit() -> None:
    """Let this process have as many connections as the system allows, not the usual 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class LocalGateway:
    """The server in a thread of this process, from `with` to its end.

    For tests and single requests: under load it competes with the client for the interpreter, so a
    load needs `GatewayProcess`. A fault of the server itself is raised at the end.
    """

    def __init__(
        self,
        gateway: Handler,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self.gateway = gateway
        self.server = Server(gateway, port=port, tls=tls, limits=limits)
        self._listening: Future[asyncio.AbstractEventLoop] = Future()
        self._stopped = asyncio.Event()
        self._faults: list[Exception] = []
        self._thread = threading.Thread(target=self._run, name="gateway-harness", daemon=True)

    @property
    def url(self) -> str:
        """The origin to send requests to."""
        return self.server.url

    def start(self) -> Self:
        """Listen and return."""
        self._thread.start()
        try:
            self._listening.result()
        except UsageError:
            self._thread.join()
            raise
        return self

    def close(self) -> None:
        """End every connection and the thread; raises the first fault of the server, if any."""
        self._listening.result().call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        if self._faults:
            raise self._faults[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._serve())
        finally:
            self._listening.cancel()  # a fault before that moment must not leave `start` waiting

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(Crowded(self._note_fault))
        try:
            await self.server.start()
        except UsageError as exc:
            self._listening.set_exception(exc)
            return
        self._listening.set_result(loop)
        await self._stopped.wait()
        await self.server.close()

    def _note_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if isinstance(fault, Exception) and not isinstance(fault, OSError):
            self._faults.append(fault)
        else:
            loop.default_exception_handler(context)
