"""TLS over memory buffers: bytes in, bytes out, no socket, so that receive times stay with the
reader.
"""

import ssl

from harness.errors import TransportError, TransportKind
from harness.transports.certificates import trusting
from harness.transports.network import Network
from harness.wire import End

_READ_BYTES = 65_536
_HEADER_BYTES = 5


def client_context(network: Network) -> ssl.SSLContext:
    """Verifies peers just as the contract client does; UsageError as `trusting` raises it."""
    context = trusting(network)
    context.set_alpn_protocols(["http/1.1"])
    return context


class TlsLayer:
    """The client's side of one TLS connection."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._server_name = server_name
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.closed = False
        self._left = 0
        self._header = b""

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done. Raises a TransportError of kind `tls`."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise TransportError(
                TransportKind.TLS, f"TLS with {self._server_name} failed: {_reason(error)}"
            ) from error
        return True

    @property
    def drained(self) -> bool:
        """Whether the last record that was fed is whole."""
        return not self._left and not self._header

    def outgoing(self) -> bytes:
        """Encrypted bytes that wait to be sent."""
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for `data`."""
        self._tls.write(data)
        return self._outgoing.read()

    def feed(self, data: bytes) -> None:
        """Take in encrypted bytes."""
        self._incoming.write(data)
        self._follow_records(data)

    def decrypt(self) -> tuple[bytes, End | None]:
        """Everything that can be decrypted, and how the peer has ended, if it has.

        A peer ends TLS by saying so (close_notify, RFC 8446, section 6.1); one that just hangs up
        may have been cut off.
        """
        pieces: list[bytes] = []
        try:
            while piece := self._tls.read(_READ_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(pieces), None
        except ssl.SSLZeroReturnError:
            pass
        except ssl.SSLEOFError:
            return b"".join(pieces), End.CUT
        except ssl.SSLError as error:
            raise TransportError(TransportKind.TLS, f"TLS broke: {_reason(error)}") from error
        self.closed = True
        return b"".join(pieces), End.COMPLETE

    def _follow_records(self, data: bytes) -> None:
        """Note how much of the last record is missing (RFC 8446, section 5.1: five bytes of head).

        OpenSSL keeps the part of a record to itself, so that its buffers do not tell.
        """
        data, place = self._header + data, self._left
        while place + _HEADER_BYTES <= len(data):
            place += _HEADER_BYTES + int.from_bytes(data[place + 3 : place + _HEADER_BYTES], "big")
        self._header = data[place:]
        self._left = max(place - len(data), 0)


class InnerTls:
    """A TLS connection inside another one: to a target, through a proxy that speaks TLS itself."""

    def __init__(self, outer: "TlsLayer | InnerTls", inner: TlsLayer) -> None:
        self._outer = outer
        self._inner = inner

    @property
    def closed(self) -> bool:
        """Whether the peer has said that it ends."""
        return self._inner.closed

    @property
    def drained(self) -> bool:
        """Whether the last records that were fed are whole."""
        return self._outer.drained and self._inner.drained

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for `data`."""
        return self._outer.encrypt(self._inner.encrypt(data))

    def feed(self, data: bytes) -> None:
        """Take in encrypted bytes."""
        self._outer.feed(data)

    def decrypt(self) -> tuple[bytes, End | None]:
        """Everything that can be decrypted, and how the peer has ended; the proxy's end cuts it."""
        data, ended = self._outer.decrypt()
        self._inner.feed(data)
        plain, said = self._inner.decrypt()
        return plain, said or (None if ended is None else End.CUT)


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    return error.reason or str(error)
