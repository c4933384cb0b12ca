"""What became of one request, as a row."""

from typing import Any

from harness.load.facts import Facts
from harness.load.rows import Row, row, unsent
from harness.measure.columns import COLUMNS
from harness.routes.completion import ANSWER
from harness.routes.moments import Moments
from harness.transports.gevent import Conversation
from harness.wire import End

HEAD = ("r", "load-0", 7, "r-load-0-7", "mixed", "steady", "native", True, "ok", 900, 2, 1, None)
MS = 1_000_000


def facts(*outputs: tuple[int, int]) -> Facts:
    """A stream whose outputs came by so many milliseconds, and no earlier than so many."""
    moments = Moments()
    for at_ms, since_ms in outputs:
        moments.note(ANSWER, at_ms * MS, since_ms * MS)
    return Facts(
        chat=True,
        status=200,
        moments=moments,
        streamed=True,
        asked_stream=True,
        done=True,
        finish_reason="stop",
        usage=None,
        cache_status=None,
        log_id=None,
        cf_ray=None,
        at_ns=90 * MS,
        end_since_ns=90 * MS,
        text_length=3,
    )


def cells(made: Row) -> dict[str, Any]:
    return dict(zip(COLUMNS, made, strict=True))


def test_a_row_has_a_cell_for_each_column() -> None:
    talk = Conversation(sent_ns=1_000, left_ns=1_200, rtt_ns=5, retransmits=0)

    found = cells(row(HEAD, talk, facts((20, 20), (40, 40), (41, 41)), End.COMPLETE, None))

    assert (found["seq"], found["status"], found["outcome"]) == (7, 200, "ok")
    assert (found["scheduled_ns"], found["sent_ns"], found["send_blur_ns"]) == (900, 1_000, 200)
    assert (found["first_output_ns"], found["last_output_ns"]) == (20 * MS + 1_000, 41 * MS + 1_000)
    assert found["done_ns"] == 90 * MS + 1_000
    assert found["gap_ms"].tolist() == [20.0, 1.0]
    assert (found["finish_reason"], found["odd"], found["rtt_ns"]) == ("stop", [], 5)
    assert (found["stage"], found["turn"]) == (2, 1)


def test_gaps_have_the_bounds_that_their_ends_leave() -> None:
    made = row(HEAD, Conversation(), facts((20, 20), (40, 35), (40, 35)), End.COMPLETE, None)

    found = cells(made)

    assert found["gap_ms"].tolist() == [20.0, 0.0]
    assert found["gap_low_ms"].tolist() == [15.0, 0.0]
    assert found["gap_high_ms"].tolist() == [20.0, 5.0]
    assert (found["output_chunks"], found["coalesced"], found["burst_chunks"]) == (3, 1, 0)
    assert found["blur_ns"] == 5 * MS


def test_what_a_reader_in_time_finds_together_was_packed_by_the_target() -> None:
    late, in_time = facts((20, 20), (40, 30), (40, 30)), facts((20, 20), (40, 40), (40, 40))

    bursts = [
        cells(row(HEAD, Conversation(), one, End.COMPLETE, None))["burst_chunks"]
        for one in (late, in_time)
    ]

    assert bursts == [0, 1]


def test_an_answer_that_broke_off_has_no_end_but_a_close() -> None:
    talk = Conversation(sent_ns=1_000, left_ns=1_000, ended_ns=95 * MS)

    found = cells(row(HEAD, talk, facts((20, 20)), End.CUT, "cut"))

    assert (found["done_ns"], found["closed_ns"]) == (None, 95 * MS)
    assert (found["gap_ms"].tolist(), found["message"]) == ([], "cut")


def test_a_request_that_was_not_sent_has_no_times() -> None:
    found = cells(unsent((*HEAD[:8], "dropped", 900, 2, None, None)))

    assert (found["outcome"], found["scheduled_ns"], found["sent_ns"]) == ("dropped", 900, None)
    assert (found["output_chunks"], found["violations"], found["odd"]) == (0, [], [])
