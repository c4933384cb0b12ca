"""Settings and targets: which gateway, which credentials, which models, and what is secret.

`load_settings()` reads the environment and `harness.toml`; `resolve_target(text, settings)` makes a
`Target` of what `--target` says; `target.secrets.redact(text)` cleans what is written.
"""

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
