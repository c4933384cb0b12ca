"""What the gateway notes about each request: enough to reconcile a client's records with it.

No secret is kept: header names but not credentials, the names of forwarded fields but no prompt.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.gateway.universal import TriedStep


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request seen. Times are nanoseconds of the gateway's clock.

    `forwarded` names the top-level fields of the body that reached the provider,
    `forwarded_model` is its model; empty and None when nothing was forwarded. `altered` names the
    fields that reached it with another value than the client gave, were dropped or added, and is
    `*order` where only their order changed. `passed_headers` are the client's headers that reached
    it, `stops_with_client` is whether a client that leaves ends the generation. `attempts` counts
    the calls to the provider. `collect_log` is what the request said about being kept in the log.
    `steps` has what became of each step that was tried on the universal endpoint, else nothing.
    """

    seq: int
    at_ns: int
    end_ns: int
    method: str
    path: str
    route: str | None
    status: int
    stream: bool
    event_id: str
    log_id: str
    cf_ray: str
    cache_status: str | None
    attempts: int
    forwarded_model: str | None
    forwarded: tuple[str, ...]
    altered: tuple[str, ...]
    passed_headers: tuple[str, ...]
    stops_with_client: bool
    collect_log: bool | None
    metadata: Mapping[str, str | float | bool]
    defect: str | None
    steps: tuple[TriedStep, ...] = ()

    def document(self) -> dict[str, Any]:
        """The entry as a JSON object."""
        return asdict(self)
