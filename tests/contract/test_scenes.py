"""Checks of short sequences on answers written by hand: retries, the SDK's path, long bodies."""

from dataclasses import replace
from typing import Any, get_type_hints

import pytest

from harness.contract.clause import Recorded
from harness.contract.observation import Observation
from harness.contract.run import standin
from harness.contract.run.standin import TARGET
from harness.contract.topics import cross, options
from harness.contract.topics.catalogue import BY_ID, CLAUSES, PROBES
from harness.contract.topics.cross import CrossScene
from harness.contract.topics.options import OptionsScene
from harness.contract.topics.rate import RateAttempt, RateScene
from harness.contract.topics.scenes import Scene
from harness.contract.topics.sizes import SizesScene
from harness.contract.topics.stage import with_headers
from tests.contract.answers import USAGE, asked, chunk, good_chunks, plain, seen, sse, streamed
from tests.contract.stages import SCENES, staged

RETRIES = ("retry-options", "retry-delay-unused")


def says(clause: str, scene: Scene) -> Any:
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
    def judged(*retries: Observation) -> Any:
        return says("retry-options", OptionsScene(retries=list(retries)))

    assert judged(retry("5000"), retry("100")) == ()
    assert judged(retry("5000", status=400))
    assert judged(retry("5000", status=503)) is None


@pytest.mark.parametrize(("first", "third", "kept"), [(20, 40, True), (5020, 5020, False)])
def test_a_delay_is_for_retries(first: int, third: int, kept: bool) -> None:
    retries = [retry("5000", ms=first), retry("100", ms=120), retry("5000", ms=third)]

    assert (says("retry-delay-unused", OptionsScene(retries=retries)) == ()) is kept


def test_one_slow_answer_is_no_delay() -> None:
    scene = OptionsScene(retries=[retry("5000", ms=9000), retry("5000")])

    assert says("retry-delay-unused", scene) == ()


def test_both_routes_are_asked_for_retries() -> None:
    found = {}
    for route in ("native", "compat"):
        with standin.mock(TARGET) as embedded:
            scene = OptionsScene()
            options.play(staged(embedded, route, RETRIES), scene)
            found[route] = [seen.ok for seen in scene.seen]

    assert found == {"native": [True] * 3, "compat": [True]}


def at_sdk(**fields: Any) -> Observation:
    case = replace(asked(), path="/baseten/chat/completions")
    return seen(case, plain(**{"id": "chatcmpl-2", **fields}))


TWICE = CrossScene(plain=[seen(asked(), plain())] * 2)
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
    assert says("sdk-path-equal", replace(TWICE, sdk=[at_sdk()])) == ()
    assert says("sdk-path-equal", replace(TWICE, sdk=[at_sdk(**fields)]))


def test_the_sdk_path_is_not_judged_where_it_is_refused_or_the_model_wavers() -> None:
    refused = seen(at_sdk().case, b"<html>", status=404, media="text/html")
    wavering = [TWICE.plain[0], seen(asked(), plain(**SAID_OTHERWISE))]
    other = CrossScene(plain=wavering, sdk=[at_sdk(**SAID_OTHERWISE)])

    assert says("sdk-path-equal", replace(TWICE, sdk=[refused])) is None
    assert says("sdk-path-equal", other) == ()


def counted(case: Any, body: Any, completion: int) -> Any:
    usage = {"prompt_tokens": 5, "completion_tokens": completion, "total_tokens": 5 + completion}
    if isinstance(body, dict):
        return seen(case, {**body, "usage": usage})
    return seen(case, sse([*body[:-1], chunk(choices=[], usage=usage)]))


def test_the_same_words_cost_the_same_plain_and_streamed() -> None:
    whole = counted(asked(), plain(), 7)
    same, more = (counted(streamed(), good_chunks(), count) for count in (7, 8))
    other, failed = counted(asked(), plain(), 9), seen(streamed(), b"", status=500)

    def judged(stream: Observation, *plains: Observation) -> Any:
        return says("answer-costs-same", CrossScene(plain=list(plains), stream=[stream]))

    assert judged(same, whole) == ()
    [found] = judged(more, whole)
    assert (found.expected[:3], found.came) == ("[7]", "[8]")
    assert judged(more, whole, other) is None
    assert judged(failed, whole) is None


def test_the_sdk_path_is_asked_once_and_on_native_only() -> None:
    for route, count in (("native", 1), ("compat", 0)):
        with standin.mock(TARGET) as embedded:
            scene = CrossScene()
            wanted = {"sdk-path-equal"} if route == "native" else ()
            cross.play(staged(embedded, route, wanted), scene)

        assert len(scene.sdk) == count


@pytest.mark.parametrize(
    ("probe", "route"), [("timing", "native"), ("timing", "compat"), ("model", "model")]
)
def test_times_are_taken_again_only_where_they_looked_wrong(probe: str, route: str) -> None:
    defect = "model-stream-buffered" if route == "model" else "full-buffering"
    counts = []
    for broken in (None, defect):
        scene = PROBES[probe].scene()
        with standin.mock(TARGET, defect=broken) as embedded:
            PROBES[probe].play(staged(embedded, route, ()), scene)
        counts.append(len(scene.seen))

    assert counts == [3, 6 if route == "model" else 9]


def test_which_long_bodies_are_taken_is_written_down() -> None:
    short, long = seen(asked(), plain()), seen(asked(), {"message": "long"}, status=413)

    scene = SizesScene(bodies={"70k": short, "1200k": long})
    assert says("record-body-limit", scene) == Recorded("70k: 200, 1200k: 413")


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

    attempt = RateAttempt(beyond={"beyond": refused})
    assert says("record-retry-after", RateScene(attempts=[attempt])) == Recorded(told)


def test_a_difference_is_a_fault_only_where_the_model_repeats_itself() -> None:
    first, other = seen(asked(), plain()), seen(asked(), plain(**SAID_OTHERWISE))

    assert says("compat-equals-native", CrossScene([first], [first])) == ()
    assert says("compat-equals-native", CrossScene([first], [other])) is None
    assert says("compat-equals-native", CrossScene([first] * 2, [other]))


def test_one_answer_alike_is_enough() -> None:
    first, other = seen(asked(), plain()), seen(asked(), plain(**SAID_OTHERWISE))

    assert says("compat-equals-native", CrossScene([first, other], [other])) == ()


def test_the_ways_are_asked_again_only_where_they_differ() -> None:
    wanted = ("tools-stream-equal", "compat-equals-native")
    scenes = []
    for defect in (None, "args-pieces-stripped"):
        with standin.mock(TARGET, defect=defect) as embedded:
            scene = CrossScene()
            cross.play(staged(embedded, "compat", wanted), scene)
            scenes.append(scene)

    counts = [
        [len(each) for each in (of.native, of.plain, of.stream, of.tool_plain, of.tool_stream)]
        for of in scenes
    ]
    assert counts == [[1, 2, 1, 1, 1], [1, 2, 1, cross.MOST, cross.MOST]]


def test_each_check_takes_the_scene_of_its_probe() -> None:
    for clause in CLAUSES:
        if clause.scene is not None and clause.probe is not None:
            taken = next(iter(get_type_hints(clause.scene).values()))

            assert issubclass(SCENES[clause.probe], taken), clause.id


def test_a_scene_tells_all_that_was_seen_in_the_order_of_the_requests() -> None:
    first, second, third = (seen(asked(), plain(), number=number) for number in (1, 2, 3))
    attempts = [RateAttempt([third], {"beyond": first}), RateAttempt()]

    assert RateScene(attempts, later=second).seen == (first, second, third)
