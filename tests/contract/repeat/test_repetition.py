"""The corpus asked many times of the stand-in: what is found, when it ends, what it costs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from harness.contract.repeat.corpus import CORPUS, Question
from harness.contract.repeat.judge import ErrorKind
from harness.contract.repeat.objectives import read_objectives
from harness.contract.repeat.repetition import DECIDED, Repetition, requests_of
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET

ONE = tuple(each for each in CORPUS if each.name == "one tool")
EMPTY = "empty-calls:22-of-51@compat"


@contextmanager
def repetition(
    times: int,
    *,
    defect: str | None = None,
    corpus: Sequence[Question] = CORPUS,
    objectives: Sequence[str] = (),
    budget: Budget | None = None,
    seed: int = 0,
) -> Iterator[Repetition]:
    """What is to be asked of the stand-in, which has a defect or none."""
    with standin.mock(TARGET, defect=defect, seed=seed) as run:
        sender = Sender(run.target, run.transport, run.clock, budget or Budget(), "run")
        yield Repetition(
            sender, times, read_objectives(objectives), seed=seed, corpus=tuple(corpus)
        )


def counts(found: Repetition, kind: ErrorKind, group: str = "tools") -> dict[str, tuple[int, int]]:
    """How many answers have the error, of how many, by route."""
    return {
        row.route: (row.share.count, row.share.of)
        for row in found.rows
        if (row.kind, row.group) == (kind, group)
    }


@pytest.mark.parametrize("seed", [0, 7])
def test_22_of_51_empty_answers_are_found_on_their_route_and_none_on_the_other(seed: int) -> None:
    with repetition(51, defect=EMPTY, corpus=ONE, seed=seed) as found:
        found.send()

    assert counts(found, ErrorKind.EMPTY_BUT_BILLED) == {"native": (0, 51), "compat": (22, 51)}
    assert [(pair.kind, pair.apart) for pair in found.pairs] == [(ErrorKind.EMPTY_BUT_BILLED, True)]


def test_which_answers_come_empty_is_decided_by_the_seed() -> None:
    runs = []
    for seed in (0, 0, 7):
        with repetition(51, defect=EMPTY, corpus=ONE, seed=seed) as found:
            found.send()
        runs.append([answer.round for answer in found.answers if answer.kind])

    assert runs[0] == runs[1] != runs[2]


def test_the_clean_stand_in_has_no_error_in_any_answer() -> None:
    with repetition(9) as found:
        found.send()

    assert len(found.answers) == requests_of(9) == 126
    assert not [answer for answer in found.answers if answer.kind]
    assert not found.pairs
    assert found.ended == ""


def test_it_ends_at_the_look_at_which_every_objective_is_decided() -> None:
    with repetition(30, defect=EMPTY, objectives=["tool_schema{route=compat} >= 98%"]) as found:
        found.send()

    assert (found.rounds, found.ended) == (10, DECIDED)
    assert [each.result for each in found.judged] == ["fail"]


def test_it_goes_on_while_one_objective_is_unknown() -> None:
    objectives = ["tool_schema{route=compat} >= 98%", "tool_schema{route=native} >= 99.9%"]

    with repetition(12, defect=EMPTY, corpus=ONE, objectives=objectives) as found:
        found.send()

    assert (found.rounds, found.ended) == (12, "")
    assert [each.result for each in found.judged] == ["fail", "unknown"]


def test_without_objectives_every_round_is_asked() -> None:
    with repetition(6, corpus=ONE) as found:
        found.send()

    assert (found.rounds, found.ended) == (6, "")


def test_a_budget_ends_it_and_what_was_asked_is_kept() -> None:
    with repetition(20, corpus=ONE, budget=Budget(max_requests=9)) as found:
        found.send()

    assert found.ended == "the budget of 9 requests is used up"
    assert (len(found.answers), found.rounds) == (9, 4)


def test_a_stop_ends_it_before_its_first_request() -> None:
    with repetition(20, corpus=ONE) as found:
        found.stop("interrupted")
        found.send()

    assert (found.answers, found.ended) == ([], "interrupted")


def test_a_route_that_cannot_be_judged_is_not_asked() -> None:
    with repetition(3, corpus=ONE, objectives=["tool_call >= 50%"]) as found:
        found.send(without=("compat",))

    assert {answer.route for answer in found.answers} == {"native"}
    assert [each.result for each in found.judged if each.route == "compat"] == ["unknown"]


def test_a_failed_request_is_counted_and_not_sent_again() -> None:
    with repetition(2, corpus=ONE, defect="tools-fail") as found:
        found.send()

    assert found.sender.budget.requests == 4
    assert counts(found, ErrorKind.NO_ANSWER) == {"native": (2, 2), "compat": (2, 2)}
