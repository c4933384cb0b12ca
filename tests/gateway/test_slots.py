"""Slots and a queue before the provider, under a virtual clock."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.defects.make import make_gateway
from harness.gateway.config import Config
from harness.gateway.model import Gateway
from harness.gateway.slots import Slots
from harness.gateway.timing import Timing
from harness.wire import Request

Ask = Callable[..., Request]

MS = 1_000_000
TENTH = Config(timing=Timing(ttft_ns=100 * MS, itl_ns=0), slots=2, queue=3)


def take(slots: Slots, key: int, at_ms: int, service_ms: int, **more: int) -> int | None:
    waits_ns = slots.take(
        key, at_ms * MS, head_ns=service_ms * MS, service_ns=service_ms * MS, **more
    )
    return None if waits_ns is None else waits_ns // MS


def test_waits_are_those_of_a_schedule_made_by_hand() -> None:
    slots = Slots(2, 10)

    waits = [take(slots, key, at, 100) for key, at in enumerate((0, 10, 20, 30, 105, 250, 260))]

    # Slot A ends at 100, 200 and 300, slot B at 110, 210 and 350.
    assert waits == [0, 0, 80, 80, 95, 0, 40]


def test_a_full_queue_refuses_until_somebody_begins() -> None:
    slots = Slots(1, 2)

    waits = [take(slots, key, at, 100) for key, at in enumerate((0, 1, 2, 3, 99, 100))]

    assert waits == [0, 99, 198, None, None, 200]


def test_without_a_queue_nobody_waits() -> None:
    slots = Slots(1, 0)

    assert [take(slots, key, at, 100) for key, at in enumerate((0, 50, 100))] == [0, None, 0]


def test_who_leaves_while_being_served_lets_all_that_wait_begin_earlier() -> None:
    slots = Slots(1, 10)
    for key in range(3):
        take(slots, key, key, 100)

    moved = slots.leave(0, 30 * MS)

    assert moved == {1: 70 * MS, 2: 70 * MS}
    assert take(slots, 3, 40, 100) == 190


def test_who_leaves_while_waiting_lets_those_behind_begin_earlier() -> None:
    slots = Slots(1, 10)
    for key in range(3):
        take(slots, key, 0, 100)

    assert slots.leave(1, 50 * MS) == {2: 100 * MS}
    assert slots.leave(1, 60 * MS) == {}


def test_who_has_been_answered_frees_nothing_by_leaving() -> None:
    slots = Slots(1, 10)
    take(slots, 0, 0, 100)
    take(slots, 1, 10, 100)

    assert slots.leave(0, 150 * MS) == {}


def test_one_that_is_given_up_in_the_queue_takes_no_slot() -> None:
    slots = Slots(1, 10)
    take(slots, 0, 0, 100)

    assert take(slots, 1, 0, 100, until_ns=50 * MS) == 100
    assert take(slots, 2, 10, 100) == 90


def test_one_that_is_given_up_while_being_served_frees_its_slot_then() -> None:
    slots = Slots(1, 10)
    take(slots, 0, 0, 100)

    assert take(slots, 1, 0, 100, until_ns=150 * MS) == 100
    assert take(slots, 2, 10, 100) == 140


@given(
    count=st.integers(1, 4),
    queue=st.integers(0, 6),
    arrivals=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 120)), min_size=1, max_size=60),
    leaving=st.sets(st.integers(0, 59)),
)
def test_never_more_than_the_slots_are_served_and_those_who_wait_begin_in_order(
    count: int, queue: int, arrivals: list[tuple[int, int]], leaving: set[int]
) -> None:
    slots, now = Slots(count, queue), 0
    start: dict[int, int] = {}
    end: dict[int, int] = {}
    came: dict[int, int] = {}
    for key, (gap, service) in enumerate(arrivals):
        now += gap
        if key - 1 in leaving and key - 1 in end and end[key - 1] > now:
            gone = key - 1
            for other, by_ns in slots.leave(gone, now).items():
                start[other] -= by_ns
                end[other] -= by_ns
                assert start[other] >= now
            end[gone] = max(start[gone], now) if start[gone] <= now else start[gone]
            if start[gone] > now:
                del start[gone], end[gone]
        waiting = sum(begin > now for begin in start.values())
        busy = sum(begin <= now < end[one] for one, begin in start.items())
        waits = slots.take(key, now, head_ns=service, service_ns=service)
        assert (waits is None) == (busy == count and waiting >= queue)
        if waits is not None:
            came[key], start[key], end[key] = now, now + waits, now + waits + service

    served = sorted(start, key=lambda key: (came[key], key))
    assert [start[key] for key in served] == sorted(start.values())
    for moment in start.values():
        assert sum(begin <= moment < end[key] for key, begin in start.items()) <= count


def test_a_request_waits_in_the_gateway_for_a_slot_of_the_provider(chat: Ask) -> None:
    gateway = Gateway(TENTH)

    answers = [gateway.handle(chat(route=route), 0) for route in ("native", "compat") * 2]

    assert [answer.end_at_ns // MS for answer in answers] == [100, 100, 200, 200]


@pytest.mark.parametrize("route", ["native", "compat"])
def test_what_finds_the_queue_full_is_refused_as_baseten_does(chat: Ask, route: str) -> None:
    gateway = Gateway(replace(TENTH, queue=0))
    for _ in range(2):
        gateway.handle(chat(), 0)

    refused = gateway.handle(chat(route=route), MS)

    assert refused.status == 529
    assert json.loads(refused.body) == {
        "message": "Service Overloaded",
        "type": "Service Overloaded",
        "code": 529,
    }
    assert "x-baseten-request-id" in refused.headers


def test_a_full_model_refuses_in_the_shape_of_its_route(predict: Ask) -> None:
    gateway = Gateway(replace(TENTH, slots=1, queue=0))
    gateway.handle(predict(), 0)

    refused = gateway.handle(predict(), 0)

    assert (refused.status, json.loads(refused.body)["error_code"]) == (529, "model_unavailable")


def test_neither_a_refusal_nor_a_cached_answer_takes_a_slot(chat: Ask) -> None:
    gateway = Gateway(replace(TENTH, slots=1, queue=0, cache_ttl=60))
    gateway.handle(chat(), 0)

    wrong, unknown = gateway.handle(chat(key=None), 1), gateway.handle(chat({"model": "no"}), 2)
    hit = gateway.handle(chat(), 101 * MS)
    free = gateway.handle(chat({"seed": 1}), 102 * MS)

    assert [answer.status for answer in (wrong, unknown, hit, free)] == [401, 404, 200, 200]
    assert hit.headers.get("cf-aig-cache-status") == "HIT"


def test_a_timeout_ends_the_waiting_in_the_queue(chat: Ask) -> None:
    gateway = Gateway(replace(TENTH, slots=1))
    gateway.handle(chat(), 0)

    late = gateway.handle(chat(headers={"cf-aig-request-timeout": "50"}), 0)
    after = gateway.handle(chat(), 60 * MS)

    assert (late.status, late.head_at_ns) == (400, 50 * MS)
    assert after.end_at_ns == (40 + 100) * MS


def test_a_refused_attempt_is_made_again_when_the_options_say_so(chat: Ask) -> None:
    gateway = Gateway(replace(TENTH, slots=1, queue=0))
    gateway.handle(chat(), 0)
    again: dict[str, Any] = {"cf-aig-max-attempts": "2", "cf-aig-retry-delay": "150"}

    answer = gateway.handle(chat(headers=again), 0)

    assert (answer.status, answer.end_at_ns) == (200, 250 * MS)


@pytest.mark.parametrize(("defect", "earlier"), [(None, 40), ("disconnect-not-propagated", 0)])
def test_a_client_that_leaves_frees_its_slot_unless_the_provider_works_on(
    chat: Ask, defect: str | None, earlier: int
) -> None:
    gateway = make_gateway(replace(TENTH, slots=1), defect=defect)
    gateway.handle(chat({"stream": True}), 0)
    left = gateway.log[-1]
    gateway.handle(chat({"stream": True}), 0)

    moved = gateway.left(left, 60 * MS)

    assert sum(moved.values()) == earlier * MS
