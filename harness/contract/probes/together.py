"""Has many requests in flight at once, each with an answer that only it may get."""

from dataclasses import replace

from harness.contract.case import Case
from harness.contract.probes.stage import Stage

STREAMS, PLAIN, OTHERS = 8, 4, 4
"""Streams and plain ones of the route, and plain ones of the other routes."""
IN_FLIGHT = STREAMS + PLAIN + OTHERS
"""So many requests are in flight at once."""


def play(stage: Stage) -> None:
    """All at once, and then one alone; nothing where the budget does not reach for all of them."""
    left = stage.sender.budget.left
    if left is not None and left <= IN_FLIGHT:
        return
    cases = [_case(stage, number) for number in range(IN_FLIGHT)]
    for number, seen in enumerate(stage.sender.send_together(cases)):
        stage.scene[f"together_{number}"] = seen
    stage.play("alone", stage.marked("alone", 2050))


def _case(stage: Stage, number: int) -> Case:
    case = stage.marked("in flight together", 2000 + number, stream=number < STREAMS)
    case = replace(case, alone=False)
    others = [route for route in stage.sender.subject.routes if route != stage.route]
    if number < STREAMS + PLAIN or not others:
        return case
    other = others[number % len(others)]
    if other == "model":
        document = {"prompt": f"Say hello. ({number})", "max_tokens": 16}
        return Case("model", document, "in flight together", alone=False)
    return replace(case, route=other)
