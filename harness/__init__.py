"""Contract tests and load benchmarks for the Baseten routes of Cloudflare AI Gateway.

Names are imported when they are first used, so that `import harness` costs nothing: every pytest
run imports this package for its plugin.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.client import GatewayClient
    from harness.errors import (
        AnswerError,
        ContractError,
        Failure,
        HarnessError,
        TransportError,
        UsageError,
    )
    from harness.report.reading import read_run
    from harness.routes.address import Address, Credentials, GatewayOptions
    from harness.routes.answer import Answer
    from harness.settings import Settings, Target, load_settings, resolve_target
    from harness.transports.exchange import Timeouts
    from harness.wire import Headers, Request, Response

__all__ = [
    "Address",
    "Answer",
    "AnswerError",
    "ContractError",
    "Credentials",
    "Failure",
    "GatewayClient",
    "GatewayOptions",
    "HarnessError",
    "Headers",
    "Request",
    "Response",
    "Settings",
    "Target",
    "Timeouts",
    "TransportError",
    "UsageError",
    "load_settings",
    "read_run",
    "resolve_target",
]

_HOMES = {
    "harness.client": ("GatewayClient",),
    "harness.errors": (
        "AnswerError",
        "ContractError",
        "Failure",
        "HarnessError",
        "TransportError",
        "UsageError",
    ),
    "harness.routes.address": ("Address", "Credentials", "GatewayOptions"),
    "harness.routes.answer": ("Answer",),
    "harness.settings": ("Settings", "Target", "load_settings", "resolve_target"),
    "harness.report.reading": ("read_run",),
    "harness.transports.exchange": ("Timeouts",),
    "harness.wire": ("Headers", "Request", "Response"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
