"""Clauses on the universal endpoint: what they judge, and whom they leave alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.contract.case import Case, Key
from harness.contract.clause import Recorded
from harness.contract.observation import Observation
from harness.contract.output.curl import curl
from harness.contract.output.failure_folder import case_of, document_of
from harness.contract.requests.given import only
from harness.contract.run import standin
from harness.contract.run.budget import Budget
from harness.contract.run.results import Results
from harness.contract.run.sender import Sender
from harness.contract.run.standin import TARGET
from harness.contract.run.waits import lacks
from harness.contract.topics.catalogue import BY_ID
from harness.contract.topics.universal import UniversalScene, play, topic
from harness.settings import Secrets
from tests.contract.answers import asked, good_chunks, plain, seen, sse
from tests.contract.runs import explore
from tests.contract.stages import staged

IDS = {clause.id for clause in topic.clauses}


def marked(mark: str, **fields: Any) -> Case:
    return asked(response_format=only(mark=mark), **fields)


def answer(mark: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps({"mark": mark})}
    return plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])


def stepped(case: Case, body: Any, *, status: int = 200, step: str | None = "0") -> Observation:
    fields = [] if step is None else [("cf-aig-step", step)]
    return seen(case, body, status=status, headers=[("cf-aig-event-id", "event-1"), *fields])


FIRST = stepped(replace(marked("one"), steps=(), spare=(marked("spare"),)), answer("one"))


def says(clause: str, **scene: Observation) -> Any:
    check = BY_ID[clause].scene
    assert check is not None
    return check(replace(UniversalScene(FIRST), **scene))


def fallback(body: Any, *, status: int = 200, step: str | None = "1") -> Observation:
    case = replace(marked("two"), steps=(marked("slow"),))
    return stepped(case, body, status=status, step=step)


def test_a_step_is_a_request_to_its_route_and_the_key_is_in_it() -> None:
    with standin.mock(TARGET) as embedded:
        parts = (embedded.transport, embedded.clock, Budget(), "test")
        sender = Sender(embedded.target, *parts)
        slow = replace(asked(), headers=(("cf-aig-request-timeout", "1"),))
        locked = replace(asked("compat"), provider_key=Key.WRONG)
        request = sender.request(replace(asked(), steps=(slow, locked)), 1)

    first, second, third = json.loads(request.body)
    assert request.url == f"{standin.MOCK}/v1/acc/gw"
    assert "authorization" not in request.headers
    assert request.headers.get("cf-aig-authorization") == "Bearer gateway-token"
    assert first["config"] == {"requestTimeout": 1}
    assert (second["provider"], second["endpoint"]) == ("compat", "chat/completions")
    assert second["query"]["model"].startswith("baseten/")
    assert second["headers"]["Authorization"] != third["headers"]["Authorization"]
    assert third["headers"]["Authorization"] == "Bearer baseten-key"
    assert third["endpoint"] == "v1/chat/completions"


def test_each_clause_keeps_quiet_on_a_target_without_the_endpoint() -> None:
    pages = [
        seen(FIRST.case, b"<html>", status=404, media="text/html"),
        seen(FIRST.case, b"<html>a page for everything</html>", media="text/html"),
        seen(FIRST.case, {"error": {"message": "messages: field required"}}, status=422),
        seen(FIRST.case, {"success": False, "error": []}, status=400),
    ]
    for page in pages:
        scene = UniversalScene(page)
        found = {clause.id: clause.scene(scene) for clause in topic.clauses if clause.scene}

        assert isinstance(found.pop("record-universal"), Recorded)
        assert set(found.values()) == {None}


def test_nothing_more_is_asked_where_a_good_step_is_not_served() -> None:
    scene = UniversalScene()
    with standin.mock(TARGET, variant="no-universal-endpoint") as embedded:
        play(staged(embedded, "native", IDS), scene)

    assert scene.seen == (scene.first,)


def test_a_custom_domain_makes_it_not_applicable() -> None:
    address = replace(TARGET.address, custom_domain=True)
    with standin.mock(replace(TARGET, address=address)) as embedded:
        found = {lacks(c, "native", embedded.target, clock=embedded.clock) for c in topic.clauses}

    assert found == {"gateway_path"}


def test_no_clause_on_single_exchanges_judges_an_answer_of_the_endpoint() -> None:
    ledger = Results(BY_ID.values(), ("native",))

    ledger.see(seen(FIRST.case, b"<html>", media="text/html"))

    assert not any(entry.exercised for entry in ledger.entries.values())


def test_a_steps_answer_has_to_keep_the_clauses_of_its_route() -> None:
    broken = fallback({"error": {"message": "no such model"}})
    labelled = seen(
        replace(marked("two", stream=True), steps=()), sse(good_chunks()), media="application/json"
    )

    assert says("universal-step", refused=fallback(answer("two"))) == ()
    assert says("universal-step", refused=broken)
    assert any("label-stream" in f.where for f in says("universal-step", refused=labelled))


def test_the_first_good_step_answers() -> None:
    assert says("universal-first") == ()
    assert says("universal-first", first=stepped(FIRST.case, answer("spare")))
    assert says("universal-first", first=stepped(FIRST.case, answer("free words"))) is None


@pytest.mark.parametrize(("step", "kept"), [("1", True), ("0", False), ("2", False)])
def test_the_number_of_the_step_is_that_of_the_answer(step: str, kept: bool) -> None:
    found = says("universal-step-number", timed_out=fallback(answer("two"), step=step))

    assert (found == ()) is kept


def test_no_number_and_no_value_to_tell_by_are_not_judged() -> None:
    first = stepped(FIRST.case, answer("one"), step=None)
    silent = fallback(answer("two"), step=None)
    free = fallback(answer("free words"))

    assert says("universal-step-number", first=first, refused=silent) is None
    assert says("universal-step-number", refused=free) == ()


def test_an_expired_timeout_hands_over() -> None:
    at_once = fallback(answer("slow"))
    assert at_once.response is not None
    response = replace(at_once.response, head_at_ns=50_000_000)
    late = replace(at_once, exchange=replace(at_once.exchange, response=response))

    assert says("universal-timeout", timed_out=fallback(answer("two"))) == ()
    assert says("universal-timeout", timed_out=fallback(b"{}", status=400))
    assert says("universal-timeout", timed_out=fallback(b"{}", status=503)) is None
    assert says("universal-timeout", timed_out=late)
    assert says("universal-timeout", timed_out=at_once) == ()


def test_errors_hand_over_and_the_last_one_is_an_error() -> None:
    failed = fallback({"message": "no"}, status=404)

    assert says("universal-fallback", refused=fallback(answer("two"))) == ()
    assert says("universal-fallback", refused=failed)
    assert says("universal-all-fail", failed=failed) == ()
    assert says("universal-all-fail", failed=fallback(b"{}"))


def test_a_body_that_is_no_list_is_refused() -> None:
    assert says("universal-refuses", no_list=fallback(b"{}", status=400)) == ()
    assert says("universal-refuses", no_list=fallback(b"{}"))
    assert says("universal-refuses", no_list=fallback(b"{}", status=500))


def test_steps_survive_the_capsule() -> None:
    case = replace(FIRST.case, steps=(replace(asked(), provider_key=Key.WRONG),))

    assert case_of(json.loads(json.dumps(document_of(case)))) == case


def test_a_steps_key_is_a_variable_in_the_shell_command() -> None:
    redact, scene = Secrets((("BASETEN_API_KEY", "baseten-key"),)).redact, UniversalScene()
    with standin.mock(TARGET) as embedded:
        play(staged(embedded, "native", IDS), scene)
    assert scene.first is not None

    command = curl(scene.first.exchange.request, redact)

    assert "baseten-key" not in command
    assert "'\"$BASETEN_API_KEY\"'" in command


def test_a_step_costs_as_much_as_its_own_request() -> None:
    assert replace(asked(), steps=(asked(),)).cost == 2 * asked().cost


def test_the_stand_in_keeps_the_clauses_on_both_routes() -> None:
    entries = explore().ledger.entries.values()

    mine = [entry for entry in entries if entry.clause.id in IDS]
    assert {entry.route for entry in mine} == {"native", "compat"}
    assert {str(entry.result) for entry in mine} == {"pass", "recorded"}


def scene_of(variant: str) -> UniversalScene:
    scene = UniversalScene()
    with standin.mock(TARGET, variant=variant) as embedded:
        play(staged(embedded, "compat", IDS), scene)
    return scene


@pytest.mark.parametrize("variant", ["few-headers", "thinking", "gzip"])
def test_a_legal_variant_is_no_fault(variant: str) -> None:
    scene = scene_of(variant)

    found = {clause.id: clause.scene(scene) for clause in topic.clauses if clause.scene}
    assert not [name for name, finding in found.items() if isinstance(finding, tuple) and finding]
