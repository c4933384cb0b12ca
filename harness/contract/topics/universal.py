"""The universal endpoint, a list of steps of which the first that works answers.

It is legacy and no server but the gateway has it: a target is judged only where it answers a good
step. Steps are told apart by the value that only their own answer may hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.contract.answer.reading import parse_json
from harness.contract.case import Case, Expect, Key
from harness.contract.clause import (
    Clause,
    EvidenceGrade,
    Fault,
    Finding,
    Level,
    Profile,
    Recorded,
)
from harness.contract.fault import fault, told
from harness.contract.observation import Observation, observe
from harness.contract.requests.given import given
from harness.contract.topics import body, framing, headers, limits, plain, stream_end, usage
from harness.contract.topics.options import TIMEOUT
from harness.contract.topics.places import NOWHERE
from harness.contract.topics.scenes import Scene, answered, recorded, refused
from harness.contract.topics.sources import CHAT, CLOUDFLARE
from harness.contract.topics.stage import Stage, with_headers
from harness.contract.topics.topic import Topic
from harness.routes.body import encode
from harness.wire import Headers

UNIVERSAL = f"{CLOUDFLARE}/usage/universal/"
FALLBACKS = f"{CLOUDFLARE}/configuration/fallbacks/"
HANDLING = f"{CLOUDFLARE}/configuration/request-handling/"
_OWN = tuple(
    clause
    for each in (body, headers, plain, stream_end, framing, usage, limits)
    for clause in each.topic.clauses
    if clause.check is not None and clause.level is Level.MUST and clause.id != "step-is-zero"
)
STEP = "cf-aig-step"
PASSING = (429, 502, 503, 504, 529)
AT_ONCE_NS = 3_000_000
"""An answer as early as this may have come before a timeout of 1 ms could end it."""

topic = Topic(
    "universal",
    routes=("native",),
    evidence=EvidenceGrade.DOCUMENTED,
    source=UNIVERSAL,
    probe="universal",
    profile=Profile.EXTENDED,
    needs=("gateway_path",),
)


@dataclass(slots=True)
class UniversalScene(Scene):
    """A good step first, then fallbacks after a timeout and after errors, then what must fail."""

    first: Observation | None = None
    timed_out: Observation | None = None
    refused: Observation | None = None
    failed: Observation | None = None
    no_list: Observation | None = None
    nobody: Observation | None = None


def serves(scene: UniversalScene) -> bool:
    """Whether the target answers a good step as Cloudflare does."""
    first = scene.first
    if first is None or not first.ok:
        return False
    return bool(first.choices) or first.headers.get(STEP) is not None


def _good(scene: UniversalScene) -> list[Observation]:
    """The accepted requests with a step that was meant to answer."""
    asked = (scene.first, scene.timed_out, scene.refused)
    return [seen for seen in asked if seen is not None and seen.ok and serves(scene)]


def as_on_its_route(seen: Observation) -> Observation:
    """What was seen, as if the step that was meant to answer had been sent to its own route."""
    case = replace(seen.case, steps=None, spare=(), expect=Expect.ACCEPT)
    request = seen.exchange.request
    headers = Headers((*request.headers, *_own_fields(seen)))
    request = replace(request, headers=headers, body=encode(case.asked))
    return observe(seen.number, case, replace(seen.exchange, request=request))


def _own_fields(seen: Observation) -> Iterator[tuple[str, str]]:
    """The header fields of the step that was meant to answer: its key is among them."""
    sent = parse_json(seen.exchange.request.body.decode("utf-8", "replace"))[0]
    number = len(seen.case.steps or ())
    step = sent[number] if isinstance(sent, list) and len(sent) > number else {}
    for name, value in step.get("headers", {}).items():
        yield name, str(value)


@topic.scene(
    "universal-step",
    Level.MUST,
    why="Cloudflare's own clients send steps only; a form of its own breaks them.",
    routes=CHAT,
)
def answers_like_the_route(scene: UniversalScene) -> Finding:
    """A step is answered like a request to its own route, plain and streamed."""
    judged = [as_on_its_route(seen) for seen in _good(scene) if not _other(seen)]
    if not judged:
        return None
    return tuple(
        replace(found, where=f"{seen.case.topic}, {clause.id}: {found.where}")
        for seen in judged
        for clause in _OWN
        for found in _faults(clause, seen)
    )[:4]


def _faults(clause: Clause, seen: Observation) -> tuple[Fault, ...]:
    if clause.check is None or seen.case.route not in clause.routes:
        return ()
    found = clause.check(seen)
    return found if isinstance(found, tuple) else ()


def _answering(seen: Observation) -> int | None:
    """The number of the step whose value the answer holds; None where it holds none of them."""
    text = "".join(choice.text for choice in seen.choices)
    marks = [str(given(step.asked).get("mark", "")) for step in seen.case.listed]
    return next((n for n, mark in enumerate(marks) if mark and mark in text), None)


def _meant(seen: Observation) -> int:
    """The number of the step that was meant to answer, behind those that fail."""
    return len(seen.case.steps or ())


def _other(seen: Observation) -> bool:
    """Whether a step answered that was meant to fail: what it says is not what was asked for."""
    says = any(choice.text for choice in seen.choices)
    return bool(seen.case.steps) and says and _answering(seen) != _meant(seen)


@topic.scene(
    "universal-first",
    Level.MUST,
    why="The fallback is used, and billed, instead of the model that was chosen.",
)
def the_first_that_works_answers(scene: UniversalScene) -> Finding:
    """A good first step answers, and no later one."""
    if scene.first is None or not serves(scene):
        return None
    number = _answering(scene.first)
    if number is None:
        return None
    return () if number == 0 else (told("the answer of step 0", f"that of step {number}", "text"),)


@topic.scene(
    "universal-step-number",
    Level.MUST,
    why="Fallback monitors count fallbacks that never happened, or miss those that did.",
    routes=CHAT,
)
def the_step_is_told(scene: UniversalScene) -> Finding:
    """`cf-aig-step`, if sent, is the number of the step that answered."""
    told = [(seen, seen.headers.get(STEP), _answering(seen)) for seen in _good(scene)]
    known = [each for each in told if None not in each[1:]]
    if not known:
        return None
    return tuple(
        fault(f"{number}, the step whose answer it is", value, f"header {STEP} ({seen.case.topic})")
        for seen, value, number in known
        if value != str(number)
    )


@topic.scene(
    "universal-timeout",
    Level.MUST,
    why="A stuck model holds up a request that has a fallback.",
    source=HANDLING,
)
def timeouts_hand_over(scene: UniversalScene) -> Finding:
    """A step that exceeds its `requestTimeout` hands over to the next one."""
    seen = answered(scene.timed_out)
    if seen is None or seen[0].status in PASSING:
        return None
    response = seen[0].response
    if not seen[0].ok:
        came = f"HTTP {seen[0].status}"
        wanted, where = "the second step's answer", "a first step of 1 ms"
        return (told(wanted, came, where, seen[0].body),)
    early = response is not None and response.head_at_ns - seen[0].late_ns < AT_ONCE_NS
    if _answering(seen[0]) != 0 or early:
        return ()
    return (told("the second step's answer", "the first one's", "a first step of 1 ms"),)


@topic.scene(
    "universal-fallback",
    Level.SHOULD,
    why="The fallback that was configured for an outage is never asked.",
    routes=CHAT,
    source=f"{FALLBACKS} says `returns an error` and no status",
)
def errors_hand_over(scene: UniversalScene) -> Finding:
    """A step that ends in an error hands over to the next one."""
    seen = answered(scene.refused)
    if seen is None or seen[0].status in PASSING:
        return None
    if seen[0].ok:
        return ()
    body = seen[0].body
    before = ", ".join(step.topic for step in seen[0].case.steps or ())
    return (told("the last step's answer", f"HTTP {seen[0].status}", f"after {before}", body),)


@topic.scene(
    "universal-all-fail",
    Level.MUST,
    why="An error is shown to the user as the answer.",
    source=FALLBACKS,
    probe="refusals",
)
def all_failed_is_a_failure(scene: UniversalScene) -> Finding:
    """Where every step fails the request fails.

    A target that does not refuse the wrong key of the first step has one that works.
    """
    before = scene.refused
    if before is not None and before.ok and _answering(before) != _meant(before):
        return None
    seen = answered(scene.failed)
    if seen is None or seen[0].rejected:
        return None if seen is None else ()
    came = f"HTTP {seen[0].status}"
    return (told("an error", came, "every step fails", seen[0].body),)


@topic.scene(
    "universal-refuses",
    Level.SHOULD,
    why="A request sent to the wrong URL seems to work, or is retried for ever.",
    evidence=EvidenceGrade.PRACTICE,
    probe="refusals",
)
def no_list_is_refused(scene: UniversalScene) -> Finding:
    """A body that is no list of steps is refused by a 4xx."""
    return refused(scene.no_list, what="a body that is no list")


@topic.scene(
    "record-universal",
    Level.RECORD,
    why="It is legacy, and no server but the gateway has it.",
    routes=CHAT,
)
def endpoint(scene: UniversalScene) -> Finding:
    """Whether the universal endpoint is there."""
    return Recorded("served") if serves(scene) else recorded(scene.first)


@topic.scene(
    "record-universal-failure",
    Level.RECORD,
    why="The last step's error or the gateway's own: nobody documents it.",
    source=FALLBACKS,
    probe="refusals",
)
def failure(scene: UniversalScene) -> Finding:
    """What is answered when every step fails."""
    return recorded(scene.failed)


@topic.scene(
    "record-universal-refused-step",
    Level.RECORD,
    why="A typo in the first step may cost the whole request: nobody documents it.",
    source=FALLBACKS,
    probe="refusals",
)
def refused_step(scene: UniversalScene) -> Finding:
    """Whether a step for an unknown provider hands over to the next one."""
    seen = answered(scene.nobody)
    if seen is None or not seen[0].ok:
        return recorded(scene.nobody)
    return Recorded("hands over")


def play(stage: Stage, scene: UniversalScene) -> None:
    """A good step first; nothing more where that is not served."""
    played = _PLAYED.get(stage.route)
    if played is None:
        return
    scene.first = stage.play(_first(stage))
    if serves(scene):
        played(stage, scene)


def _first(stage: Stage) -> Case:
    """A step that answers at once: on native with another good one after it, on compat alone."""
    case = _good_step(stage, 2100, "first step", stream=stage.route == "compat")
    spare = (_good_step(stage, 2101, "spare"),) if stage.route == "native" else ()
    return replace(case, steps=(), spare=spare)


def _native(stage: Stage, scene: UniversalScene) -> None:
    slow = with_headers(_good_step(stage, 2102, "too slow"), TIMEOUT)
    good = _good_step(stage, 2103, "fallback after a timeout")
    scene.timed_out = stage.play(replace(good, steps=(slow,)))
    refused = (_locked(stage), _unknown(stage, 2104))
    good = _good_step(stage, 2105, "fallback after errors", stream=True)
    scene.refused = stage.play(replace(good, steps=refused))


def refusals(stage: Stage, scene: UniversalScene) -> None:
    """Where it is served: steps that all fail, no list of steps, and a step for nobody."""
    if stage.route != "native" or not serves(scene):
        return
    if stage.wants("universal-all-fail", "record-universal-failure"):
        last = _unknown(stage, 2106)
        last = replace(last, steps=(_locked(stage),), topic="every step fails")
        scene.failed = stage.play(last)
    if stage.wants("universal-refuses"):
        scene.no_list = stage.play(replace(_bare(stage), body=b"{}", steps=()))
    if stage.wants("record-universal-refused-step"):
        nobody = replace(_good_step(stage, 2107, "nobody"), path=f"/{NOWHERE}/v1/chat/completions")
        good = _good_step(stage, 2108, "a step for nobody")
        scene.nobody = stage.play(replace(good, steps=(nobody,)))


def _compat(stage: Stage, scene: UniversalScene) -> None:
    good = _good_step(stage, 2109, "fallback to compat")
    scene.refused = stage.play(replace(good, steps=(_unknown(stage, 2110),)))


_PLAYED = {"native": _native, "compat": _compat}


def _bare(stage: Stage) -> Case:
    """A request without steps."""
    return replace(stage.plain("no list of steps", 2111), expect=Expect.EITHER)


def _good_step(stage: Stage, number: int, topic: str, *, stream: bool = False) -> Case:
    return replace(stage.marked(topic, number, stream=stream), expect=Expect.EITHER)


def _unknown(stage: Stage, number: int) -> Case:
    """A step of the native route for a model that does not exist."""
    case = replace(stage.plain("unknown model", number), route="native", expect=Expect.EITHER)
    return case.having(model=NOWHERE)


def _locked(stage: Stage) -> Case:
    case = replace(stage.plain("wrong key", 2112), provider_key=Key.WRONG)
    return replace(case, expect=Expect.EITHER)
