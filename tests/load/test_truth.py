"""What a run prints is held against the record of a server that notes when it sent what.

On a machine that is kept busy, so that the client is late; nothing here looks at how late.
"""

from pathlib import Path

from tests.bench.contention import CASES, busy, run
from tests.bench.truth import Truth

RUNS = 2


def test_no_run_passes_with_a_figure_whose_bounds_leave_out_the_truth(
    truth: Truth, tmp_path: Path
) -> None:
    results = []
    with busy(seconds=120, per_processor=1):
        for number, case in enumerate(CASES[:RUNS]):
            folder = tmp_path / str(number)
            folder.mkdir()
            results.append(run(case, truth, folder, seconds=1.5))

    wrong = [sentence for one in results if one.verdict == "pass" for sentence in one.off]
    assert wrong == []
    assert sum(one.figures for one in results) > 0


def test_the_servers_record_bounds_every_moment(truth: Truth, tmp_path: Path) -> None:
    run(CASES[0], truth, tmp_path, seconds=1.0)

    record = truth.read(tmp_path)
    rows = record.rows
    assert len(rows["rid"]) > 0
    assert (rows["arrived"] <= rows["received"]).all()
    assert (rows["received"] <= rows["first_from"]).all()
    assert (rows["first_from"] <= rows["first"]).all()
    assert (rows["end_from"] <= rows["end"]).all()
    assert (record.began <= record.ended).all()
