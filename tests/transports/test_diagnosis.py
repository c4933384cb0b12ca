import errno
import os
import socket
import ssl

import pytest

from harness.errors import TransportKind
from harness.transports.diagnosis import diagnose


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), TransportKind.DNS),
        (system(errno.ECONNREFUSED), TransportKind.REFUSED),
        (system(errno.ECONNRESET), TransportKind.RESET),
        (system(errno.EPIPE), TransportKind.RESET),
        (system(errno.ENETUNREACH), TransportKind.UNREACHABLE),
        (system(errno.EHOSTUNREACH), TransportKind.UNREACHABLE),
        (ssl.SSLError(1, "[SSL] tlsv13 alert certificate required"), TransportKind.TLS),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), TransportKind.CUT),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else str(value),
)
def test_each_error_of_the_system_has_its_kind(exc: OSError, kind: TransportKind) -> None:
    found = diagnose(exc)

    assert found is not None
    assert found[0] is kind


def test_the_cause_is_found_below_what_a_library_raised() -> None:
    try:
        try:
            raise system(errno.ECONNREFUSED)
        except OSError as exc:
            raise RuntimeError("all connection attempts failed") from exc
    except RuntimeError as exc:
        found = diagnose(exc)

    assert found == (TransportKind.REFUSED, "connection refused")


def test_what_says_nothing_about_a_connection_is_not_diagnosed() -> None:
    assert diagnose(ValueError("x")) is None
    assert diagnose(system(errno.EIO)) is None
