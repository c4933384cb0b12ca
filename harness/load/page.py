"""What Locust's page shows of a load besides Locust's own charts."""

from typing import Any


def serve(part: Any, *, host: str, port: int) -> str:
    raise NotImplementedError
