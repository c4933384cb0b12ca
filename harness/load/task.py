"""What one Locust process is to do: its part in a load, where it finds the plan, and who asks.

It goes by pipe, so that neither a file, nor an argument, nor the environment shows a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from harness.load.plan import Identity, read_identity


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

    `folder` is where it works and its records go, `log` the file of what Locust says. `plan` and
    `locustfile` are paths, None for a worker, whose master gives it both. `host` and `port` are the
    page's or the master's; a port of 0 is any free one.
    """

    role: Role
    folder: str
    log: str
    plan: str | None = None
    locustfile: str | None = None
    index: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    leave_samples: bool = False


def write_order(task: Task, identity: Identity, environment: Mapping[str, str]) -> str:
    """One line that says everything."""
    order = {"task": asdict(task), "identity": identity.to_text(), "environment": {**environment}}
    return json.dumps(order)


def read_order(line: str) -> tuple[Task, Identity, dict[str, str]]:
    """What `write_order` wrote."""
    order = json.loads(line)
    task = Task(**{**order["task"], "role": Role(order["task"]["role"])})
    return task, read_identity(order["identity"]), order["environment"]
