"""What a dedicated model takes. Cases of the model route are written for a text model, with a
prompt and a limit of tokens; where the settings say what the deployment takes, they ask for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from harness.contract.case import Case, Expect
from harness.contract.observation import Observation
from harness.contract.run.outage import RouteOutage
from harness.errors import Layer

MARK = "contract_mark"
"""The field that makes two requests differ, added only where the deployment accepts it."""
FIELDS = ("prompt", "inputs")
"""What a case for a text model has, or one for any JSON."""
ALIKE = ("cache", "keys", "expiry")
"""The probes that need requests which differ."""
ALL_ALIKE = "the deployment takes no field that tells two requests apart"
REFUSED = (400, 415, 422)
Inputs = Sequence[Mapping[str, Any]]


def taken(case: Case, inputs: Inputs, *, marked: bool) -> Case:
    """The case in the words of the deployment; one of its own words, or for another route, as is.

    Equal cases stay equal, and with `marked` different ones stay different.
    """
    asked = case.asked
    if case.route != "model" or not inputs or not any(name in asked for name in FIELDS):
        return case
    if {name: value for name, value in asked.items() if name != MARK} in inputs:
        return case
    number = crc32(repr(sorted(asked.items(), key=str)).encode())
    body = dict(inputs[number % len(inputs)])
    return replace(case, body={**body, MARK: f"{number:08x}"} if marked else body)


def with_further_field(case: Case) -> Case:
    """The case with a field that no deployment knows, to see whether it is overlooked."""
    return replace(case.having(**{MARK: "mark"}), topic="a further field", expect=Expect.EITHER)


def takes_another_input(seen: Observation, inputs: Inputs) -> RouteOutage | None:
    """That a deployment about which nothing was said refused a text model's input by itself."""
    failure = seen.answer.failure if seen.answer else None
    if seen.case.route != "model" or inputs or seen.status not in REFUSED:
        return None
    if failure is not None and failure.layer is Layer.GATEWAY:
        return None
    said = failure.message[:120] if failure else ""
    reason = (
        f"HTTP {seen.status}{f' ({said})' if said else ''} for a prompt and a limit of tokens: set "
        "BASETEN_MODEL_INPUT or model_input to what the deployment takes"
    )
    return RouteOutage(Layer.PROVIDER, reason)
