"""Checks of short sequences on answers written by hand: retries, the SDK's path, long bodies."""

from dataclasses import replace
from typing import Any

import pytest

from harness.contract.clause import Recorded
from harness.contract.observation import Observation
from harness.contract.run import standin
from harness.contract.topics import cross, model, options, timing
from harness.contract.topics.catalogue import BY_ID
from harness.contract.topics.stage import with_headers
from tests.contract.answers import USAGE, asked, chunk, good_chunks, plain, seen, sse, streamed
from tests.contract.runs import SUBJECT
from tests.contract.stages import staged

RETRIES = ("retry-options", "retry-delay-unused")


def says(clause: str, **scene: Observation) -> Any:
    check = BY_ID[clause].scene
    assert check is not None
    return check(scene)


def retry(delay: str, *, ms: int = 20, status: int = 200) -> Observation:
    case = with_headers(asked(), ("cf-aig-retry-delay", delay))
    found = seen(case, plain() if status == 200 else {"message": "no"}, status=status)
    assert found.response is not None
    response = replace(found.response, head_at_ns=ms * 1_000_000)
    return replace(found, exchange=replace(found.exchange, response=response))


def test_retry_options_at_their_bounds_are_accepted() -> None:
    assert says("retry-options", retries_0=retry("5000"), retries_1=retry("100")) == ()
    assert says("retry-options", retries_0=retry("5000", status=400))
    assert says("retry-options", retries_0=retry("5000", status=503)) is None


@pytest.mark.parametrize(("first", "third", "kept"), [(20, 40, True), (5020, 5020, False)])
def test_a_delay_is_for_retries(first: int, third: int, kept: bool) -> None:
    scene = {
        "retries_0": retry("5000", ms=first),
        "retries_1": retry("100", ms=120),
        "retries_2": retry("5000", ms=third),
    }

    assert (says("retry-delay-unused", **scene) == ()) is kept


def test_one_slow_answer_is_no_delay() -> None:
    scene = {"retries_0": retry("5000", ms=9000), "retries_2": retry("5000")}

    assert says("retry-delay-unused", **scene) == ()


def test_both_routes_are_asked_for_retries() -> None:
    found = {}
    for route in ("native", "compat"):
        with standin.mock(SUBJECT) as embedded:
            stage = staged(embedded, route, RETRIES)
            options.play(stage)
            found[route] = [seen.ok for seen in stage.scene.values()]

    assert found == {"native": [True] * 3, "compat": [True]}


def at_sdk(**fields: Any) -> Observation:
    case = replace(asked(), path="/baseten/chat/completions")
    return seen(case, plain(**{"id": "chatcmpl-2", **fields}))


