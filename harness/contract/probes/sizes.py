"""Sends long bodies that mean little: white space in JSON costs bytes and no tokens."""

import json
from dataclasses import replace

from harness.contract.case import Case
from harness.contract.probes.stage import Stage
from harness.routes.compat import PREFIX

SIZES = (("70k", 70_000), ("1200k", 1_200_000))
"""Around the buffers that cut: 64 KiB and 1 MiB. Baseten takes 45 MB and more."""


def play(stage: Stage) -> None:
    """The same small request in ever longer bodies; none where tokens or dollars are capped."""
    budget = stage.sender.budget
    if budget.max_tokens is not None or budget.max_cost is not None:
        return  # bytes would be reserved as tokens
    for number, (name, size) in enumerate(SIZES if stage.route == "native" else SIZES[:1]):
        case = stage.sender.taken(stage.plain(f"a body of {name}", 1700 + number))
        stage.play(name, replace(case, body=padded(case, size)))


def padded(case: Case, size: int) -> bytes:
    """The case's JSON with white space before its first field, `size` bytes or a little more."""
    document = dict(case.asked)
    if case.route == "compat":
        document["model"] = PREFIX + document["model"]
    return b"{" + b" " * size + json.dumps(document).encode()[1:]
