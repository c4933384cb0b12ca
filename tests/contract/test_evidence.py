"""Evidence quotes what the target said, obeys none of it, and names the exchanges that show it."""

import pytest

from harness.contract.clause import Clause
from harness.contract.clauses.catalogue import CLAUSES
from harness.contract.evidence import LIMIT, fault, told
from harness.contract.ledger import MOST_SHOWN, Entry
from harness.contract.reading import ABSENT
from tests.contract.answers import good_chunks, seen, sse, streamed
from tests.contract.runs import explore

NOT_EXERCISED = {
    "log-id-unique": "no defect of the catalogue breaks it",
    "answer-is-http": "the mock is no socket",
}
WHOLE = [
    (clause, clause.kills[0])
    for clause in CLAUSES
    if clause.whole is not None and clause.kills and clause.id not in NOT_EXERCISED
]


@pytest.mark.parametrize("said", [" stop", "\x1b[2Jstop", "stop\r\n::error::no", "x" * 5000])
def test_what_a_target_said_is_quoted_and_cut(said: str) -> None:
    came = fault("stop", said, "finish_reason").came

    assert came.startswith("'" + repr(said)[1:20])
    assert came.isprintable()
    assert len(came) <= LIMIT


def test_our_own_words_hide_nothing_that_a_terminal_obeys() -> None:
    came = told("a whole answer", "cut: \x1b]0;title\x07 and\nmore" + "y" * 5000, "the body").came

    assert came.startswith(r"cut: \x1b]0;title\x07 and\nmoreyy")
    assert came.isprintable()
    assert len(came) == LIMIT


def test_what_is_not_there_is_nothing() -> None:
    assert fault("a usage object", ABSENT, "$.usage").came == "nothing"


@pytest.mark.parametrize(("clause", "defect"), WHOLE, ids=lambda value: str(value)[:40])
def test_a_finding_over_a_whole_run_shows_the_exchanges_that_it_names(
    clause: Clause, defect: str
) -> None:
    exploration = explore(defect=defect, seed=1)
    broken = [e for e in exploration.ledger.failing() if e.clause.id == clause.id]

    assert broken, f"{defect} was not seen by {clause.id}"
    for entry in broken:
        named = entry.faults[0].requests
        assert named
        assert [each.number for each in entry.shown] == list(named[-MOST_SHOWN:])


def test_of_a_sequence_the_exchange_whose_body_is_quoted_is_the_guilty_one() -> None:
    clause = next(clause for clause in CLAUSES if clause.scene is not None)
    first, second = (seen(streamed(), sse(good_chunks()), number=n) for n in (1, 2))
    quoted = first.response.body if first.response else b""
    other = seen(streamed(), b"data: [DONE]\n\n", number=3)
    entry = Entry(clause, "native")

    entry.note((told("a", "b", "c", quoted),), (first, other))
    assert entry.guilty is first

    entry = Entry(clause, "native")
    entry.note((told("a", "b", "c"),), (first, second))
    assert entry.guilty is second
