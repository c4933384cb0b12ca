"""The OpenAPI document of the three routes, and that it agrees with the contract's own data."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.contract.case import Expect
from harness.contract.output.openapi import document
from harness.contract.requests import fixed
from harness.contract.requests.bounds import BOUNDS, FieldBound
from tests.contract.answers import MODEL
from tests.contract.runs import explore

META = Path(__file__).parent / "meta" / "openapi-3.1.json"
"""https://spec.openapis.org/oas/3.1/schema/2022-10-07."""
DOCUMENT = document(chat_model=MODEL)


def allows(schema: str, value: Any) -> bool:
    rooted = {"components": DOCUMENT["components"], "$ref": f"#/components/schemas/{schema}"}
    return bool(jsonschema_rs.validator_for(rooted).is_valid(value))


def body(bound: FieldBound) -> Any:
    return fixed.bound_case("native", MODEL, bound, "mark").body


def test_the_document_is_valid_openapi() -> None:
    meta = jsonschema_rs.Draft202012Validator(json.loads(META.read_text(encoding="utf-8")))

    assert [error.message for error in meta.iter_errors(DOCUMENT)] == []


def test_every_reference_leads_to_a_schema() -> None:
    text = json.dumps(DOCUMENT)

    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= DOCUMENT["components"]["schemas"].keys()


@pytest.mark.parametrize("bound", [b for b in BOUNDS if b.expect is Expect.REJECT], ids=repr)
def test_what_must_be_refused_is_not_allowed(bound: FieldBound) -> None:
    assert not allows("ChatRequest", body(bound))


@pytest.mark.parametrize("bound", [b for b in BOUNDS if b.expect is Expect.ACCEPT], ids=repr)
def test_what_must_be_accepted_is_allowed(bound: FieldBound) -> None:
    assert allows("ChatRequest", body(bound))


def test_answers_of_the_stand_in_fit_the_document() -> None:
    seen = [s for s in explore(requests=60).sender.seen if s.good and s.reading is not None]

    plain = [s.reading.document for s in seen if s.reading and not s.reading.streamed]
    chunks = [chunk for s in seen if s.reading for _, chunk in s.reading.chunks]
    assert plain
    assert chunks
    assert all(allows("Completion", answer) for answer in plain)
    assert all(allows("Chunk", chunk) for chunk in chunks)


def test_each_route_has_examples() -> None:
    operations = [path["post"] for path in DOCUMENT["paths"].values()]

    contents = [each["requestBody"]["content"]["application/json"] for each in operations]
    assert [len(content["examples"]) >= 3 for content in contents] == [True] * 3
