"""What failed in a nightly run is sent first by the next one, until it does not fail any more."""

import json
from pathlib import Path

from harness.contract.output.failure_folder import document_of
from harness.contract.run import examples
from harness.contract.run.results import Results
from harness.contract.topics.catalogue import BY_ID
from tests.contract.answers import asked, good_chunks, seen, sse, streamed


def failing(*, done: bool) -> Results:
    """A ledger that has seen a stream with or without its end mark."""
    ledger = Results([BY_ID["stream-done"]], ("native",))
    ledger.see(seen(streamed(), sse(good_chunks(), done=done)))
    return ledger


def test_failing_cases_are_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "examples.jsonl"

    examples.save(path, failing(done=False), [streamed(), asked()])

    assert examples.read(path) == [streamed(), asked()]


def test_a_case_that_does_not_fail_any_more_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    examples.save(path, failing(done=False))

    examples.save(path, failing(done=True))

    assert examples.read(path) == []


def test_nothing_is_written_where_nothing_failed(tmp_path: Path) -> None:
    examples.save(tmp_path / "examples.jsonl", failing(done=True))

    assert list(tmp_path.iterdir()) == []


def test_lines_of_another_version_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    examples.save(path, failing(done=False))
    path.write_text('{"colour": 1}\nnonsense\n[]\n' + path.read_text())

    assert examples.read(path) == [streamed()]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    case = asked(user="a\u2028b\u0085c")
    path.write_text(json.dumps(document_of(case), ensure_ascii=False) + "\n", "utf-8")

    assert examples.read(path) == [case]
