"""Settings and targets: which gateway, which credentials, which models, and what is secret.

`load_settings()` reads the environment and `harness.toml`; `resolve_target(text, settings)` makes a
`Target` of what `--target` says; `target.secrets.redact(text)` cleans what is written.

Names are imported when they are first used: what only redacts, such as the processes of a load,
does not pay for the model of all settings.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.settings.model import Settings, load_settings
    from harness.settings.redaction import Secrets, is_secret_name
    from harness.settings.target import Expectations, Kind, Target, resolve_target
    from harness.settings.values import RateLimit

__all__ = [
    "Expectations",
    "Kind",
    "RateLimit",
    "Secrets",
    "Settings",
    "Target",
    "is_secret_name",
    "load_settings",
    "resolve_target",
]

_HOMES = {
    "harness.settings.model": ("Settings", "load_settings"),
    "harness.settings.redaction": ("Secrets", "is_secret_name"),
    "harness.settings.target": ("Expectations", "Kind", "Target", "resolve_target"),
    "harness.settings.values": ("RateLimit",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'harness.settings' has no attribute {name!r}")
