"""What the provider's frontend checks in tools, tool_choice and response_format."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.gateway.upstream.schema import schema_problem

_NAME = re.compile(r"[A-Za-z0-9_-]{1,96}\Z")
_MOST = 1536


def tool_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Every reason to refuse the tools of a request or its choice among them."""
    tools = document.get("tools")
    if not isinstance(tools, list | None):
        yield _cannot("tools", "expected a sequence")
        return
    if len(tools or ()) > _MOST:
        yield f"Validation: Tools must have at most {_MOST} items, got {len(tools or ())}"
    names: list[str] = []
    for number, tool in enumerate(tools or ()):
        yield from _tool(tool, f"tools[{number}]")
        names.append(tool["function"]["name"])
    yield from _choice(document.get("tool_choice"), names)


def _tool(tool: Any, where: str) -> Iterator[str]:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or tool.get("type") != "function":
        yield _cannot(where, "expected a tool of type function")
        return
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        yield f"Validation: {where}: function name must be 1 to 96 of [A-Za-z0-9_-]"
    parameters = function.get("parameters")
    if not isinstance(parameters, Mapping | None):
        yield _cannot(where, "parameters: expected a map")
    elif parameters is not None and schema_problem(parameters):
        yield f"Validation: {where}: parameters are no JSON Schema"


def _choice(choice: Any, names: list[str]) -> Iterator[str]:
    if choice is None or choice in ("none", "auto", "required"):
        if choice == "required" and not names:
            yield "Validation: tool_choice 'required' needs tools"
        return
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if name is None:
        yield _cannot("tool_choice", "expected none, auto, required or a function")
    elif name not in names:
        yield "Validation: tool_choice names a function that is not in tools"


def format_problems(response_format: Any) -> Iterator[str]:
    """Every reason to refuse a response_format."""
    if response_format is None:
        return
    kind = response_format.get("type")
    if kind in ("text", "json_object"):
        return
    if kind != "json_schema":
        yield _cannot("response_format", "expected type text, json_object or json_schema")
        return
    yield from _json_schema(response_format.get("json_schema"))


def _json_schema(form: Any) -> Iterator[str]:
    if not isinstance(form, Mapping):
        yield _cannot("response_format", "missing field `json_schema`")
        return
    name, schema = form.get("name"), form.get("schema")
    if not isinstance(name, str) or not name:
        yield "Validation: response_format json_schema needs a name"
    if schema is None or schema is False:
        yield "Validation: response_format json_schema needs a schema"
    elif problem := schema_problem(schema):
        yield f"Validation: response_format json_schema is no JSON Schema: {problem[:120]}"


def _cannot(where: str, why: str) -> str:
    return f"Failed to deserialize the JSON body into the target type: {where}: {why}"
