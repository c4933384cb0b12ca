"""What a target does where nobody documents it, said per route; nothing here ever fails."""

import json

from harness.contract.checks.headers import retry_after_has_its_form
from harness.contract.clause import Finding, Record, RunCheck, Scene
from harness.contract.context import limit_of
from harness.contract.recording import Seen, told


def switch(name: str) -> RunCheck:
    """Records a switch of the behaviour file that the answers of a run tell."""

    def check(seen: Seen) -> Finding:
        value = told(name, seen)
        return None if value is None else Record(f"{name}: {json.dumps(value)}")

    return check


def body_limit(scene: Scene) -> Finding:
    """Records which of the long bodies are taken."""
    seen = [(name, s.status) for name, s in scene.items() if s.status is not None]
    return Record(", ".join(f"{name}: {status}" for name, status in seen)) if seen else None


def context(seen: Seen) -> Finding:
    """Records the context in tokens that a refusal of a long prompt told."""
    limits = [limit for each in seen if (limit := limit_of(each)) is not None]
    return Record(f"{min(limits)} tokens") if limits else None


def retry_after(scene: Scene) -> Finding:
    """Records whether a 429 says when to come back, and in which form."""
    refused = next((s for s in scene.values() if s.status == 429), None)
    if refused is None:
        return None
    value = refused.headers.get("retry-after")
    if value is None:
        return Record("429 without Retry-After")
    if retry_after_has_its_form(refused):
        return Record("429 with a Retry-After that is neither seconds nor a date")
    return Record("429, seconds" if value.strip().isdigit() else "429, a date")
