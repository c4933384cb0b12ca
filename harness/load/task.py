"""What one Locust process is to do: its part in a load, and where it finds the plan.

It goes as the process's only argument and is no secret; credentials go by environment variable.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class Role(StrEnum):
    """Which part a Locust process has."""

    LOCAL = "local"
    """Sends its share; the command that started it says when."""
    PAGE = "page"
    """Sends everything, and serves Locust's page."""
    MASTER = "master"
    """Directs workers, collects their records, sends nothing."""
    WORKER = "worker"
    """Sends the share that a master gives it."""


@dataclass(frozen=True, slots=True)
class Task:
    """The order of one Locust process.

    `folder` is where records go. `plan` and `locustfile` are paths, None for a worker, whose master
    gives it both. `host` and `port` are the page's or the master's; a port of 0 is any free one.
    """

    role: Role
    folder: str
    plan: str | None = None
    locustfile: str | None = None
    index: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    leave_samples: bool = False

    def to_text(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))


def read_task(text: str) -> Task:
    """What `to_text` wrote."""
    document = json.loads(text)
    return Task(**{**document, "role": Role(document["role"])})
