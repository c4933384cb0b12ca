import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.report.build import build_report
from tests.report.folders import (
    answered,
    blocks,
    clause,
    contract,
    failed,
    mixed,
    write_run,
)

DERIVED = (
    *("summary.json", "summary.csv", "comparison.json", "report.md", "report.html"),
    "samples/load-0.parquet",
)


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return found


def test_a_run_leaves_every_derived_file(tmp_path: Path) -> None:
    build_report(write_run(tmp_path, [*mixed(300), *blocks(30)]))

    for name in DERIVED:
        assert (tmp_path / name).stat().st_size > 0, name
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_the_same_folder_gives_the_same_files(tmp_path: Path) -> None:
    build_report(
        write_run(tmp_path, [*mixed(200), *blocks(30, ratio=1.1)], thresholds=["p50(e2e) < 1s"])
    )
    first = {name: (tmp_path / name).read_bytes() for name in DERIVED}

    build_report(tmp_path)

    assert {name: (tmp_path / name).read_bytes() for name in DERIVED} == first


def test_the_parquet_files_alone_give_the_same_summary(tmp_path: Path) -> None:
    build_report(write_run(tmp_path, mixed(200)))
    first = summary_of(tmp_path)
    (tmp_path / "samples" / "load-0.arrows").unlink()

    build_report(tmp_path)

    assert summary_of(tmp_path)["routes"] == first["routes"]


def test_the_summary_has_the_names_that_are_promised(tmp_path: Path) -> None:
    build_report(write_run(tmp_path, mixed(300)))

    found = summary_of(tmp_path)
    assert found["schema_version"] == 1
    assert found["verdict"] == "pass"
    assert found["client"]["loop_lag_ms"]["p99"] == pytest.approx(0.5)
    assert "noise_floor" in found["client"]
    route = found["routes"]["native"]
    assert {"requests", "errors", "rate", "error_classes", "goodput", "cache_hit_share"} <= set(
        route
    )
    assert {"n", "mean", "p50", "p90", "p95", "p99", "p95_low", "p95_high"} <= set(route["ttft_ms"])


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [answered()],
        [failed()],
        [failed(n, outcome="refused", status=None) for n in range(30)],
        [answered(n) for n in range(3)],
        [answered(n, ttft_ms=100, gaps_ms=[]) for n in range(400)],
        [answered(0, route="somewhere else", scenario="odd")],
        [answered(0, phase="warmup")],
        mixed(30),
    ],
    ids=["none", "one", "one error", "errors", "few", "all alike", "odd", "warm-up", "some"],
)
def test_any_run_gives_a_report(tmp_path: Path, rows: list[Any]) -> None:
    build_report(write_run(tmp_path, rows))

    for name in DERIVED:
        assert (tmp_path / name).exists(), name


def test_a_run_without_anything_but_its_manifest_gives_a_report(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    (tmp_path / "samples" / "load-0.arrows").unlink()
    (tmp_path / "samples").rmdir()

    assert build_report(tmp_path).verdict == "unknown"
    assert (tmp_path / "report.html").exists()


def test_a_verification_gives_a_report_without_a_load(tmp_path: Path) -> None:
    clauses = [clause(), clause("fail", route="compat", evidence="no [DONE]", violated=2)]
    write_run(
        tmp_path, [], command="verify", conformance=contract(*clauses, verdict="incompatible")
    )

    report = build_report(tmp_path)

    assert report.verdict == "fail"
    assert "no \\[DONE\\]" in (tmp_path / "report.md").read_text("utf-8")
    assert "No request was recorded" not in (tmp_path / "report.html").read_text("utf-8")


def test_an_interrupted_run_says_so_first(tmp_path: Path) -> None:
    build_report(write_run(tmp_path, mixed(90), interrupted=True))

    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.index("This run was interrupted") < page.index("Routes under load")
    assert "the run was interrupted" in (tmp_path / "report.md").read_text("utf-8")


def test_a_conformance_file_that_is_not_json_is_the_callers_fault(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    (tmp_path / "conformance.json").write_text("{", "utf-8")

    with pytest.raises(UsageError, match="is not JSON"):
        build_report(tmp_path)


@pytest.mark.parametrize("odd", [{}, {"clauses": None}, {"clauses": [1, {"id": None}]}])
def test_an_odd_conformance_file_gives_a_report_all_the_same(
    tmp_path: Path, odd: dict[str, Any]
) -> None:
    write_run(tmp_path, mixed(30), command="run", conformance=odd)

    assert build_report(tmp_path).verdict == "unknown"


def test_a_worker_report_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write_run(tmp_path, mixed(30))
    (tmp_path / "workers" / "load.plan.json").write_text('{"worker": "x"}', "utf-8")
    (tmp_path / "workers" / "broken.json").write_text("{", "utf-8")

    report = build_report(tmp_path)

    client = summary_of(tmp_path)["client"]
    assert (client["workers"], client["unreadable"]) == (1, ["broken.json"])
    assert report.verdict == "unknown"
    assert any(reason.startswith("workers/broken.json cannot be read") for reason in report.reasons)


def test_shares_of_repeated_requests_stand_on_the_page_by_route(tmp_path: Path) -> None:
    share = {"group": "tools", "kind": "empty_but_billed", "of": 51, "low": 0.27, "high": 0.604}
    shares = [
        {**share, "route": "native", "count": 0, "low": 0.0, "high": 0.09},
        {**share, "route": "compat", "count": 22},
        {"route": "compat", "of": "many"},
        "no row",
    ]
    found = contract(clause()) | {"rates": {"shares": shares}}

    report = build_report(write_run(tmp_path, [], command="verify", conformance=found))

    page = (report.folder / "report.html").read_text("utf-8")
    assert "Requests asked many times" in page
    assert "43.1 %" in page
    assert "22 of 51; 27.0 to 60.4 %" in page
    assert "| tools | empty\\_but\\_billed |" in (report.folder / "report.md").read_text("utf-8")
    assert report.contract is not None
    assert [rate.route for rate in report.contract.rates] == ["native", "compat"]
