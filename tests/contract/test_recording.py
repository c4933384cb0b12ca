"""What a run writes down is what the stand-in was served with, and a difference is drift."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from harness.contract.observation import Observation
from harness.contract.options import RunOptions
from harness.contract.output.recording import TOLD, behaviour_of, document_of, drift, read_recording
from harness.contract.run import standin
from harness.contract.run.session import perform
from harness.contract.run.standin import TARGET
from harness.contract.topics.catalogue import CLAUSES
from harness.gateway.behaviour import SWITCHES, Behaviour, Value
from harness.settings.stand_in import stand_in
from harness.wire import Chunk
from tests.contract.answers import asked, good_chunks, seen, sse, streamed
from tests.contract.runs import explore

DEFAULTS: dict[str, Value] = {s.name: s.default for s in SWITCHES if s.name in TOLD}
OTHERS = {s.name: s.choices[1:] for s in SWITCHES if s.name in TOLD}
NUMBERS = range(max(len(choices) for choices in OTHERS.values()))
LATER = {"universal_fallback": 1}
"""Switches whose other position hides that of others: it has its turn after theirs."""


def positions(number: int) -> dict[str, Value]:
    """Every switch in its other position of this number, if it has as many."""
    turns = {name: number - LATER.get(name, 0) for name in OTHERS}
    return {name: OTHERS[name][turn] for name, turn in turns.items() if turn in range_of(name)}


def range_of(name: str) -> range:
    return range(len(OTHERS[name]))


@cache
def recorded(number: int | None) -> tuple[Observation, ...]:
    """What a run sees of a stand-in with its defaults, or with other positions."""
    values = {} if number is None else positions(number)
    behaviour = Behaviour.from_document({"schema_version": 1, "behaviour": values})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            standin, "stand_in", lambda *a, **k: replace(stand_in(*a, **k), behaviour=behaviour)
        )
        exploration = explore()
    limited = exploration.limited.seen if exploration.limited else []
    return (*exploration.sender.seen, *limited)


def test_a_run_on_the_defaults_tells_every_switch_that_can_be_told() -> None:
    assert behaviour_of(recorded(None)) == DEFAULTS


@pytest.mark.parametrize("number", NUMBERS)
def test_a_run_tells_the_other_positions(number: int) -> None:
    wanted = positions(number)

    found = behaviour_of(recorded(number))

    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("number", [None, *NUMBERS])
def test_a_recording_is_served_again_and_shows_no_drift_on_itself(
    number: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "behaviour.json"
    path.write_text(json.dumps(document_of(recorded(number))))

    recording = read_recording(path)

    assert Behaviour.from_document(json.loads(path.read_text()))
    assert drift(recording, recorded(number)) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_every_switch_that_differs_is_drift(number: int) -> None:
    recording = behaviour_of(recorded(None))

    rows = {row["name"]: row["target"] for row in drift(recording, recorded(number))}

    assert rows.items() >= positions(number).items()


def test_what_is_told_is_also_in_a_record_clause_where_people_look_for_it() -> None:
    ids = {clause.id for clause in CLAUSES}

    assert ids >= {
        *("record-body-limit", "record-padding", "record-nulls", "record-usage-cadence"),
        *("record-retry-after", "record-timeout", "record-option-bounds", "record-get"),
        *("record-not-json", "record-sdk-path", "record-universal"),
    }


def test_a_head_that_comes_with_the_first_byte_is_not_early() -> None:
    together = [_stream(head_ms=50, first_ms=50)] * 3
    apart = [_stream(head_ms=2, first_ms=50)] * 3

    assert behaviour_of(together)["early_headers"] is False
    assert behaviour_of(apart)["early_headers"] is True
    assert "early_headers" not in behaviour_of(apart[:2])


def _stream(*, head_ms: int, first_ms: int) -> Observation:
    made = seen(streamed(), sse(good_chunks()))
    assert made.response is not None
    chunks = (Chunk(made.response.body, first_ms * 1_000_000),)
    response = replace(
        made.response, chunks=chunks, head_at_ns=head_ms * 1_000_000, end_at_ns=first_ms * 1_000_000
    )
    return replace(made, exchange=replace(made.exchange, response=response))


def _timeout(status: int, document: Mapping[str, Value]) -> Observation:
    case = replace(asked(), topic="timeout of 1 ms")
    return seen(case, json.dumps(document).encode(), status=status)


@pytest.mark.parametrize(
    ("status", "told"), [(408, "408"), (504, "504"), (524, "524"), (499, None)]
)
def test_the_status_of_an_expired_timeout_is_told_if_the_stand_in_can_play_it(
    status: int, told: str | None
) -> None:
    assert behaviour_of([_timeout(status, {"message": "late"})]).get("request_timeout") == told


def test_the_files_of_a_run_hold_what_was_recorded_and_the_drift(tmp_path: Path) -> None:
    path, pairs = tmp_path / "behaviour.json", [(c.id, r) for c in CLAUSES for r in c.routes]

    first = perform(TARGET, RunOptions(record=path), pairs=pairs)
    recording = read_recording(path)
    path.write_text(json.dumps({"schema_version": 1, "behaviour": {**recording, "nulls": "send"}}))
    again = perform(TARGET, RunOptions(against=path), pairs=pairs)

    assert first.document["behaviour"] == recording == DEFAULTS
    assert "drift" not in first.document
    assert [(row["name"], row["target"]) for row in again.document["drift"]] == [("nulls", "omit")]
