"""What follows from something else is no finding of its own."""

from dataclasses import replace

import pytest

from harness.contract.clause import Clause, Finding, Result
from harness.contract.observation import Observation
from harness.contract.requests.given import only
from harness.contract.run.doubt import withdraw_dying, withdraw_unfounded
from harness.contract.run.results import Entry, Results
from harness.contract.topics.auth import AuthScene
from harness.contract.topics.catalogue import BY_ID
from harness.contract.topics.cross import CrossScene
from harness.contract.topics.scenes import Scene
from harness.contract.topics.universal import UniversalScene
from harness.errors import TransportError, TransportKind
from harness.transports.exchange import Exchange
from harness.wire import End
from tests.contract.answers import (
    USAGE,
    asked,
    broken,
    call,
    calling,
    chunk,
    plain,
    seen,
    sse,
    streamed,
)

MS = 1_000_000


def judged(clause: str, scene: Scene) -> Finding:
    check = BY_ID[clause].scene
    assert check is not None
    return check(scene)


def speaking(text: str) -> Observation:
    chunks = [chunk({"role": "assistant"}), chunk({"content": text}), chunk(finish="stop")]
    return seen(streamed(), sse([*chunks, chunk(choices=[], usage=USAGE)]))


def test_tools_are_compared_only_where_something_was_called() -> None:
    without, called = ([seen(asked(), answer)] * 4 for answer in (plain(), calling(call())))
    scene = CrossScene(tool_stream=[speaking("no")] * 4)

    assert judged("tools-stream-equal", replace(scene, tool_plain=without)) is None
    assert judged("tools-stream-equal", replace(scene, tool_plain=called))


def test_reasoning_is_compared_only_where_there_is_some() -> None:
    message = {"role": "assistant", "content": "Hello", "reasoning_content": "7 times 13"}
    thinking = plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])
    without, with_some = ([seen(asked(), answer)] * 4 for answer in (plain(), thinking))
    scene = CrossScene(reason_stream=[speaking("no")] * 4)

    assert judged("reasoning-stream-equal", replace(scene, reason_plain=without)) is None
    assert judged("reasoning-stream-equal", replace(scene, reason_plain=with_some))


@pytest.mark.parametrize(("status", "wrong"), [(200, True), (401, False), (500, False)])
def test_a_500_without_a_key_generated_nothing(status: int, wrong: bool) -> None:
    answer = plain() if status == 200 else {"error": "no"}

    found = judged("auth-key-missing", AuthScene(seen(asked(), answer, status=status)))

    assert bool(found) is wrong


def test_a_surrogate_pair_that_the_server_split_is_not_our_misreading() -> None:
    split = sse([chunk({"content": "A"}), chunk({"content": "A"}), chunk(finish="stop")])
    body = split.replace(b'"A"', b'"\\ud83d"', 1).replace(b'"A"', b'"\\ude00"', 1)

    found = broken(seen(streamed(), body))

    assert "text-whole" in found
    assert "two-readings-agree" not in found


def stepped(name: str, mark: str | None) -> Observation:
    """An answer of the universal endpoint: that of the step that was meant, or of another."""
    good = asked(response_format=only(mark="m-2"))
    steps = (asked(), asked())
    text = "something else" if mark is None else f'{{"mark":"{mark}"}}'
    message = {"role": "assistant", "content": text}
    answer = plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])
    case = replace(good, steps=steps, topic=name)
    answered = seen(good, answer)
    return replace(answered, case=case)


def test_steps_that_do_not_fail_show_nothing_about_failing() -> None:
    scene = UniversalScene(stepped("first", "m-2"), failed=stepped("failed", None))
    refuses = replace(scene, refused=stepped("refused", "m-2"))
    accepts = replace(scene, refused=stepped("refused", None))

    assert judged("universal-all-fail", refuses)
    assert judged("universal-all-fail", accepts) is None


def cut(sent_ms: int) -> Observation:
    error = TransportError(TransportKind.CUT, "peer closed")
    answer = seen(streamed(), b"data: {", end=End.CUT, error=error)
    return replace(answer, exchange=replace(answer.exchange, sent_ns=sent_ms * MS))


def gone(sent_ms: int) -> Observation:
    error = TransportError(TransportKind.REFUSED, "refused")
    case = asked()
    request = seen(case, plain()).exchange.request
    return Observation(9, case, Exchange(request, sent_ms * MS, None, error))


def whole(sent_ms: int) -> Observation:
    answer = seen(asked(), plain())
    return replace(answer, exchange=replace(answer.exchange, sent_ns=sent_ms * MS))


def of(clause: str, seen_last: list[Observation]) -> tuple[Results, Entry]:
    ledger = Results([BY_ID[clause]], ["native"])
    for each in seen_last:
        ledger.see(each)
    return ledger, ledger.entries[clause, "native"]


@pytest.mark.parametrize(
    ("run", "result"),
    [
        ([whole(0), cut(100), gone(200), gone(300)], Result.NOT_EXERCISED),
        ([whole(0), cut(100), gone(200), whole(300)], Result.FAIL),
        ([whole(0), cut(100), cut(200)], Result.FAIL),
    ],
    ids=["died", "came back", "goes on"],
)
def test_a_target_that_died_had_an_outage(run: list[Observation], result: Result) -> None:
    ledger, entry = of("body-whole", run)

    withdraw_dying(ledger, run)

    kept = Result.PASS if result is Result.NOT_EXERCISED else result
    assert entry.result is kept


def test_where_nothing_good_was_answered_that_alone_is_the_finding() -> None:
    clause: Clause = BY_ID["auth-recovers"]
    ledger = Results([clause], ["model"])
    refused = seen(asked("model"), {"error": "field text is required"}, status=422)
    ledger.see_scene("auth", "model", AuthScene(after=refused))
    before = [entry.clause.id for entry in ledger.failing()]

    withdraw_unfounded(ledger, {"native"})

    assert before == ["auth-recovers"]
    assert ledger.entries["auth-recovers", "model"].result is Result.NOT_EXERCISED
