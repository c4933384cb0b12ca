"""Generated defects: their name makes them, their place and occasion bound them."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest

from harness.defects.make import make_gateway
from harness.defects.mutants import generated
from harness.defects.mutants.mutant import FAMILIES, Mutant, parse
from harness.defects.mutants.values import edited, places, written
from harness.defects.table import EVERY, suited
from harness.errors import UsageError
from harness.gateway.config import Config
from harness.wire import Request, Response
from tests.power.population import population, sample

Ask = Callable[..., Request]

DOCUMENT = {"id": "a", "choices": [{"index": 0, "text": "né"}], "usage": None}
EVENT = {"cf-aig-event-id": "event-1"}
TELLING = (
    "drop:plain.choices.0.message.role@native/always",
    "twice:every.model@all/streams",
    "event-swap:finish@compat/always",
    "event-foreign:text@all/always",
    "byte-flip:50@all/large-answer",
    "broken-off:50@all/plain",
    "body-latin1:body@all/non-ascii",
    "header-stale:cf-aig-log-id@all/every-3",
    "header-fixed:cf-ray@native/always",
    "status-503:ok@model/always",
    "label-html:refusal@all/always",
    "encoding-claimed:stream@all/always",
    "sent-drop:max_tokens@native/always",
    "messages-system-added:messages@all/always",
    "clamp:max_tokens@all/always",
    "default:stream@all/always",
    "option-ignored:cf-aig-event-id@all/always",
)
"""One of each kind that a mixed session shows without cache, limit or token."""


def _session(chat: Ask, predict: Ask, defect: str | None) -> list[Response]:
    gateway = make_gateway(defect=defect)
    asked = [
        chat({"max_tokens": 40, "stream": stream, "temperature": 0}, route=route)
        for stream in (False, True)
        for route in ("native", "compat")
    ]
    own = chat({"messages": [{"role": "user", "content": "né"}]}, headers=EVENT)
    asked += [own, chat({"max_tokens": 0}), predict(), predict({"prompt": "hi", "stream": True})]
    return [gateway.handle(request, n * 10**9) for n, request in enumerate(asked * 3)]


@pytest.mark.parametrize("name", TELLING)
def test_a_mutant_shows_and_is_the_same_each_time(chat: Ask, predict: Ask, name: str) -> None:
    clean, broken = (_session(chat, predict, defect) for defect in (None, name))

    assert broken != clean
    assert broken == _session(chat, predict, name)


def test_a_name_makes_the_mutant_that_has_it() -> None:
    for mutant in islice(sample(population({"plain.id", "first.id"}), seed=3), 300):
        assert parse(mutant.name) == mutant
        assert generated(mutant.name).name == mutant.name


@pytest.mark.parametrize(
    "name",
    ["drop:plain.id", "explode:plain.id@all/always", "drop:id@mars/always", "drop:id@all/never"],
)
def test_a_name_that_means_nothing_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        EVERY.named(name)


def test_a_sample_has_every_family_and_repeats_itself_for_a_seed() -> None:
    known = population({"plain.id", "plain.model", "usage.usage.total_tokens"})
    first, again = (list(islice(sample(known, seed=5), 90)) for _ in range(2))

    assert first == again
    assert {mutant.family for mutant in first} == set(FAMILIES)
    assert len(set(first)) == 90


def test_a_gateway_has_what_a_mutant_needs_to_be_seen() -> None:
    assert suited(Config(), "token-open:gateway@all/always").gateway_token
    assert suited(Config(), "limit-plus-one:gateway@all/always").rate_limit
    assert suited(Config(), "key-ignores:body@all/always").cache_ttl


@pytest.mark.parametrize(
    ("operator", "steps", "expected"),
    [
        ("drop", "id", {"choices": DOCUMENT["choices"], "usage": None}),
        ("null", "choices.0.text", {"choices": [{"index": 0, "text": None}]}),
        ("number", "id", {"id": 1}),
        ("text", "choices.0.index", {"choices": [{"index": "0", "text": "né"}]}),
        ("other", "choices.last.index", {"choices": [{"index": 1, "text": "né"}]}),
        ("list", "id", {"id": ["a"]}),
        ("object", "usage", {"usage": {"value": None}}),
        ("shorter", "choices", {"choices": []}),
        ("escaped", "choices.0.text", {"choices": [{"index": 0, "text": "n\\xe9"}]}),
    ],
)
def test_one_value_is_edited(operator: str, steps: str, expected: dict[str, object]) -> None:
    wanted = expected if operator == "drop" else {**DOCUMENT, **expected}

    assert edited(DOCUMENT, tuple(steps.split(".")), operator) == wanted


@pytest.mark.parametrize("steps", ["none", "choices.7", "id.0", "choices.0.text.x"])
def test_where_nothing_is_nothing_is_edited(steps: str) -> None:
    assert edited(DOCUMENT, tuple(steps.split(".")), "drop") is DOCUMENT


def test_a_name_written_twice_has_two_values() -> None:
    text = written(edited(DOCUMENT, ("id",), "twice"))

    pairs: list[tuple[str, object]] = []
    json.loads(text, object_pairs_hook=pairs.extend)
    assert [value for name, value in pairs if name == "id"] == ["a", "x"]


def test_the_places_of_a_document_are_all_its_values() -> None:
    assert {".".join(steps) for steps in places(DOCUMENT)} == {
        "id",
        "choices",
        "choices.0",
        "choices.0.index",
        "choices.0.text",
        "usage",
    }


def test_a_mutant_keeps_to_its_route_and_condition(chat: Ask) -> None:
    name = "drop:plain.id@compat/every-3"
    gateway = make_gateway(defect=name)

    native = [gateway.handle(chat(), 0) for _ in range(6)]
    compat = [gateway.handle(chat(route="compat"), 0) for _ in range(6)]

    assert all(b'"id"' in response.body for response in native)
    assert [b'"id"' in response.body for response in compat] == [True, True, False] * 2


def test_a_mutant_after_an_error_shows_on_the_next_answer_only(chat: Ask) -> None:
    gateway = make_gateway(defect="drop:plain.id@all/after-error")

    asked = [chat(), chat({"messages": []}), chat(), chat()]
    answers = [gateway.handle(request, 0).body for request in asked]

    assert [b'"id"' in body for body in answers] == [True, False, False, True]


def test_a_mutant_in_company_needs_another_answer_under_way(chat: Ask) -> None:
    gateway = make_gateway(defect="drop:plain.id@all/in-company")

    first = gateway.handle(chat(), 0)
    beside = gateway.handle(chat(), first.end_at_ns // 2)
    alone = gateway.handle(chat(), 10**12)

    assert [b'"id"' in response.body for response in (first, beside, alone)] == [True, False, True]


def test_a_decision_is_twisted_on_its_route_only(chat: Ask) -> None:
    name = "token-open:gateway@compat/always"
    gateway = make_gateway(suited(Config(), name), defect=name)

    def status(route: str) -> int:
        request = chat(route=route)
        bare = replace(request, headers=request.headers.without("cf-aig-authorization"))
        return gateway.handle(bare, 0).status

    assert (status("native"), status("compat")) == (401, 200)


def test_an_ignored_part_of_the_cache_key_mixes_answers_up(chat: Ask) -> None:
    name = "key-ignores:max_tokens@all/always"

    def pair(defect: str | None) -> list[Response]:
        gateway = make_gateway(replace(Config(), cache_ttl=60), defect=defect)
        return [gateway.handle(chat({"max_tokens": n}), n * 10**9) for n in (8, 9)]

    assert [r.headers.get("cf-aig-cache-status") for r in pair(None)] == ["MISS", "MISS"]
    assert [r.headers.get("cf-aig-cache-status") for r in pair(name)] == ["MISS", "HIT"]


def test_every_operator_has_one_family() -> None:
    operators = [operator for known in FAMILIES.values() for operator in known]

    assert len(operators) == len(set(operators))
    assert Mutant("drop", "plain.id").family == "value"