TWICE = {"plain": seen(asked(), plain()), "plain_again": seen(asked(), plain())}
SAID_OTHERWISE = {"choices": [{"index": 0, "message": {"content": "No"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "baseten/openai/gpt-oss-120b"},
        {"object": "text_completion"},
        {"id": "chatcmpl-1"},
        {"usage": {**USAGE, "prompt_tokens": 20}},
        {"usage": None},
        SAID_OTHERWISE,
    ],
)
def test_the_sdk_path_answers_like_the_documented_one(fields: dict[str, Any]) -> None:
    assert says("sdk-path-equal", **TWICE, sdk_path=at_sdk()) == ()
    assert says("sdk-path-equal", **TWICE, sdk_path=at_sdk(**fields))


def test_the_sdk_path_is_not_judged_where_it_is_refused_or_the_model_wavers() -> None:
    refused = seen(at_sdk().case, b"<html>", status=404, media="text/html")
    wavering = {**TWICE, "plain_again": seen(asked(), plain(**SAID_OTHERWISE))}

    assert says("sdk-path-equal", **TWICE, sdk_path=refused) is None
    assert says("sdk-path-equal", **wavering, sdk_path=at_sdk(**SAID_OTHERWISE)) == ()


def counted(case: Any, body: Any, completion: int) -> Any:
    usage = {"prompt_tokens": 5, "completion_tokens": completion, "total_tokens": 5 + completion}
    if isinstance(body, dict):
        return seen(case, {**body, "usage": usage})
    return seen(case, sse([*body[:-1], chunk(choices=[], usage=usage)]))


def test_the_same_words_cost_the_same_plain_and_streamed() -> None:
    whole = counted(asked(), plain(), 7)
    same, more = (counted(streamed(), good_chunks(), count) for count in (7, 8))
    other = counted(asked(), plain(), 9)

    assert says("answer-costs-same", plain=whole, stream=same) == ()
    [found] = says("answer-costs-same", plain=whole, stream=more)
    assert (found.expected[:3], found.came) == ("[7]", "[8]")
    assert says("answer-costs-same", plain=whole, plain_again=other, stream=more) is None
    assert says("answer-costs-same", plain=whole, stream=seen(streamed(), b"", status=500)) is None


def test_the_sdk_path_is_asked_once_and_on_native_only() -> None:
    for route, count in (("native", 1), ("compat", 0)):
        with standin.mock(SUBJECT) as embedded:
            stage = staged(embedded, route, {"sdk-path-equal"} if route == "native" else ())
            cross.play(stage)

        assert [name for name in stage.scene if name == "sdk_path"] == ["sdk_path"] * count


@pytest.mark.parametrize(
    ("play", "route"), [(timing.play, "native"), (timing.play, "compat"), (model.play, "model")]
)
def test_times_are_taken_again_only_where_they_looked_wrong(play: Any, route: str) -> None:
    defect = "model-stream-buffered" if route == "model" else "full-buffering"
    scenes = []
    for broken in (None, defect):
        with standin.mock(SUBJECT, defect=broken) as embedded:
            stage = staged(embedded, route, ())
            play(stage)
            scenes.append(list(stage.scene))

    assert [len(scene) for scene in scenes] == [3, 6 if route == "model" else 9]


def test_which_long_bodies_are_taken_is_written_down() -> None:
    short, long = seen(asked(), plain()), seen(asked(), {"message": "long"}, status=413)

    assert says("record-body-limit", **{"70k": short, "1200k": long}) == Recorded(
        "70k: 200, 1200k: 413"
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "429 without Retry-After"),
        ("30", "429, seconds"),
        ("Sun, 01 Nov 2026 00:00:30 GMT", "429, a date"),
        ("soon", "429 with a Retry-After that is neither seconds nor a date"),
    ],
)
def test_whether_a_429_says_when_to_come_back_is_written_down(value: str | None, told: str) -> None:
    fields = [] if value is None else [("retry-after", value)]
    refused = seen(asked(), {"message": "no"}, status=429, headers=fields)

    assert says("record-retry-after", beyond_0_0=refused) == Recorded(told)


def test_a_difference_is_a_fault_only_where_the_model_repeats_itself() -> None:
    first, other = seen(asked(), plain()), seen(asked(), plain(**SAID_OTHERWISE))

    assert says("compat-equals-native", native=first, plain=first) == ()
    assert says("compat-equals-native", native=first, plain=other) is None
    assert says("compat-equals-native", native=first, native_again=first, plain=other)


def test_one_answer_alike_is_enough() -> None:
    first, other = seen(asked(), plain()), seen(asked(), plain(**SAID_OTHERWISE))

    assert says("compat-equals-native", native=first, native_again=other, plain=other) == ()


def test_the_ways_are_asked_again_only_where_they_differ() -> None:
    wanted = ("tools-stream-equal", "compat-equals-native")
    scenes = []
    for defect in (None, "args-pieces-stripped"):
        with standin.mock(SUBJECT, defect=defect) as embedded:
            stage = staged(embedded, "compat", wanted)
            cross.play(stage)
            scenes.append(set(stage.scene))

    assert {name for name in scenes[0] if name.endswith("_again")} == {"plain_again"}
    assert {name for name in scenes[1] - scenes[0] if "again" in name} == {
        "tool_plain_again",
        "tool_stream_again",
    }
