import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.report.comparison import PairedDifference
from harness.report.files import write_runs
from harness.report.runs import Runs, compare_runs
from tests.report.folders import answered, failed, mixed, write_run
from tests.sample import Sample


def against(tmp_path: Path, a: Sequence[Sample], b: Sequence[Sample]) -> Runs:
    write_run(tmp_path / "before", a)
    write_run(tmp_path / "after", b)
    return compare_runs([tmp_path / "before"], [tmp_path / "after"], margin=0.05)


def load(ttft_ms: float, *, n: int = 200, noise: float = 0.1, seed: int = 1) -> list[Sample]:
    rng = np.random.default_rng(seed)
    times = ttft_ms * rng.lognormal(0, noise, n)
    return [answered(i, sent_ms=i * 50, ttft_ms=float(t)) for i, t in enumerate(times)]


def ttft_of(runs: Runs) -> PairedDifference:
    return next(pair for pair in runs.comparison.pairs if pair.metric == "ttft_ms")


def test_a_run_that_took_longer_is_slower(tmp_path: Path) -> None:
    pair = ttft_of(against(tmp_path, load(100), load(130, seed=2)))

    assert (pair.a, pair.b, pair.route, pair.verdict) == ("before", "after", "native", "slower")
    assert pair.effect is not None
    assert pair.effect.low < 1.3 < pair.effect.high


def test_one_run_a_side_does_not_show_that_they_are_equal(tmp_path: Path) -> None:
    runs = against(tmp_path, load(100, noise=0.05), load(100, noise=0.05, seed=2))

    assert ttft_of(runs).verdict == "inconclusive"
    assert "compare three of each" in runs.comparison.still_open


def several(tmp_path: Path, name: str, *levels_ms: float) -> list[Path]:
    return [
        write_run(tmp_path / f"{name}{n}", load(level, noise=0.05, seed=n))
        for n, level in enumerate(levels_ms)
    ]


@pytest.mark.parametrize(
    ("levels", "verdict"),
    [
        ((100, 101, 99), "equivalent"),
        ((130, 131, 129), "slower"),
        ((90, 101, 112), "inconclusive"),
    ],
)
def test_several_runs_a_side_are_held_against_how_much_they_differ(
    tmp_path: Path, levels: tuple[float, ...], verdict: str
) -> None:
    before, after = several(tmp_path, "a", 100, 99, 101), several(tmp_path, "b", *levels)

    runs = compare_runs(before, after, margin=0.05)

    assert ttft_of(runs).verdict == verdict
    assert (runs.a.name, runs.b.name) == ("a0 and 2 more", "b0 and 2 more")


def test_two_runs_a_side_are_the_callers_fault(tmp_path: Path) -> None:
    paths = several(tmp_path, "a", 100, 100)

    with pytest.raises(
        UsageError, match="expected one run a side, or 3 and more on one: 2 against 2"
    ):
        compare_runs(paths, paths, margin=0.05)


def judged(before: list[Path], after: list[Path], *texts: str) -> dict[str, str]:
    runs = compare_runs(before, after, margin=0.05, thresholds=texts)
    return {f"{each.objective} on {each.route}": each.result for each in runs.checked}


@pytest.mark.parametrize(("level", "result"), [(100, "pass"), (160, "fail"), (120, "unknown")])
def test_a_new_run_is_held_against_a_baseline_of_several(
    tmp_path: Path, level: float, result: str
) -> None:
    before, after = several(tmp_path, "a", 100, 99, 101), several(tmp_path, "b", level)

    assert judged(before, after, "ratio(p95(ttft)) < 1.2") == {
        "ratio(p95(ttft)) < 1.2 on native": result
    }


@pytest.mark.parametrize(("level", "result"), [(100, "pass"), (160, "fail"), (115, "unknown")])
def test_one_run_against_another_is_judged_only_beyond_the_margin(
    tmp_path: Path, level: float, result: str
) -> None:
    before, after = several(tmp_path, "a", 100), several(tmp_path, "b", level)

    assert judged(before, after, "ratio(p50(ttft)) < 1.15") == {
        "ratio(p50(ttft)) < 1.15 on native": result
    }


def test_a_regression_on_one_route_is_missed_whatever_another_does(tmp_path: Path) -> None:
    def run(name: str, compat_ms: float) -> Path:
        other = [replace(row, route="compat") for row in load(compat_ms, seed=3)]
        return write_run(tmp_path / name, [*load(100, seed=2), *other])

    found = judged([run("a", 100)], [run("b", 200)], "ratio(p50(ttft)) < 1.2")

    assert found == {
        "ratio(p50(ttft)) < 1.2 on native": "pass",
        "ratio(p50(ttft)) < 1.2 on compat": "fail",
    }


