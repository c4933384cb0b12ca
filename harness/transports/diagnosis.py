"""From an exception of the operating system to the kind of a `TransportError`."""

import errno
import socket
import ssl
from collections.abc import Iterator

from harness.errors import TransportKind

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
_RESET = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)


def diagnose(exc: BaseException) -> tuple[TransportKind, str] | None:
    """The kind and the reason of the first error in the chain of causes that says one."""
    for cause in chain(exc):
        found = _diagnose(cause)
        if found is not None:
            return found
    return None


def chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from, the cause before the context."""
    seen: set[int] = set()
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _diagnose(exc: BaseException) -> tuple[TransportKind, str] | None:
    if isinstance(exc, socket.gaierror):
        return TransportKind.DNS, f"the name cannot be resolved ({exc.strerror})"
    if isinstance(exc, ssl.SSLEOFError):
        return TransportKind.CUT, "the connection was closed without a TLS goodbye"
    if isinstance(exc, ssl.SSLError):
        return TransportKind.TLS, _tls(exc)
    if isinstance(exc, ConnectionRefusedError):
        return TransportKind.REFUSED, "connection refused"
    if isinstance(exc, OSError) and exc.errno in _RESET:
        return TransportKind.RESET, "connection reset by the peer"
    if isinstance(exc, OSError) and exc.errno in _UNREACHABLE:
        return TransportKind.UNREACHABLE, exc.strerror or "unreachable"
    return None


def _tls(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {exc.verify_message}"
    # OpenSSL sets the attribute; an error raised by Python code has none.
    reason = (getattr(exc, "reason", None) or str(exc)).replace("_", " ").lower()
    hint = "; is this a plain http:// port?" if reason == "wrong version number" else ""
    return f"{reason}{hint}"
