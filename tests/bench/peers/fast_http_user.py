"""Locust's FastHttpUser, asking what our users ask and reading the answer as JSON."""

import json
import os
from pathlib import Path

from locust import FastHttpUser, task

REQUEST = json.loads(Path(os.environ["BENCH_REQUEST"]).read_text("utf-8"))


class Peer(FastHttpUser):
    """One request after another."""

    @task
    def ask(self) -> None:
        """Send one; Locust fires its event."""
        answer = self.client.post(
            REQUEST["path"], data=REQUEST["body"].encode(), headers=REQUEST["headers"]
        )
        answer.json()
