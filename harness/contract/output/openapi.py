"""The three routes as an OpenAPI 3.1 document: `python -m harness.contract.output.openapi`.

It is made from the contract's own data: the fixed cases are its examples, the table of bounds says
why a field ends where it does. What a schema cannot say is in the clauses.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

import jsonschema_rs

from harness.contract.case import Case, Expect
from harness.contract.output.openapi_schemas import FIELDS, SCHEMAS, reference
from harness.contract.requests import fixed
from harness.contract.requests.bounds import BOUNDS
from harness.routes import compat, model, native
from harness.routes.route import DEFAULT_MODEL

EXAMPLES = 12
"""So many fixed cases of a route are examples of its requests."""


def document(
    *,
    server: str = "https://gateway.ai.cloudflare.com/v1/{account}/{gateway}",
    chat_model: str = DEFAULT_MODEL,
    model_id: str = "abcd1234",
) -> dict[str, Any]:
    """The document for one gateway; `server` may hold the variables account and gateway."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Baseten behind Cloudflare AI Gateway", "version": "1"},
        "servers": [_server(server)],
        "security": [{"provider": [], "gateway": []}],
        "paths": {
            native.PATH: {"post": _chat("native", chat_model)},
            compat.PATH: {"post": _chat("compat", chat_model)},
            f"{model.PATH}{model_id}": {"post": _model()},
        },
        "components": {"schemas": _schemas(chat_model), "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "provider": {"type": "http", "scheme": "bearer"},
    "gateway": {"type": "apiKey", "in": "header", "name": "cf-aig-authorization"},
}


def _server(url: str) -> dict[str, Any]:
    names = [name for name in ("account", "gateway") if f"{{{name}}}" in url]
    variables = {name: {"default": name} for name in names}
    return {"url": url, "variables": variables} if variables else {"url": url}


def _chat(route: str, chat_model: str) -> dict[str, Any]:
    cases = fixed.chat_cases(route, chat_model, 0)
    asked = "CompatRequest" if route == "compat" else "ChatRequest"
    return {
        "operationId": f"chat_{route}",
        "requestBody": _asks(asked, cases, chat_model),
        "responses": {
            "200": {
                "description": "A completion, or its chunks where `stream` is true.",
                "headers": _HEADERS,
                "content": {
                    "application/json": {"schema": reference("Completion")},
                    "text/event-stream": {"schema": reference("Event")},
                },
            },
            **_refused("400", "401", "404", "422", "429"),
        },
    }


def _model() -> dict[str, Any]:
    anything: dict[str, Any] = {"schema": {}}
    return {
        "operationId": "model",
        "requestBody": _asks("ModelRequest", fixed.model_cases(0), ""),
        "responses": {
            "200": {
                "description": "Whatever the model returns.",
                "headers": _HEADERS,
                "content": {"application/json": anything, "application/octet-stream": anything},
            },
            **_refused("400", "401", "404", "422", "429"),
        },
    }


_HEADERS = {
    name: {"required": True, "schema": {"type": "string", "minLength": 1}}
    for name in ("cf-aig-event-id", "cf-aig-log-id", "cf-ray")
}
"""What every answer of the gateway carries."""


def _asks(schema: str, cases: Iterable[Case], chat_model: str) -> dict[str, Any]:
    """A request body; its examples are the accepted fixed cases that the schema allows."""
    components = {"components": {"schemas": _schemas(chat_model)}}
    valid = jsonschema_rs.validator_for({**components, **reference(schema)}).is_valid
    accepted = [c for c in cases if c.expect is Expect.ACCEPT and valid(_body(c))]
    examples = {
        f"{number:02}": {"summary": case.topic, "value": _body(case)}
        for number, case in enumerate(accepted[:EXAMPLES])
    }
    content = {"schema": reference(schema), "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def _body(case: Case) -> dict[str, Any]:
    body = dict(case.asked)
    if case.route == "compat":
        body["model"] = f"{compat.PREFIX}{body['model']}"
    return body


def _refused(*statuses: str) -> dict[str, Any]:
    content = {"application/json": {"schema": reference("Refusal")}}
    return {status: {"description": "Refused.", "content": content} for status in statuses}


def _schemas(chat_model: str) -> dict[str, Any]:
    """The schemas; a field of a chat request says in which documents its bounds stand."""
    fields = {name: {**schema, **_why(name)} for name, schema in FIELDS.items()}
    asked = {
        name: {**SCHEMAS["ChatRequest"], "properties": {**fields, "model": {"enum": [chosen]}}}
        for name, chosen in (
            ("ChatRequest", chat_model),
            ("CompatRequest", f"{compat.PREFIX}{chat_model}"),
        )
    }
    return {**SCHEMAS, **asked}


def _why(field: str) -> dict[str, str]:
    mine = [bound for bound in BOUNDS if bound.field == field]
    lines = [f"{json.dumps(bound.value)[:60]}: {bound.expect}, {bound.why}" for bound in mine]
    return {"description": "; ".join(lines)} if lines else {}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1) + "\n")
