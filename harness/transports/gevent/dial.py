"""Opens TCP connections without blocking other greenlets, and says why it could not."""

import errno
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

import gevent
import gevent.socket
from gevent import monkey

from harness.errors import TransportError, TransportKind

_UNPATCHED_SOCKET = monkey.get_original("socket", "socket")
"""Reads go through one shared reader, so gevent's own waiting socket would only be in the way."""

_RESOLVE = monkey.get_original("socket", "getaddrinfo")

_IN_PROGRESS = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})
_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""The client's own: descriptors, memory, and local ports."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connected socket, and how long the name and the connection took, in nanoseconds."""

    sock: socket.socket
    dns_ns: int
    connect_ns: int


def dial(host: str, port: int) -> Dialled:
    """A connected, non-blocking socket with TCP_NODELAY; tries each address in turn."""
    started_ns = time.monotonic_ns()
    addresses = _addresses(host, port)
    found_ns = time.monotonic_ns()
    failure: TransportError | None = None
    for family, kind, protocol, _, address in addresses:
        try:
            sock = _connected(_UNPATCHED_SOCKET(family, kind, protocol), address)
        except OSError as error:
            failure = _refused(host, port, error)
            failure.__cause__ = error
        else:
            return Dialled(sock, found_ns - started_ns, time.monotonic_ns() - found_ns)
    if failure is None:
        failure = TransportError(TransportKind.DNS, f"{host} has no address")
    raise failure


def _addresses(host: str, port: int) -> list[Any]:
    try:
        return list(_RESOLVE(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except (OSError, UnicodeError):
        pass  # a name: ask in a thread, so that other greenlets go on
    try:
        return list(gevent.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise TransportError(TransportKind.DNS, f"no address for {host!r}: {error}") from error


def _connected(sock: socket.socket, address: Any) -> socket.socket:
    """The socket, connected; closed when that fails."""
    try:
        _connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect(sock: socket.socket, address: Any) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = sock.connect_ex(address)
    if code not in _IN_PROGRESS:
        raise OSError(code, os.strerror(code))
    if code:
        gevent.socket.wait_write(sock.fileno())
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _refused(host: str, port: int, error: OSError) -> TransportError:
    if error.errno in _LIMITS:
        return TransportError(
            TransportKind.CLIENT_LIMIT, f"this process could not open a socket: {error.strerror}"
        )
    kind = TransportKind.UNREACHABLE
    if error.errno == errno.ECONNREFUSED:
        kind = TransportKind.REFUSED
    return TransportError(kind, f"{host}:{port} did not accept a connection: {error.strerror}")
