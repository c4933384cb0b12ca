"""One run by the definitions of several tools."""

from pathlib import Path

import numpy as np
import pytest

from harness import read_run
from harness.cli import execute
from harness.report import frame
from harness.report.presets import PRESETS, Figure, figures_of
from tests.report.folders import Cells, answered, cells, failed, table, write_run

GAPS = (10.0, 30.0, 20.0)


def streams(n: int = 40) -> list[Cells]:
    """Streams of four tokens: a role after 40 ms, output after 100 and later, usage 7 ms after."""
    found = []
    for number in range(n):
        sample = answered(number, ttft_ms=100.0 + number, gaps_ms=GAPS)
        times = sample.timeline
        role, last = times.sent_ns + 40_000_000, times.outputs_ns[-1]
        found.append(cells(sample, first_role_ns=role, usage_ns=last + 7_000_000))
    return found


def by(name: str) -> dict[str, Figure]:
    rows = frame.frame(table([*streams(), cells(failed(900))]))
    return {each.metric: each for each in figures_of(rows, PRESETS[name])}


@pytest.mark.parametrize("name", ["strict", "vllm", "aiperf", "genai-bench"])
def test_a_role_is_no_first_token(name: str) -> None:
    assert by(name)["TTFT"].percentiles[50] == pytest.approx(119.5)


def test_a_usage_chunk_is_no_last_token() -> None:
    assert by("vllm")["E2EL"].percentiles[50] == pytest.approx(179.5)
    assert by("aiperf")["request latency"].percentiles[50] == pytest.approx(179.5)
    assert by("strict")["E2E"].percentiles[50] == pytest.approx(180.5)


def test_time_per_token_differs_by_where_it_begins_and_ends() -> None:
    told = [by("strict")["TPOT"], by("aiperf")["ITL"], by("genai-bench")["TPOT"]]

    assert [each.mean for each in told] == pytest.approx([20, 20, 61 / 3])
    assert by("vllm")["TPOT"].mean == pytest.approx(20)


def test_gaps_are_pooled_and_percentiles_are_numpys() -> None:
    pooled = by("vllm")["ITL"]

    assert pooled.n == 120
    assert pooled.percentiles[90] == pytest.approx(float(np.percentile(GAPS * 40, 90)))


def test_a_run_is_read_as_a_frame_with_its_metrics_in_milliseconds(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", streams())
    assert execute(["report", str(folder), "--quiet"]) in (0, 3)

    run = read_run(folder)

    assert len(run.samples) == 40
    assert float(run.samples["ttft_ms"].median()) == pytest.approx(119.5)
    assert run.summary["routes"]["native"]["ttft_ms"]["n"] == 40


def test_another_tools_definitions_are_printed_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "run", streams())

    assert execute(["report", str(folder), "--as", "vllm"]) == 0

    said = capsys.readouterr().out
    assert "E2EL: last_output - sent" in said
    assert "180 ms" in said
    assert not (folder / "summary.json").exists()
