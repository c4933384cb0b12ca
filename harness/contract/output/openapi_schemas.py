"""The JSON Schemas of the OpenAPI document: what the three routes take and answer.

Requests are those that every document accepts; answers are those of openai/openai-openapi 2.3.0
as far as the contract binds them.
"""

from typing import Any

from harness.contract.requests import fixed

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    """A reference to one of the schemas below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _array(items: Schema, **limits: Any) -> Schema:
    return {"type": "array", "items": items, **limits}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
FINISH = _one_of("stop", "length", "tool_calls", "content_filter", "function_call")

FIELDS: dict[str, Schema] = {
    "model": NAME,
    "messages": _array(reference("Message"), minItems=1),
    "stream": {"type": "boolean"},
    "stream_options": _object("", include_usage={"type": "boolean"}),
    "max_tokens": {"type": "integer", "minimum": 1, "maximum": 4096},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
    "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
    "n": {"type": "integer", "minimum": 1, "maximum": 1},
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**31},
    "stop": {"anyOf": [NAME, _array(NAME, minItems=1, maxItems=4)]},
    "user": NAME,
    "tools": _array(reference("Tool"), minItems=1),
    "tool_choice": _one_of("auto", "none", "required"),
    "response_format": {
        "anyOf": [
            _object("type", type=_one_of("text", "json_object")),
            {"enum": [fixed.SCHEMA]},
        ]
    },
}
"""The fields of a chat request, each within the bounds that all documents accept."""

SCHEMAS: dict[str, Schema] = {
    "ChatRequest": {
        **_object("model messages", **FIELDS),
        "additionalProperties": False,
        "dependentRequired": {"tool_choice": ["tools"], "stream_options": ["stream"]},
        "if": {"required": ["stream_options"]},
        "then": {"properties": {"stream": {"const": True}}},
    },
    "ModelRequest": {"type": "object"},
    "Message": _object("role content", role=_one_of("system", "user", "assistant"), content=NAME),
    "Tool": _object(
        "type function",
        type=_one_of("function"),
        function=_object(
            "name",
            name={"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
            description=TEXT,
            parameters=_object("type", type=_one_of("object")),
        ),
    ),
    "Completion": _object(
        "id object created model choices usage",
        id=NAME,
        object=_one_of("chat.completion"),
        created=COUNT,
        model=NAME,
        choices=_array(reference("Choice"), minItems=1),
        usage=reference("Usage"),
    ),
    "Choice": _object(
        "index message finish_reason",
        index=COUNT,
        message=reference("Answer"),
        finish_reason=FINISH,
    ),
    "Answer": _object(
        "role content",
        role=_one_of("assistant"),
        content=OPTIONAL_TEXT,
        tool_calls=_array(reference("ToolCall")),
    ),
    "ToolCall": _object(
        "id type function",
        id=NAME,
        type=_one_of("function"),
        function=_object(
            "name arguments",
            name=NAME,
            arguments={"type": "string", "contentMediaType": "application/json"},
        ),
    ),
    "Usage": _object(
        "prompt_tokens completion_tokens total_tokens",
        prompt_tokens={"type": "integer", "minimum": 1},
        completion_tokens=COUNT,
        total_tokens={"type": "integer", "minimum": 1},
    ),
    "Chunk": _object(
        "id object created model choices",
        id=NAME,
        object=_one_of("chat.completion.chunk"),
        created=COUNT,
        model=NAME,
        choices=_array(reference("ChunkChoice")),
        usage={"anyOf": [reference("Usage"), {"type": "null"}]},
    ),
    "ChunkChoice": _object(
        "index delta",
        index=COUNT,
        delta=reference("Delta"),
        finish_reason={"anyOf": [FINISH, {"type": "null"}]},
    ),
    "Delta": _object(
        "",
        role=_one_of("assistant"),
        content=OPTIONAL_TEXT,
        tool_calls=_array(
            _object(
                "index",
                index=COUNT,
                function=_object("", name=TEXT, arguments=TEXT),
            )
        ),
    ),
    "Event": _object(
        "data",
        data={
            "type": "string",
            "anyOf": [
                {"const": "[DONE]"},
                {"contentMediaType": "application/json", "contentSchema": reference("Chunk")},
            ],
        },
    ),
    "Refusal": {
        "type": "object",
        "anyOf": [{"required": ["error"]}, {"required": ["message"]}],
    },
}
"""All schemas by name. `Event` is one event of a stream."""
for _schema in SCHEMAS.values():
    if _schema.get("required") == []:
        del _schema["required"]
