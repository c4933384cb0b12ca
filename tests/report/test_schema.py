"""What a report writes is what its published schemas say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.report import comparison, manifest
from harness.report.build import build_report
from harness.report.files import write_runs
from harness.report.gate import judge
from harness.report.report import SCHEMA_VERSION
from harness.report.runs import compare_runs
from harness.report.schema import names, schema
from tests.report.folders import (
    FLOOR,
    START_NS,
    answered,
    blocks,
    failed,
    hurried,
    mixed,
    write_run,
    write_worker,
)
from tests.schemas import problems, problems_in

ROOT = Path(__file__).parents[2]
RUNS: dict[str, dict[str, Any]] = {
    "load": {"rows": mixed(240), "thresholds": ["p50(ttft) < 140ms", "error_rate < 1%"]},
    "run": {"rows": [*mixed(240), *blocks(40, ratio=1.15)], "command": "run"},
    "compare": {"rows": blocks(30), "command": "compare"},
    "open-loop": {"rows": hurried(), "rate": 50, "in_flight": 8},
    "failing": {"rows": [failed(n) for n in range(30)], "worker": False},
    "one-request": {"rows": [answered()]},
    "nothing": {"rows": []},
    "interrupted": {"rows": mixed(60), "interrupted": True},
    "aborted": {"rows": mixed(60), "aborted": "error_rate > 20%: 40%", "problems": ["odd"]},
    "verify": {"rows": [], "command": "verify", "worker": False},
}


@pytest.mark.parametrize("name", names())
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema_rs.meta.validate(schema(name))

    assert schema(name)["$id"] == f"urn:gateway-harness:{name}:{_version(name)}"
    assert problems(name, {}) != []


def test_a_document_without_a_schema_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        schema("../run")


@pytest.mark.parametrize("kind", RUNS)
def test_every_kind_of_run_writes_what_the_schemas_say(kind: str, tmp_path: Path) -> None:
    build_report(write_run(tmp_path, **RUNS[kind]))

    assert {path.stem for path in tmp_path.glob("*.json")} >= {"run", "summary", "comparison"}
    assert problems_in(tmp_path) == []


def test_a_client_that_paused_writes_what_the_schemas_say(tmp_path: Path) -> None:
    write_run(tmp_path, hurried(), rate=50)
    pause = [START_NS + 2_000_000_000, 1_500_000_000]
    write_worker(tmp_path, records=303, noise_floor=FLOOR, pauses=[pause])

    report = build_report(tmp_path)

    assert report.summary.client.pauses
    assert problems_in(tmp_path) == []


def test_two_runs_write_what_the_schemas_say(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        write_run(tmp_path / name, mixed(300, seed=seed))
    (tmp_path / "out").mkdir()

    write_runs(compare_runs([tmp_path / "a"], [tmp_path / "b"], margin=0.05), tmp_path / "out")

    assert (tmp_path / "out" / "comparison.json").exists()
    assert problems_in(tmp_path) == []


def test_the_committed_sample_is_what_the_schemas_say() -> None:
    sample = ROOT / "reports" / "sample"

    assert {path.stem for path in sample.glob("*.json")} >= {"run", "summary", "conformance"}
    assert problems_in(sample) == []


def test_the_versions_of_the_schemas_are_those_that_are_written() -> None:
    written = {
        "run": manifest.SCHEMA_VERSION,
        "summary": SCHEMA_VERSION,
        "comparison": comparison.SCHEMA_VERSION,
        "gate": judge.SCHEMA_VERSION,
    }

    assert {name: _version(name) for name in written} == written


@pytest.mark.parametrize("name", ["run", "summary", "comparison", "conformance", "gate"])
def test_every_field_of_the_dictionary_is_in_the_schema(name: str) -> None:
    known = {word for key in _keys(schema(name)) for word in re.findall(r"\w+", key)}

    documented = _documented(name)

    assert documented
    assert {field for field in documented if field not in known} == set()


def test_a_changed_meaning_is_found(tmp_path: Path) -> None:
    build_report(write_run(tmp_path, mixed(60)))
    document = json.loads((tmp_path / "summary.json").read_text("utf-8"))

    document["routes"]["native"]["ttft_ms"]["p95"] = "212 ms"

    assert len(problems("summary", document)) == 1


def _version(name: str) -> int:
    return int(schema(name)["properties"]["schema_version"]["const"])


def _keys(value: Any) -> Iterator[str]:
    """Every name of a property, and every name that is said to be required."""
    if isinstance(value, dict):
        for group in ("properties", "patternProperties"):
            yield from value.get(group, {})
        yield from (name for name in value.get("required", []) if isinstance(name, str))
        for item in value.values():
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _documented(name: str) -> set[str]:
    """The fields that the first columns of the section's tables name."""
    text = (ROOT / "reports" / "README.md").read_text("utf-8")
    section = text.partition(f"\n## {name}.json\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    fields = [field for cell in cells for field in re.findall(r"`([^`]+)`", cell)]
    names = [re.sub(r"<\w+>_ms_scheduled", "ttft_ms_scheduled", field) for field in fields]
    words = [re.findall(r"\w+", re.sub(r"<\w+>(_ms)?", "", each)) for each in names]
    return {word for each in words for word in each}
