"""What kept a Locust process from its work, in words that cross to the command that started it.

Its kind travels with it, so that a user's mistake stays one wherever it was found.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harness.errors import HarnessError, UsageError


class CauseKind(StrEnum):
    """Whose fault it was."""

    USAGE = "usage"
    SYSTEM = "system"
    """The operating system said no; `errno` is its word."""
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Cause:
    """One error, its kind and its text; `filename` is what the operating system's was about."""

    kind: CauseKind
    text: str
    errno: int | None = None
    filename: str | None = None

    @classmethod
    def of(cls, error: BaseException) -> "Cause":
        """The cause that an error is."""
        if isinstance(error, UsageError):
            return cls(CauseKind.USAGE, str(error))
        if isinstance(error, OSError) and error.errno is not None:
            name = None if error.filename is None else str(error.filename)
            return cls(CauseKind.SYSTEM, error.strerror or str(error), error.errno, name)
        return cls(CauseKind.BUG, f"{type(error).__name__}: {error}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Cause":
        """What `to_dict` wrote."""
        return cls(**{**document, "kind": CauseKind(document["kind"])})

    def error(self, *, about: str) -> Exception:
        """The error again, to be raised; `about` is what failed when the system did not say."""
        if self.kind is CauseKind.USAGE:
            return UsageError(self.text)
        if self.kind is CauseKind.SYSTEM:
            return OSError(self.errno or 0, self.text, self.filename or about)
        return HarnessError(f"the load failed: {self.text}")
