"""Opens TCP connections without blocking other greenlets, and says why it could not."""

import errno
import os
import socket
from typing import Any

import gevent
import gevent.socket
from gevent import monkey

from harness.errors import TransportError, TransportKind

_UNPATCHED_SOCKET = monkey.get_original("socket", "socket")
"""Reads go through one shared reader, so gevent's own waiting socket would only be in the way."""

_RESOLVE = monkey.get_original("socket", "getaddrinfo")

_IN_PROGRESS = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket with TCP_NODELAY; tries each address in turn."""
    failure: TransportError | None = None
    for family, kind, protocol, _, address in _addresses(host, port):
        sock: socket.socket = _UNPATCHED_SOCKET(family, kind, protocol)
        try:
            _connect(sock, address)
        except OSError as error:
            sock.close()
            failure = _refused(host, port, error)
            failure.__cause__ = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
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


def _connect(sock: socket.socket, address: Any) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = sock.connect_ex(address)
    if code not in _IN_PROGRESS:
        raise OSError(code, os.strerror(code))
    gevent.socket.wait_write(sock.fileno())
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _refused(host: str, port: int, error: OSError) -> TransportError:
    kind = TransportKind.UNREACHABLE
    if error.errno == errno.ECONNREFUSED:
        kind = TransportKind.REFUSED
    return TransportError(kind, f"{host}:{port} did not accept a connection: {error.strerror}")
