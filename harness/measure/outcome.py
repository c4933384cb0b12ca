"""How one logical request ended: the closed set of the `outcome` column."""

from enum import StrEnum

from harness.errors import TransportError


class Outcome(StrEnum):
    """`ok`, one of `OWN`, or the class of the error; a violated clause never changes it."""

    OK = "ok"
    """A success status, a whole body, and a finished answer."""
    DROPPED = "dropped"
    """Due by the schedule, but never sent."""
    CANCELLED = "cancelled"
    """Sent, and given up by the client when the run's time was over."""
    CLIENT_LIMIT = "client_limit"
    """Not sent, or given up, for a bound of our own: file descriptors, memory."""

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    PROXY = "proxy"
    CONNECT_TIMEOUT = "connect_timeout"
    SEND = "send"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    """Silence inside the body; also an answer whose peer kept the connection open in silence."""
    TOTAL_TIMEOUT = "total_timeout"
    CUT = "cut"
    """The connection was closed before the framing of the body ended."""
    RESET = "reset"
    PROTOCOL = "protocol"
    """Bytes that are not HTTP."""

    REDIRECTED = "redirected"
    """A 3xx answer; no route documents one."""
    UNAUTHORIZED = "unauthorized"
    """401 or 403, from the gateway or the provider."""
    RATE_LIMITED = "rate_limited"
    """429, from the gateway or the provider: a request limit, a token limit or a spend limit."""
    OVERLOADED = "overloaded"
    """529: Baseten has no capacity for the model."""
    HTTP_4XX = "http_4xx"
    """Any other 4xx."""
    HTTP_5XX = "http_5xx"
    """Any other 5xx."""
    HTTP_OTHER = "http_other"
    """A status outside 200 to 599."""

    IN_STREAM_ERROR = "in_stream_error"
    """An error object inside an answer whose status said success."""
    EMPTY = "empty"
    """A success status without one body byte."""
    MALFORMED = "malformed"
    """A success status and a whole body that cannot be read without loss: not JSON, not UTF-8,
    not the objects of the format, or no choice in a plain completion."""
    INCOMPLETE_STREAM = "incomplete_stream"
    """A stream that ended cleanly, with or without `[DONE]`, before a choice had finished."""

    @classmethod
    def of_status(cls, status: int) -> "Outcome":
        """The outcome that a status decides alone; `OK` for 2xx."""
        named = _NAMED.get(status)
        return named or _CLASSES.get(status // 100, cls.HTTP_OTHER)

    @classmethod
    def of_error(cls, error: TransportError) -> "Outcome":
        """The outcome of an exchange that brought no complete response."""
        return cls(error.kind.value)


OWN = frozenset({Outcome.DROPPED, Outcome.CLIENT_LIMIT, Outcome.PROXY, Outcome.CANCELLED})
"""What the client or its way out did: never an error of the target."""


def own_outcomes(*, interrupted: bool) -> frozenset[Outcome]:
    """`OWN`; of a run that went to its end without `CANCELLED`.

    There the client waited as long as it had said it would, and it was the target that did not
    answer.
    """
    return OWN if interrupted else OWN - {Outcome.CANCELLED}


_NAMED = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.UNAUTHORIZED,
    429: Outcome.RATE_LIMITED,
    529: Outcome.OVERLOADED,
}
_CLASSES = {
    2: Outcome.OK,
    3: Outcome.REDIRECTED,
    4: Outcome.HTTP_4XX,
    5: Outcome.HTTP_5XX,
}
