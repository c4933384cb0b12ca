"""Clauses on a run as a whole, by hand-written answers: what single answers do not show."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.contract.observation import Observation, observe
from harness.contract.topics.catalogue import BY_ID
from harness.wire import Chunk
from tests.contract.answers import (
    asked,
    chunk,
    gateway_fields,
    good_chunks,
    plain,
    seen,
    sse,
    streamed,
)

MS = 1_000_000


def faulty(clause: str, observations: Sequence[Observation]) -> bool:
    check = BY_ID[clause].whole
    assert check is not None
    return bool(check(observations))


def prompted(number: int, words: int, tokens: int) -> Observation:
    messages = [{"role": "user", "content": "word " * words}]
    usage = {"prompt_tokens": tokens, "completion_tokens": 4, "total_tokens": tokens + 4}
    return seen(asked(messages=messages), plain(usage=usage), number=number)


@pytest.mark.parametrize(
    ("counts", "wrong"),
    [
        ([(3000, 3080), (1800, 1900)], False),
        ([(3000, 3900), (1800, 2400)], False),
        ([(3000, 3080), (1800, 1300)], True),
        ([(3000, 3080), (600, 10)], False),
        ([(3000, 3080)], False),
    ],
)
def test_a_message_that_is_lost_is_missed_in_the_count(
    counts: list[tuple[int, int]], wrong: bool
) -> None:
    answers = [prompted(n, words, tokens) for n, (words, tokens) in enumerate(counts)]

    assert faulty("usage-words", answers) is wrong


def carrying(number: int, fields: Sequence[tuple[str, str]], **asked_for: Any) -> Observation:
    return seen(asked(**asked_for), plain(), headers=fields, number=number)


def test_a_field_that_comes_now_and_then_is_missed_among_answers_of_its_kind() -> None:
    whole, some = gateway_fields(), [f for f in gateway_fields() if f[0] != "cf-aig-step"]
    answers = [carrying(1, whole), carrying(2, whole), carrying(3, some)]

    assert faulty("fields-always", answers)
    assert not faulty("fields-always", [carrying(n, some) for n in range(3)])


def test_a_stored_answer_repeats_the_providers_id_and_a_fresh_one_does_not() -> None:
    one, hit = [("x-baseten-request-id", "a")], ("cf-aig-cache-status", "HIT")

    assert faulty("provider-id-unique", [carrying(1, one), carrying(2, one)])
    assert not faulty("provider-id-unique", [carrying(1, one), carrying(2, [*one, hit])])


def timed(number: int, at_ms: Sequence[float]) -> Observation:
    """A stream whose pieces of text arrive at these times."""
    texts = [chunk({"content": f"t{n}"}) for n in range(len(at_ms))]
    first, last = chunk({"role": "assistant"}), chunk(finish="stop")
    times = [at_ms[0], *at_ms, at_ms[-1]]
    parts = tuple(
        Chunk(sse([document], done=document is last), int(at * MS))
        for document, at in zip([first, *texts, last], times, strict=True)
    )
    answer = seen(streamed(), sse(good_chunks()), number=number)
    assert answer.response is not None
    response = replace(answer.response, chunks=parts, end_at_ns=parts[-1].at_ns)
    return observe(number, answer.case, replace(answer.exchange, response=response))


EVEN = tuple(range(40))
HALF = (*range(20), *(40,) * 20)


@pytest.mark.parametrize(
    ("streams", "wrong"),
    [
        ([HALF] * 5, True),
        ([EVEN] * 5, False),
        ([HALF] * 3 + [EVEN] * 2, False),
        ([HALF] * 2, False),
        ([tuple(n / 10 for n in HALF)] * 5, False),
    ],
    ids=["held", "even", "some", "few", "fast"],
)
def test_a_half_that_is_held_back_is_seen_in_most_streams(
    streams: list[Sequence[float]], wrong: bool
) -> None:
    assert faulty("stream-not-held", [timed(n, at) for n, at in enumerate(streams)]) is wrong
