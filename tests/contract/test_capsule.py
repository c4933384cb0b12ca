"""Failures as data: what is written can be read and repeated."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.case import Case, Expect, Key
from harness.contract.output.failure_folder import case_of, document_of, read_capsule
from harness.errors import UsageError
from tests.contract.answers import asked

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
CASES = st.builds(
    Case,
    route=st.sampled_from(["native", "compat", "model"]),
    body=st.one_of(st.binary(max_size=20), st.dictionaries(TEXT, JSON, max_size=4)),
    topic=TEXT,
    expect=st.sampled_from(Expect),
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    provider_key=st.sampled_from(Key),
    gateway_key=st.sampled_from(Key),
    method=st.sampled_from(["GET", "POST"]),
    path=st.none() | TEXT.map(lambda text: f"/{text}"),
    gateway=st.none() | TEXT,
    model_id=st.none() | TEXT,
    prefix=st.booleans(),
    fresh=st.booleans(),
)


@given(CASES)
def test_a_case_survives_json(case: Case) -> None:
    assert case_of(json.loads(json.dumps(document_of(case)))) == case


def test_a_plain_case_is_described_by_little() -> None:
    assert set(document_of(asked())) == {"route", "topic", "body"}


def held(**changes: Any) -> dict[str, Any]:
    """The document of a capsule with these fields replaced."""
    exchange = {
        "case": document_of(asked()),
        "request": {"url": "http://127.0.0.1:9/v1/acc/gw/baseten/v1/chat/completions"},
    }
    return {
        "schema_version": 1,
        "clause": "usage-sum",
        "route": "native",
        "sent_again": 2,
        "failed_again": 1,
        "run": {"target_kind": "url", "defect": None},
        "exchanges": [exchange],
    } | changes


def test_a_capsule_is_read_from_its_folder_or_its_file(tmp_path: Path) -> None:
    (tmp_path / "capsule.json").write_text(json.dumps(held()))

    found = read_capsule(tmp_path)

    assert found == read_capsule(tmp_path / "capsule.json")
    assert (found.clause.id, found.route, found.cases) == ("usage-sum", "native", (asked(),))
    assert (found.origin, found.flaky) == ("http://127.0.0.1:9", True)


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{}", "nonsense", '"x"', json.dumps(held(schema_version=9))),
        json.dumps(held(clause="no-such-clause")),
        json.dumps(held(exchanges=[{"case": {"colour": "blue"}, "request": {"url": ""}}])),
        json.dumps(held(exchanges=[1])),
        json.dumps(held(run=None)),
    ],
)
def test_what_is_no_capsule_is_said(text: str, tmp_path: Path) -> None:
    path = tmp_path / "capsule.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=r"capsule\.json is "):
        read_capsule(path)


def test_a_folder_without_a_capsule_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no failure"):
        read_capsule(tmp_path)
