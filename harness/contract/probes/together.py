"""Has many requests in flight at once, each with an answer that only it may get."""

from dataclasses import replace

from harness.contract.case import Case
from harness.contract.probes.stage import Stage

TOPIC = "in flight together"
STREAMS, PLAIN, OTHERS = 8, 4, 4
"""Sixteen in flight: streams and plain ones of the route, and plain ones of the other routes."""


def play(stage: Stage) -> None:
    """All at once, and then one alone."""
    cases = [_case(stage, number) for number in range(STREAMS + PLAIN + OTHERS)]
    for number, seen in enumerate(stage.sender.send_together(cases)):
        stage.scene[f"together_{number}"] = seen
    stage.play("alone", stage.marked("alone", 2050))


def _case(stage: Stage, number: int) -> Case:
    case = stage.marked(TOPIC, 2000 + number, stream=number < STREAMS)
    others = [route for route in stage.sender.subject.routes if route != stage.route]
    if number < STREAMS + PLAIN or not others:
        return case
    other = others[number % len(others)]
    if other == "model":
        document = {"prompt": f"Say hello. ({number})", "max_tokens": 16}
        return Case("model", document, TOPIC)
    return replace(case, route=other)
