"""The error tree, by whose fault, and the one value that describes a failed exchange.

HarnessError
├── UsageError        the caller asked for something that cannot be done
├── TransportError    no complete response: refused, DNS, TLS, timeout, cut off
├── AnswerError       a complete, legal error answer; carries the parsed Failure
└── ContractError     complete and wrong; also an AssertionError, so pytest says "failed"
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

EXIT_CODES: Mapping[str, int] = {"pass": 0, "fail": 1, "unknown": 3}
"""What a command ends with, by its verdict."""
OWN_FAULT = 2
"""What it ends with where the harness itself failed or was asked wrongly."""


class Layer(StrEnum):
    """Who failed, ordered from the caller to the model."""

    CLIENT = "client"
    NETWORK = "network"
    EDGE = "edge"
    GATEWAY = "gateway"
    PROVIDER = "provider"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error answer says, whatever its shape.

    `shape` names the form it had on the wire, `code` is the sender's own code (`2009`,
    `model_not_ready`) as text, `retryable` is whether sending the same request again can help.
    """

    layer: Layer
    shape: str
    status: int | None
    code: str | None
    message: str
    retryable: bool


def did_you_mean(name: str, known: Collection[str], *, otherwise: str) -> str:
    """What may have been meant by a name that is not known: those that are nearest to it, or that
    it is a part of; else what `otherwise` says.
    """
    from difflib import get_close_matches  # takes its time, and most runs have no misspelt name

    near = get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    near = near or [other for other in known if name and name.lower() in other][:3]
    return f"did you mean {' or '.join(near)}?" if near else otherwise


class HarnessError(Exception):
    """The root of everything that this package raises on purpose."""


class UsageError(HarnessError):
    """The caller asked for something that cannot be done; nothing was sent."""


class TransportKind(StrEnum):
    """Why no complete response was received."""

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    PROXY = "proxy"
    CONNECT_TIMEOUT = "connect_timeout"
    SEND = "send"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    CUT = "cut"
    RESET = "reset"
    PROTOCOL = "protocol"
    CLIENT_LIMIT = "client_limit"
    """A bound of this process: descriptors, or the memory for answers."""


class TransportError(HarnessError):
    """No complete response: what happened is in `kind`, the layer that failed in `layer`."""

    def __init__(self, kind: TransportKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def layer(self) -> Layer:
        """The layer at fault; an answer that broke off is blamed on the edge that sent it."""
        if self.kind is TransportKind.CLIENT_LIMIT:
            return Layer.CLIENT
        sent = (TransportKind.CUT, TransportKind.RESET, TransportKind.PROTOCOL)
        return Layer.EDGE if self.kind in sent else Layer.NETWORK


class AnswerError(HarnessError):
    """A complete, legal error answer; `failure` is what it says."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.layer} answered {failure.status}: {failure.message}")
        self.failure = failure


class ContractError(HarnessError, AssertionError):
    """An answer that breaks the contract."""
