"""The order of the keys of a schema, which a gateway that writes bodies anew may lose."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.contract.clause import EvidenceGrade, Finding, Level, Unjudged
from harness.contract.fault import is_text, told
from harness.contract.observation import Observation
from harness.contract.topics.tools import (
    declared_functions,
    formatted_texts,
    parsed,
    said_calls,
    topic,
)

SEVERAL = 3
"""Keys that are sorted by chance in one answer of six, and answers that are not so all of them."""


@topic.run(
    "schema-order",
    Level.SHOULD,
    why="A schema that is sorted on the way makes a model answer before it has reasoned.",
    evidence=EvidenceGrade.PRACTICE,
    source="platform.openai.com/docs/guides/structured-outputs: key ordering",
)
def keys_come_in_the_order_of_the_schema(seen: Sequence[Observation]) -> Finding:
    """The keys of strict answers come in the order of the schema, not sorted.

    What reaches the model is seen in what it writes: under a strict schema it writes the keys as
    they were listed to it. An order that is neither of the two in any answer is the model's own,
    and so may every other be; one that is sorted in each of several is no accident.
    """
    told_apart = [(s, order, came) for s in seen for order, came in _orders(s)]
    wrong = [(s, order, came) for s, order, came in told_apart if came != order]
    if not told_apart or any(came != sorted(order) for _, order, came in wrong):
        return Unjudged("the model writes keys in an order of its own") if told_apart else None
    if len(told_apart) < SEVERAL or len(wrong) < len(told_apart):
        return () if not wrong else Unjudged("some keys came sorted, and others as in the schema")
    first, order, came = wrong[0]
    wanted = f"keys in the order {', '.join(order)}"
    said = (
        f"{', '.join(came)}, and sorted in all of {len(wrong)} answers: on the way or by the model"
    )
    return (told(wanted, said, f"request {first.number}", requests=(first.number,)),)


def _orders(seen: Observation) -> Iterator[tuple[list[str], list[str]]]:
    """The keys of each strict schema that is not sorted, and those written to it."""
    for schema, value in _strict(seen):
        order = list(schema["properties"])
        whole = isinstance(value, dict) and set(order) == set(value)
        if whole and len(order) >= SEVERAL and sorted(order) != order:
            yield order, list(value)


def _strict(seen: Observation) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Each strict schema of the request with properties, and a value that was written to it."""
    declared = declared_functions(seen)
    for choice, call in said_calls(seen):
        whole = choice.finish != "length" and is_text(call.name)
        function = declared.get(call.name, {}) if whole else {}
        if function.get("strict") is True and _has_properties(function.get("parameters")):
            yield function["parameters"], parsed(call.arguments)
    texts = formatted_texts(seen, ("json_schema",))
    wanted = seen.case.asked.get("response_format", {}).get("json_schema", {}) if texts else {}
    if wanted.get("strict") is True and _has_properties(wanted.get("schema")):
        yield from ((wanted["schema"], parsed(text)) for text in texts)


def _has_properties(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("properties"), dict)
