"""Records are written as JSON and read back; what does not fit is told with its place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.report.build import build_report
from harness.report.documents import document, read
from harness.report.workers import CalibrationResult, read_workers
from tests.report.folders import FLOOR, answered, write_run, write_worker


@dataclass(frozen=True, slots=True)
class Leaf:
    name: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    count: int
    leaves: tuple[Leaf, ...]
    by_name: Mapping[str, Leaf] = field(default_factory=dict)
    ends: tuple[int, float] = (0, 1.0)
    known: bool = False
    more: Any = None


LEAF: dict[str, Any] = {"name": "native", "share": 0.5}
TREE: dict[str, Any] = {"count": 1, "leaves": [LEAF]}
LEAVES = st.builds(Leaf, st.text(), st.none() | st.floats(allow_nan=False))


@given(
    st.builds(
        Tree,
        st.integers(),
        st.lists(LEAVES).map(tuple),
        st.dictionaries(st.text(), LEAVES),
        st.tuples(st.integers(), st.floats(allow_nan=False)),
        st.booleans(),
    )
)
def test_a_record_that_was_written_is_read_back_the_same(tree: Tree) -> None:
    assert read(Tree, json.loads(json.dumps(document(tree))), "tree") == tree


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"count": "1"}, "tree.json.count: expected a whole number, got '1'"),
        ({"count": True}, "tree.json.count: expected a whole number, got True"),
        ({"known": 1}, "tree.json.known: expected a flag, got 1"),
        ({"leaves": LEAF}, "tree.json.leaves: expected a list, got {"),
        ({"leaves": [LEAF, {"share": 1}]}, "tree.json.leaves[1]: expected the field name, got sh"),
        ({"leaves": [{}]}, "tree.json.leaves[0]: expected the field name, got an empty object"),
        ({"leaves": [{**LEAF, "share": "50 %"}]}, "leaves[0].share: expected a number, got '50 %'"),
        ({"by_name": {"a": 3}}, "tree.json.by_name.a: expected an object, got 3"),
        ({"by_name": [LEAF]}, "tree.json.by_name: expected an object, got ["),
        ({"ends": [1]}, "tree.json.ends: expected a list of 2, got [1]"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(Tree, TREE | changes, "tree.json")

    assert told in str(raised.value)


def test_a_document_that_is_no_object_is_told() -> None:
    with pytest.raises(UsageError, match=r"tree\.json: expected an object, got \[1, 2\]"):
        read(Tree, [1, 2], "tree.json")


def test_a_field_that_was_added_later_is_passed_over() -> None:
    assert read(Tree, {**TREE, "of_a_later_version": 1}, "tree.json").count == 1


def test_a_foreign_report_of_a_worker_is_named_and_not_believed(tmp_path: Path) -> None:
    write_run(tmp_path, [answered(n) for n in range(30)])
    write_worker(tmp_path, records=30, cpu_s="5 s")

    report = build_report(tmp_path)

    assert read_workers(tmp_path).unreadable == ("load-0.json",)
    assert any(reason.startswith("workers/load-0.json cannot be read") for reason in report.reasons)


def test_the_noise_floor_of_one_process_is_written_as_it_was_found() -> None:
    found = {**FLOOR, "cpu_share": 0.4}

    assert document(read(CalibrationResult, found, "floor")) == found
    assert document(read(CalibrationResult, FLOOR, "floor")) == FLOOR
