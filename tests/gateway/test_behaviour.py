"""Undocumented behaviour as switches, and the files that hold it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.gateway.behaviour import EXAMPLE, SWITCHES, Behaviour
from harness.gateway.recording import read_behaviour

ANY = st.fixed_dictionaries({switch.name: st.sampled_from(switch.choices) for switch in SWITCHES})


@given(ANY)
def test_a_document_describes_every_switch_and_reads_back(values: dict[str, Any]) -> None:
    behaviour = Behaviour(**values)

    document = json.loads(json.dumps(behaviour.to_document()))

    assert document["behaviour"] == values
    assert Behaviour.from_document(document) == behaviour


def test_every_switch_has_its_default_first_a_meaning_and_a_source() -> None:
    for switch in SWITCHES:
        assert getattr(Behaviour(), switch.name) == switch.default == switch.choices[0]
        assert len(switch.choices) >= 2
        assert switch.meaning
        assert switch.source


def test_switches_that_a_document_lacks_keep_their_defaults() -> None:
    document = {"schema_version": 1, "behaviour": {"pad_chunks": True}}

    assert Behaviour.from_document(document) == Behaviour(pad_chunks=True)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], f"expected {EXAMPLE}"),
        ({"behaviour": {}}, "schema_version: expected 1, got None"),
        ({"schema_version": 2, "behaviour": {}}, "expected 1, got 2"),
        ({"schema_version": True, "behaviour": {}}, "expected 1, got True"),
        ({"schema_version": 1, "behaviour": {"speed": 1}}, "'speed' is unknown"),
        ({"schema_version": 1, "behaviour": {"sdk_path": "maybe"}}, "expected one of 'rewrite"),
        ({"schema_version": 1, "behaviour": {"pad_chunks": 1}}, "expected one of False, True"),
        ({"schema_version": 1, "behaviour": {"sdk_path": []}}, "got []"),
    ],
)
def test_a_bad_document_is_refused_by_name(document: object, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Behaviour.from_document(document)

    assert complaint in str(caught.value)


def test_a_file_reads_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "behaviour.json"
    behaviour = Behaviour(n_policy="serve", temperature_max=4)

    path.write_text(json.dumps(behaviour.to_document()))

    assert read_behaviour(path) == behaviour


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1]", b'{"a":' * 5000])
def test_a_bad_file_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "behaviour.json"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"behaviour\.json"):
        read_behaviour(path)


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none"):
        read_behaviour(tmp_path / "none.json")