def test_failures_are_in_the_ratio_of_two_runs(tmp_path: Path) -> None:
    before = several(tmp_path, "a", 100)
    broken = [failed(row.seq, sent_ms=row.seq * 50) for row in load(100)[:30]]
    after = [write_run(tmp_path / "b", [*load(100, seed=2), *broken])]

    runs = compare_runs(before, after, margin=0.05, thresholds=["ratio(p95(ttft)) < 1.5"])

    (checked,) = runs.checked
    assert checked.result == "unknown"
    assert "longer than any answer" in checked.measured


def test_an_objective_that_is_on_no_ratio_of_runs_is_the_callers_fault(tmp_path: Path) -> None:
    before, after = several(tmp_path, "a", 100), several(tmp_path, "b", 100)

    with pytest.raises(UsageError, match="is not on runs against each other"):
        compare_runs(before, after, margin=0.05, thresholds=["p95(ttft) < 1s"])


def test_stray_rows_of_a_third_run_are_compared_with_nobody(tmp_path: Path) -> None:
    stray = [answered(900 + n, ttft_ms=9000, run_id="another") for n in range(100)]

    pair = ttft_of(against(tmp_path, load(100), [*load(100, seed=2), *stray]))

    assert pair.n == 200
    assert pair.b_median_ms == pytest.approx(100, rel=0.05)


def test_slow_drift_within_a_run_widens_the_interval(tmp_path: Path) -> None:
    steady = load(100, noise=0.05)
    drifting = [
        answered(i, sent_ms=i * 50, ttft_ms=100 * (1 + 0.3 * np.sin(i / 200 * 6.28)))
        for i in range(200)
    ]

    calm = ttft_of(against(tmp_path / "x", steady, load(100, noise=0.05, seed=3))).effect
    wild = ttft_of(against(tmp_path / "y", steady, drifting)).effect

    assert calm is not None
    assert wild is not None
    assert wild.high - wild.low > 2 * (calm.high - calm.low)


def test_what_was_set_up_differently_is_named(tmp_path: Path) -> None:
    write_run(tmp_path / "a", load(100))
    write_run(tmp_path / "b", load(100))
    path = tmp_path / "b" / "run.json"
    document = json.loads(path.read_text("utf-8"))
    document["plan"]["users"] = 50
    path.write_text(json.dumps(document), "utf-8")

    runs = compare_runs([tmp_path / "a"], [tmp_path / "b"], margin=0.05)

    assert runs.differences == {"users": (3, 50)}


def test_unlike_runs_are_refused_with_the_list(tmp_path: Path) -> None:
    write_run(tmp_path / "a", load(100))
    write_run(tmp_path / "b", load(130))
    path = tmp_path / "b" / "run.json"
    document = json.loads(path.read_text("utf-8"))
    document["plan"] |= {"users": 50, "prompt_tokens": 4000}
    path.write_text(json.dumps(document), "utf-8")

    comparison = compare_runs([tmp_path / "a"], [tmp_path / "b"], margin=0.05).comparison

    assert comparison.pairs == ()
    assert not comparison.conclusive
    assert comparison.still_open.startswith("the runs are not alike: ")
    assert "users 3 and 50" in comparison.still_open
    assert "prompt_tokens " in comparison.still_open


def test_folders_of_one_name_are_called_a_and_b(tmp_path: Path) -> None:
    write_run(tmp_path / "x" / "run", load(100))
    write_run(tmp_path / "y" / "run", load(100))

    runs = compare_runs([tmp_path / "x" / "run"], [tmp_path / "y" / "run"], margin=0.05)

    assert (runs.a.name, runs.b.name) == ("A", "B")


def test_runs_of_other_routes_are_refused(tmp_path: Path) -> None:
    runs = against(tmp_path, load(100), [answered(n, route="compat") for n in range(50)])

    assert runs.comparison.pairs == ()
    assert runs.comparison.still_open == "the runs are not alike: routes native and compat"


def test_a_run_without_samples_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no sample"):
        against(tmp_path, load(100), [])


def test_the_documents_carry_the_caveat_and_the_promised_names(tmp_path: Path) -> None:
    runs = against(tmp_path, mixed(200), mixed(200, seed=5))
    (tmp_path / "out").mkdir()

    write_runs(runs, tmp_path / "out")

    document = json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))
    assert {"a", "b", "metric", "ratio", "low", "high", "verdict"} <= set(document["pairs"][0])
    assert document["runs"]["a"]["routes"]["native"]["requests"] == 60
    for name in ("report.md", "report.html"):
        assert "at different times" in (tmp_path / "out" / name).read_text("utf-8")
