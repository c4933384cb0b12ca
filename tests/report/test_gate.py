"""A launch judged by runs of which everything is known."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.errors import UsageError
from harness.report import markdown, page, terminal
from harness.report.documents import write_json
from harness.report.files import write_gate
from harness.report.gate.judge import Gate, judge
from harness.report.gate.wanted import RunKind, parse
from tests.report.folders import (
    FLOOR,
    blocks,
    clause,
    contract,
    failed,
    mixed,
    write_run,
    write_worker,
)
from tests.schemas import problems_in

Golden = Callable[[str, str], None]
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FAST, SLOW = "p50(ttft) < 1s", "p50(ttft) < 1ms"
RATIO = "ratio(p50(ttft){compat/native}) < 1.1"
WIDE = "ratio(p50(ttft){compat/native}) < 3"
KEPT = contract(clause(), clause(route="compat"))


def dated(folder: Path, days: float = 1.0, **changes: Any) -> Path:
    """The run as if it had ended so many days before `NOW`."""
    document = json.loads((folder / "run.json").read_text("utf-8"))
    document["ended"] = (NOW - timedelta(days=days)).isoformat(timespec="seconds")
    write_json(folder / "run.json", document | changes)
    return folder


def load_run(folder: Path, rows: Any = None, *, calibrated: bool = True, **facts: Any) -> Path:
    rows = mixed(600) if rows is None else rows
    write_run(folder, rows, **facts)
    write_worker(folder, records=len(rows), noise_floor=FLOOR if calibrated else None)
    return dated(folder)


def verify_run(folder: Path, document: Any = None, **facts: Any) -> Path:
    document = KEPT if document is None else document
    return dated(write_run(folder, [], command="verify", conformance=document, **facts))


def compare_run(folder: Path, **shape: Any) -> Path:
    return load_run(folder, blocks(120, **shape), command="compare")


def capacity_run(folder: Path, *, limited_by: str = "p95(ttft) < 800ms", low: float = 76) -> Path:
    write_run(folder, [], command="capacity")
    rate = {"value": 78.0, "low": low, "high": 80.0}
    document = {"schema_version": 1, "carried_rate": rate, "limited_by": limited_by}
    write_json(folder / "capacity.json", document)
    return dated(folder)


def gate(runs: Mapping[str, Path], *objectives: Any, **further: Any) -> Gate:
    wanted = parse({"objectives": list(objectives), **further}, "objectives.toml")
    return judge(wanted, {RunKind(name): run for name, run in runs.items()}, now=NOW)


def results(found: Gate) -> set[str]:
    return {row.checked.result for row in found.rows}


def measured(found: Gate) -> str:
    return "; ".join(row.checked.measured for row in found.rows)


def test_a_launch_whose_objectives_are_all_met_passes(tmp_path: Path) -> None:
    runs = {
        "contract": verify_run(tmp_path / "v"),
        "load": load_run(tmp_path / "l"),
        "compare": compare_run(tmp_path / "c"),
        "capacity": capacity_run(tmp_path / "k"),
    }

    found = gate(runs, "compatible", FAST, "error_rate < 5%", RATIO, "carried_rate >= 50/s")

    assert (found.verdict, found.exit_code, found.reasons) == ("pass", 0, ())
    assert {row.asked.kind.value for row in found.rows} == {*runs}
    routes = {row.checked.route for row in found.rows if row.checked.objective == FAST}
    assert routes == {"native", "compat", "model"}


def test_a_launch_with_one_objective_missed_fails_whatever_is_unknown(tmp_path: Path) -> None:
    found = gate({"load": load_run(tmp_path / "l")}, SLOW, "compatible")

    assert (found.verdict, found.exit_code) == ("fail", 1)
    assert results(found) == {"fail", "unknown"}
    assert found.reasons[0].startswith(f"{SLOW} on native missed: ")
    assert found.reasons[-1] == "compatible cannot be judged: no --contract RUN was given"


def test_an_objective_whose_interval_reaches_across_the_limit_has_no_answer(
    tmp_path: Path,
) -> None:
    run = load_run(tmp_path / "l")
    middle = gate({"load": run}, "p50(ttft{route=native}) < 1s").rows[0].checked.value

    assert middle is not None
    found = gate({"load": run}, f"p50(ttft{{route=native}}) < {middle + 2}ms")

    assert found.verdict == "unknown"
    assert "would settle it" in measured(found)


@pytest.mark.parametrize(
    ("verdict", "result", "said"),
    [
        ("compatible", "pass", "compatible"),
        ("compatible_with_waivers", "pass", "waived: stream.done (native)"),
        ("incompatible", "fail", "broken: stream.done (native)"),
        ("unknown", "unknown", "unknown"),
        ("garbage", "unknown", "garbage"),
    ],
)
def test_a_contract_is_kept_broken_or_unknown(
    verdict: str, result: str, said: str, tmp_path: Path
) -> None:
    seen = {"pass": "waived", "fail": "fail"}.get(result, "not_exercised")
    document = contract(clause(seen), verdict=verdict)

    found = gate({"contract": verify_run(tmp_path / "v", document)}, "compatible")

    assert (results(found), measured(found)) == ({result}, said)


def test_evidence_that_is_too_old_answers_nothing(tmp_path: Path) -> None:
    runs = {"load": dated(load_run(tmp_path / "l"), days=9), "contract": verify_run(tmp_path / "v")}

    found = gate(runs, FAST, "compatible")

    assert results(found) == {"unknown", "pass"}
    assert "the run of --load is 9 days old, and max_age is 7d" in found.reasons[0]
    assert gate(runs, FAST, "compatible", max_age="10d").verdict == "pass"


def test_a_miss_in_evidence_that_is_too_old_is_no_miss(tmp_path: Path) -> None:
    assert gate({"load": dated(load_run(tmp_path), days=9)}, SLOW).verdict == "unknown"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ended": "2026-11-22T12:00:00+00:00"}, "lies 24 h in the future"),
        ({"ended": "yesterday"}, "has no date"),
        ({"interrupted": True}, "was interrupted: the rest was not measured"),
        ({"state": "running", "pid": 2**22 + 1}, "was interrupted"),
        ({"state": "running", "pid": 1}, "is still going on"),
        ({"problems": ["the disk was full"]}, "cannot be trusted: the disk was full"),
        ({"expected_records": 700}, "cannot be trusted: records are missing"),
    ],
)
def test_a_load_that_proves_nothing_says_why(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    run = dated(load_run(tmp_path), **changes)

    found = gate({"load": run}, FAST, "error_rate < 5%")

    assert results(found) == {"unknown"}
    assert f"the run of --load {said}" in measured(found)


def test_a_load_that_was_stopped_by_its_own_objective_can_only_miss(tmp_path: Path) -> None:
    run = load_run(tmp_path, aborted="error_rate > 20%: 31%")

    found = gate({"load": run}, FAST, SLOW)

    told = {row.checked.objective: row.checked for row in found.rows}
    assert told[SLOW].result == "fail"
    assert told[FAST].result == "unknown"
    assert "was stopped by --abort: error_rate > 20%" in told[FAST].measured


def test_a_client_that_was_not_calibrated_answers_nothing_about_latency(tmp_path: Path) -> None:
    run = load_run(tmp_path, calibrated=False)

    found = gate({"load": run}, FAST, "error_rate < 5%", "rate > 1/s")

    told = {row.checked.objective: row.checked.result for row in found.rows}
    assert told == {FAST: "unknown", "error_rate < 5%": "pass", "rate > 1/s": "pass"}
    assert "was not calibrated" in measured(found)


def test_runs_of_different_targets_answer_nothing(tmp_path: Path) -> None:
    other = {"kind": "mock", "name": "mock", "base": None}
    runs = {
        "load": load_run(tmp_path / "l"),
        "contract": dated(verify_run(tmp_path / "v"), target=other),
    }

    found = gate(runs, FAST, "compatible")

    assert results(found) == {"unknown"}
    assert "of different targets (--load: local; --contract: mock)" in measured(found)


def test_runs_of_different_models_answer_nothing(tmp_path: Path) -> None:
    target = {"kind": "local", "name": "local", "base": None}
    runs = {
        "load": dated(load_run(tmp_path / "l"), target={**target, "model": "large"}),
        "contract": dated(verify_run(tmp_path / "v"), target={**target, "model": "small"}),
    }

    assert "local with large" in measured(gate(runs, FAST, "compatible"))


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [
        ("staging", "pass"),
        ("https://gw.example", "pass"),
        ("https://gw.example/v1/acc/gw", "pass"),
        ("live", "unknown"),
        ("https://gw.exam", "unknown"),
    ],
)
def test_evidence_of_another_target_than_the_wanted_answers_nothing(
    wanted: str, verdict: str, tmp_path: Path
) -> None:
    target = {"kind": "named", "name": "staging", "base": "https://gw.example/v1/acc/gw"}
    run = dated(load_run(tmp_path), target=target)

    assert gate({"load": run}, FAST, target=wanted).verdict == verdict


@pytest.mark.parametrize(
    ("ratio", "objective", "result"),
    [
        (1.0, RATIO, "pass"),
        (1.5, RATIO, "fail"),
        (1.1, RATIO, "unknown"),
        (1.5, "ratio(p50(ttft){native/compat}) < 0.8", "pass"),
        (1.5, "ratio(p50(ttft){model/native}) < 2", "unknown"),
    ],
)
def test_a_ratio_is_judged_by_its_interval(
    ratio: float, objective: str, result: str, tmp_path: Path
) -> None:
    found = gate({"compare": compare_run(tmp_path, ratio=ratio)}, objective)

    assert results(found) == {result}


def test_a_load_of_several_routes_is_no_comparison(tmp_path: Path) -> None:
    found = gate({"compare": load_run(tmp_path, command="run")}, RATIO)

    assert results(found) == {"unknown"}
    assert "the routes were not sent by compare" in measured(found)


def test_no_ratio_makes_good_that_a_route_fails_more_often(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"scenario": "compare", "worker": "compare-0"}
    rows = [
        failed(each.seq, route="compat", event_id=each.event_id, **shape)
        if each.route == "compat" and each.seq % 100 < 10
        else each
        for each in blocks(120)
    ]
    run = load_run(tmp_path, rows, command="compare")

    told = {row.checked.objective: row.checked for row in gate({"compare": run}, WIDE).rows}

    assert told[WIDE].result == "unknown"
    assert "compat fails more often than native" in told[WIDE].measured


def test_one_run_can_be_evidence_of_everything(tmp_path: Path) -> None:
    rows = [*mixed(600), *blocks(120)]
    run = load_run(tmp_path, rows, command="run", conformance=KEPT)
    latency = {"objective": FAST, "from": "compare"}

    found = gate(dict.fromkeys(("contract", "load", "compare"), run), "compatible", FAST, RATIO)
    alone = gate({"compare": run}, latency)

    assert found.verdict == "pass"
    assert results(alone) == {"unknown"}
    assert "judged by ratio(...) alone" in measured(alone)


def test_an_objective_can_be_judged_by_the_comparison(tmp_path: Path) -> None:
    found = gate({"compare": compare_run(tmp_path)}, {"objective": FAST, "from": "compare"})

    assert {row.checked.route for row in found.rows} == {"native", "compat"}
    assert found.verdict == "pass"


def test_the_objectives_of_the_run_itself_decide_nothing(tmp_path: Path) -> None:
    runs = {
        "load": load_run(tmp_path / "l", thresholds=[SLOW]),
        "contract": verify_run(tmp_path / "v"),
    }

    found = gate(runs, "compatible")

    assert [row.checked.objective for row in found.rows] == ["compatible"]


def test_goodput_is_counted_by_the_objectives_of_the_launch(tmp_path: Path) -> None:
    run = load_run(tmp_path, thresholds=["p95(ttft) < 1ms"])

    assert gate({"load": run}, "goodput > 1/s").verdict == "pass"


def test_a_load_that_fails_too_often_is_no_pass_though_nobody_asked(tmp_path: Path) -> None:
    rows = [*mixed(300), *(failed(300 + n, sent_ms=9000 + n) for n in range(60))]

    found = gate({"load": load_run(tmp_path, rows)}, "rate > 1/s")

    assert found.verdict == "fail"
    assert "error_rate < 1% (default) on native missed" in found.reasons[0]


@pytest.mark.parametrize(
    ("limited_by", "low", "objective", "result"),
    [
        ("p95(ttft) < 800ms", 76, "carried_rate >= 76/s", "pass"),
        ("p95(ttft) < 800ms", 76, "carried_rate >= 78/s", "unknown"),
        ("p95(ttft) < 800ms", 76, "carried_rate >= 81/s", "fail"),
        ("nothing", 76, "carried_rate >= 50/s", "pass"),
        ("nothing", 76, "carried_rate >= 81/s", "unknown"),
        ("quota", 76, "carried_rate >= 81/s", "unknown"),
        ("client", 76, "carried_rate >= 81/s", "unknown"),
    ],
)
def test_a_capacity_is_judged_by_its_interval_and_a_floor_has_no_upper_end(
    limited_by: str, low: float, objective: str, result: str, tmp_path: Path
) -> None:
    run = capacity_run(tmp_path, limited_by=limited_by, low=low)

    assert results(gate({"capacity": run}, objective)) == {result}


def test_evidence_that_no_objective_needs_is_noted(tmp_path: Path) -> None:
    found = gate({"load": load_run(tmp_path / "l"), "contract": verify_run(tmp_path / "v")}, FAST)

    assert found.verdict == "pass"
    assert found.notes == ("no objective is judged by --contract v",)


@pytest.mark.parametrize(
    ("kind", "make", "said"),
    [
        ("contract", load_run, "expected a run of verify or run, got one of load"),
        ("load", verify_run, "expected a run of load or run, got one of verify"),
        ("compare", load_run, "expected a run of compare or run, got one of load"),
        ("capacity", load_run, "expected a run of capacity, got one of load"),
    ],
)
def test_a_run_given_as_what_it_is_not_is_the_callers_fault(
    kind: str, make: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        gate({kind: make(tmp_path)}, "compatible")


@pytest.mark.parametrize(
    ("kind", "command", "name", "content", "said"),
    [
        ("contract", "verify", "conformance.json", None, "expected conformance.json in it"),
        ("contract", "verify", "conformance.json", "[]", "is not a conformance.json"),
        ("contract", "verify", "conformance.json", "{", "is not JSON"),
        ("capacity", "capacity", "capacity.json", None, "expected capacity.json in it"),
        ("capacity", "capacity", "capacity.json", "{}", "expected the field carried_rate"),
        (
            *("capacity", "capacity", "capacity.json"),
            '{"carried_rate": {"value": "78/s", "low": 1, "high": 2}, "limited_by": "quota"}',
            "carried_rate.value: expected a number, got '78/s'",
        ),
        ("load", "load", "run.json", "{", "is not a manifest"),
        ("load", "load", "run.json", None, "expected run.json in it"),
    ],
)
def test_a_file_that_is_missing_or_unreadable_is_one_clear_line(
    kind: str, command: str, name: str, content: str | None, said: str, tmp_path: Path
) -> None:
    write_run(tmp_path, [], command=command)
    (tmp_path / name).unlink(missing_ok=True)
    if content is not None:
        (tmp_path / name).write_text(content)

    with pytest.raises(UsageError, match=said) as refused:
        gate({kind: tmp_path}, "compatible")

    assert str(refused.value).startswith(f"--{kind} ")
    assert "\n" not in str(refused.value)


def test_a_folder_that_does_not_exist_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        gate({"load": tmp_path / "no"}, FAST)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "no objective; expected a list"),
        ({"objectives": []}, "no objective; expected a list"),
        ({"objectives": FAST}, "no objective; expected a list"),
        ({"objectives": [FAST, FAST]}, "objective 2: 'p50.* stands there twice"),
        ({"objectives": [3]}, "objective 1: expected a text"),
        ({"objectives": [{"objective": 3}]}, "objective 1: expected a text"),
        ({"objectives": [{"form": "load"}]}, "objective 1: expected a text"),
        ({"objectives": ["p95(tftt) < 1s"]}, "objective 1: objective: expected one of"),
        ({"objectives": ["compatible < 3"]}, "objective 1: objective: expected"),
        ({"objectives": ["ratio(p95(ttft){compat/native}) < 2"]}, "compared by their medians"),
        ({"objectives": [{"objective": FAST, "from": "contract"}]}, "is judged by load or compare"),
        ({"objectives": [{"objective": RATIO, "from": "load"}]}, "is judged by compare, not"),
        ({"objective": [FAST]}, "unknown key 'objective'; did you mean objectives"),
        ({"objectives": [FAST], "max_age": 7}, "expected an age such as 90m, 12h or 7d, got 7"),
        ({"objectives": [FAST], "max_age": "0d"}, "expected an age such as"),
        ({"objectives": [FAST], "max_age": "7 weeks"}, "expected an age such as"),
        ({"objectives": [FAST], "target": ""}, "target: expected the name"),
    ],
)
def test_a_mistake_among_the_objectives_names_the_place(
    document: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        parse(document, "objectives.toml")

    assert str(refused.value).startswith("objectives.toml: ")


@pytest.mark.parametrize(("age", "seconds"), [("90m", 5400), ("12h", 43_200), ("1.5d", 129_600)])
def test_an_age_has_a_unit(age: str, seconds: float) -> None:
    assert parse({"objectives": [FAST], "max_age": age}, "").max_age_s == seconds


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """A launch with an objective of each result, left in a folder beside its runs."""
    folder = tmp_path_factory.mktemp("launch")
    document = contract(clause(), clause("waived"), verdict="compatible_with_waivers")
    runs = {
        "contract": verify_run(folder / "verified", document),
        "load": load_run(folder / "loaded"),
        "compare": dated(compare_run(folder / "compared"), days=9),
    }
    asked = ("compatible", FAST, SLOW, "p99(e2e) < 2s", RATIO, "carried_rate >= 50/s")
    return gate(runs, *asked, target="local")


def test_the_markdown_of_a_launch(whole: Gate, golden: Golden) -> None:
    golden("gate.md", markdown.render_gate(whole))


def test_the_page_of_a_launch(whole: Gate, golden: Golden) -> None:
    page_text = page.render_gate(whole)
    golden("gate.html", page_text[page_text.index("<main>") : page_text.index("</main>")])


def test_the_terminal_text_of_a_launch(whole: Gate, golden: Golden) -> None:
    text = io.StringIO()
    Console(file=text, width=100, color_system=None).print(terminal.gate(whole))
    golden("gate.txt", "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n")


def test_what_a_gate_writes_is_what_its_schema_says_and_names_no_folder(tmp_path: Path) -> None:
    runs = {
        "contract": verify_run(tmp_path / "v"),
        "load": dated(load_run(tmp_path / "l"), days=9),
        "compare": compare_run(tmp_path / "c"),
        "capacity": capacity_run(tmp_path / "k", limited_by="nothing"),
    }
    found = gate(runs, "compatible", FAST, RATIO, "carried_rate >= 50/s", "p50(tpot) < 1s")
    (tmp_path / "out").mkdir()

    write_gate(found, tmp_path / "out")

    assert problems_in(tmp_path / "out") == []
    texts = [(tmp_path / "out" / f"gate.{kind}").read_text("utf-8") for kind in KINDS]
    assert not [text for text in texts if str(tmp_path) in text]
    assert all("9 days old" in text for text in texts)


KINDS = ("json", "md", "html")


def test_what_a_target_called_itself_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    bad = "\x1b[31m<script>|x"
    run = dated(load_run(tmp_path / "l"), target={"kind": "url", "name": bad, "base": bad})
    (tmp_path / "out").mkdir()

    write_gate(gate({"load": run}, FAST, target="live"), tmp_path / "out")

    page, text = ((tmp_path / "out" / f"gate.{kind}").read_text("utf-8") for kind in ("html", "md"))
    assert "\x1b" not in page + text
    assert "<script>|" not in page + text
