"""A defect of a share of the answers: calls that are billed and do not come, so many of so many."""

import random
import re

from harness.defects.defect import Defect
from harness.defects.edits import Document, choices, on_chat, part_of
from harness.defects.mutants.occasion import ROUTES, route_of
from harness.errors import UsageError
from harness.gateway.served import Served
from harness.wire import Response

OPERATOR = "empty-calls"
_NAME = re.compile(rf"{OPERATOR}:([0-9]{{1,4}})-of-([0-9]{{1,4}})@([a-z]+)")


def of_share(name: str) -> Defect:
    """The defect that a name such as `empty-calls:22-of-51@compat` stands for; else UsageError.

    Of every 51 answers with tool calls on a route, 22 come empty; which ones, the seed of the
    gateway decides.
    """
    match = _NAME.fullmatch(name)
    count, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if match is None or not 0 < count <= of or match[3] not in ROUTES:
        raise UsageError(f"no generated defect: {name!r}, expected {OPERATOR}:COUNT-of-N@ROUTE")
    route = match[3]

    def respond(served: Served) -> Response:
        changed = _emptied(served)
        here = route in ("all", route_of(served.arrival))
        if not here or changed == served.response:
            return served.response
        number = served.memory.get(name, 0)
        served.memory[name] = number + 1
        seed = served.call.config.seed if served.call else 0
        block, place = divmod(number, of)
        rng = random.Random(seed * 1_000_003 + block)  # noqa: S311 - a sample, not a secret
        return changed if place in rng.sample(range(of), count) else served.response

    return Defect(
        name=name,
        group="generated",
        statement=f"{count} of {of} answers with tool calls come empty, and are billed ({route})",
        source="a model of Baseten's: 22 of 51 empty, 0 of 30 at its vendor",
        respond=respond,
        rare=True,
    )


def _without_calls(document: Document) -> Document:
    for choice in choices(document):
        if part_of(choice).pop("tool_calls", None):
            part_of(choice)["content"] = ""
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return document


_emptied = on_chat(_without_calls)
