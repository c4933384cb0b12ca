"""Whose certificates are trusted, alike for both transports."""

import ssl

from harness.errors import UsageError
from harness.transports.network import Network


def trusting(network: Network) -> ssl.SSLContext:
    """A context that verifies peers by SSL_CERT_FILE, SSL_CERT_DIR, or what certifi brings.

    UsageError when a variable names nothing that can be used.
    """
    import httpx  # only where TLS is spoken: it takes a tenth of a second

    file, folder = (network.certificates.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    try:
        if file or folder:
            return ssl.create_default_context(cafile=file, capath=None if file else folder)
        return httpx.create_ssl_context(trust_env=False)
    except OSError as error:  # ssl.SSLError is one
        source = " or ".join(network.certificates) or "the certificate store"
        raise UsageError(f"{source} cannot be used: {error.strerror or error}") from error
