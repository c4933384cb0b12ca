"""Folders of one distributed run become one report."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute
from harness.errors import UsageError
from harness.report.build import assemble
from harness.report.documents import write_json
from harness.report.merge import merge
from tests.report.folders import START_NS, answered, write_run, write_stream, write_worker
from tests.sample import Sample

MACHINES = ("a", "b", "c")


def machine(folder: Path, number: int, *, clock_ns: int = 0, **facts: Any) -> Path:
    """What one machine left: a worker of its own, whose clock is ahead by `clock_ns`."""
    worker = f"load-{number}"
    write_run(folder, [], worker=False, expected_records=40, **facts)
    document = json.loads((folder / "run.json").read_text("utf-8"))
    document["clock"] |= {"wall_ns": START_NS, "monotonic_ns": START_NS + clock_ns}
    write_json(folder / "run.json", document)
    (folder / "samples" / "load-0.arrows").unlink()
    rows = [_sample(n, worker, clock_ns) for n in range(40)]
    write_stream(folder / "samples" / f"{worker}.arrows", rows)
    write_worker(folder, records=40, worker=worker)
    (folder / "workers" / f"{worker}.sent").write_bytes((40).to_bytes(8, "little"))
    return folder


def _sample(n: int, worker: str, clock_ns: int) -> Sample:
    at_ms = clock_ns / 1e6 + n * 100
    return answered(n, worker=worker, event_id=f"{worker}-{n}", sent_ms=at_ms)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [
        machine(tmp_path / name, place, clock_ns=place * 10**15, notes=[f"note of {name}"])
        for place, name in enumerate(MACHINES)
    ]


def test_the_folders_of_three_machines_are_one_run(folders: list[Path], tmp_path: Path) -> None:
    merge(folders, tmp_path / "whole")

    report = assemble(tmp_path / "whole")

    assert (report.verdict, report.reasons) == ("pass", ())
    assert report.summary.routes["native"].counts.requests == 120
    assert report.summary.client.workers == 3
    assert report.decision.remarks == ("note of a", "note of b", "note of c")


def test_machines_whose_clocks_differ_share_one_time(folders: list[Path], tmp_path: Path) -> None:
    merge(folders, tmp_path / "whole")

    route = assemble(tmp_path / "whole").summary.routes["native"]

    assert route.counts.seconds == pytest.approx(4.03, abs=0.01)
    assert route.latencies["ttft_ms"].percentiles[50].value == 100


def test_folders_of_different_runs_are_refused_with_the_list(
    folders: list[Path], tmp_path: Path
) -> None:
    document = json.loads((folders[1] / "run.json").read_text("utf-8"))
    write_json(folders[1] / "run.json", document | {"run_id": "another"})

    with pytest.raises(UsageError) as raised:
        merge(folders, tmp_path / "whole")

    assert f"{folders[0]}: run 0123456789ab" in str(raised.value)
    assert f"{folders[1]}: run another" in str(raised.value)
    assert not (tmp_path / "whole").exists()


def test_a_copy_of_a_folder_is_seen_by_its_records(folders: list[Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "again")
    merge([folders[0], tmp_path / "again"], tmp_path / "whole")

    report = assemble(tmp_path / "whole")

    assert report.verdict == "unknown"
    assert any("40 records there twice" in reason for reason in report.reasons)


def test_the_command_merges_and_reports(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "whole"

    assert execute(["report", *map(str, folders), "--out", str(out)]) == 0

    assert f"report: {out}/report.html" in capsys.readouterr().out
    assert (out / "summary.json").exists()


def test_several_folders_without_a_place_are_exit_code_2(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["report", *map(str, folders)]) == 2
    assert "--out" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_never_merged_into(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["report", str(folders[0]), "--out", str(folders[1])]) == 2
    assert "expected a new or an empty folder" in capsys.readouterr().err
