"""TLS over memory buffers: bytes in, bytes out, no socket, so that receive times stay with the
reader.
"""

import os
import ssl

from harness.errors import TransportError, TransportKind, UsageError

_READ_BYTES = 65_536


def client_context() -> ssl.SSLContext:
    """Verifies peers just as the contract client does: SSL_CERT_FILE, SSL_CERT_DIR, or certifi.

    UsageError when one of the variables names nothing that can be used.
    """
    import httpx  # only where TLS is spoken: it takes a tenth of a second

    try:
        context = httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
        source = " or ".join(named) or "the certificate store"
        raise UsageError(f"{source} cannot be used: {error.strerror or error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


class TlsLayer:
    """The client's side of one TLS connection."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._server_name = server_name
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

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

    def outgoing(self) -> bytes:
        """Encrypted bytes that wait to be sent."""
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for `data`."""
        self._tls.write(data)
        return self._outgoing.read()

    def feed(self, data: bytes) -> None:
        """Take in encrypted bytes; none of them means that the peer has closed."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def decrypt(self) -> tuple[bytes, bool]:
        """Everything that can be decrypted, and whether the peer has ended."""
        pieces: list[bytes] = []
        try:
            while piece := self._tls.read(_READ_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(pieces), False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        except ssl.SSLError as error:
            raise TransportError(TransportKind.TLS, f"TLS broke: {_reason(error)}") from error
        return b"".join(pieces), True


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    return error.reason or str(error)
