"""The requests of a repeated run: tool calls of several kinds, a format, a long prompt.

Every round asks each of them anew, with a text that was never sent, so that neither a cache nor a
prompt's prefix answers for the model. Sampling is left as it is by default: it is what users get.
"""

from dataclasses import dataclass, field
from typing import Any

from harness.contract.case import Case
from harness.contract.requests.fixed import CLOCK, SCHEMA, WEATHER, body
from harness.contract.requests.text import nonce

CITIES = ("Oslo", "Rome", "Lima", "Cairo", "Delhi", "Quito", "Perth", "Accra", "Sofia", "Hanoi")
TRIP = {
    "type": "function",
    "function": {
        "name": "book_trip",
        "description": "Books a trip with its legs.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "traveller": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                    "required": ["name", "age"],
                    "additionalProperties": False,
                },
                "legs": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "to": {"type": "string"},
                            "by": {"type": "string", "enum": ["train", "plane", "ship"]},
                        },
                        "required": ["to", "by"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["traveller", "legs"],
            "additionalProperties": False,
        },
    },
}
_NAMED = {"type": "function", "function": {"name": "get_time"}}
_PARAGRAPH = "The river is long, and the towns along it are old. "
_LONG = _PARAGRAPH * 240
"""About three thousand tokens."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request of the corpus; `text` has a place for a city, `fields` are of the body.

    `calls` is whether the answer has to have a tool call.
    """

    name: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def calls(self) -> bool:
        """Whether the answer has to have a tool call."""
        return "tools" in self.fields

    def case(self, route: str, model: str, *, seed: int, round_: int, number: int) -> Case:
        """The request of a round, unlike that of any other round."""
        city = CITIES[(seed + round_) % len(CITIES)]
        mark = nonce(seed, 100_000 + round_ * 100 + number)
        text = f"({mark}) {self.text.format(city=city)}"
        return Case(route, body(model, text, **self.fields), f"repeated: {self.name}")


def _tools(*tools: dict[str, Any], most: int = 400, **fields: Any) -> dict[str, Any]:
    return {"tools": list(tools), "tool_choice": "required", "max_tokens": most} | fields


CORPUS = (
    Question("one tool", "What time is it in {city}?", _tools(CLOCK)),
    Question(
        "parallel tools",
        "The weather in {city} for two days in celsius, and the time there?",
        _tools(WEATHER, CLOCK, parallel_tool_calls=True),
    ),
    Question("named tool", "The time in {city}?", _tools(WEATHER, CLOCK, tool_choice=_NAMED)),
    Question(
        "nested schema",
        "Book a trip for Ada, 36 years old, to {city} by train and home by ship.",
        _tools(TRIP, most=800),
    ),
    Question(
        "reasoning with tools",
        "Think about which tool tells when shops in {city} open, and call it.",
        _tools(WEATHER, CLOCK, most=2000, reasoning_effort="low"),
    ),
    Question(
        "JSON schema",
        "Invent a person from {city} and fill in the form.",
        {"response_format": SCHEMA, "max_tokens": 400},
    ),
    Question(
        "long prompt",
        f"{_LONG}Which city is this? It is {{city}}. Answer in one word.",
        {"max_tokens": 400},
    ),
)
"""Five whose answer is a call, and two whose answer is a text."""
