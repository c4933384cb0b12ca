"""Checks of the universal endpoint, a list of steps of which the first that works answers.

It is legacy and no server but the gateway has it: a target is judged only where it answers a good
step. Steps are told apart by the value that only their own answer may hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.contract.case import Expect
from harness.contract.checks.scenes import answered, recorded, refused
from harness.contract.clause import Clause, Fault, Finding, Record, Scene
from harness.contract.evidence import fault, told
from harness.contract.observation import Observation, observe
from harness.contract.reading import parse_json
from harness.contract.strategies.given import given
from harness.routes.body import encode
from harness.wire import Headers

STEP = "cf-aig-step"
PASSING = (429, 502, 503, 504, 529)
AT_ONCE_NS = 3_000_000
"""An answer as early as this may have come before a timeout of 1 ms could end it."""


def serves(scene: Scene) -> bool:
    """Whether the target answers a good step as Cloudflare does."""
    first = scene.get("first")
    if first is None or not first.ok:
        return False
    return bool(first.choices) or first.headers.get(STEP) is not None


def _good(scene: Scene) -> Iterator[tuple[str, Observation]]:
    """The accepted requests with a step that was meant to answer."""
    for name in ("first", "timed_out", "refused"):
        seen = scene.get(name)
        if seen is not None and seen.ok and serves(scene):
            yield name, seen


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


def answers_like_the_route(scene: Scene, *, clauses: Sequence[Clause]) -> Finding:
    """The answer of a step keeps the clauses of its route."""
    judged = [(n, as_on_its_route(s)) for n, s in _good(scene) if n == "first" or not _other(s)]
    if not judged:
        return None
    return tuple(
        replace(found, where=f"{name}, {clause.id}: {found.where}")
        for name, seen in judged
        for clause in clauses
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


def the_first_that_works_answers(scene: Scene) -> Finding:
    """A good first step answers, and no later one."""
    if not serves(scene):
        return None
    number = _answering(scene["first"])
    if number is None:
        return None
    return () if number == 0 else (told("the answer of step 0", f"that of step {number}", "text"),)


def the_step_is_told(scene: Scene) -> Finding:
    """`cf-aig-step` is the number of the step that answered, counted from 0."""
    told = [(name, seen, seen.headers.get(STEP)) for name, seen in _good(scene)]
    known = [(name, value, _answering(seen)) for name, seen, value in told if value is not None]
    known = [(name, value, number) for name, value, number in known if number is not None]
    if not known:
        return None
    return tuple(
        fault(f"{number}, the step whose answer it is", value, f"header {STEP} ({name})")
        for name, value, number in known
        if value != str(number)
    )


def timeouts_hand_over(scene: Scene) -> Finding:
    """A step that exceeds its own timeout hands over to the next one."""
    seen = answered("timed_out", scene=scene)
    if seen is None or seen[0].status in PASSING:
        return None
    response = seen[0].response
    if not seen[0].ok:
        body = response.body if response else b""
        came = f"HTTP {seen[0].status}"
        return (told("the second step's answer", came, "a first step of 1 ms", body),)
    early = response is not None and response.head_at_ns - seen[0].late_ns < AT_ONCE_NS
    if _answering(seen[0]) != 0 or early:
        return ()
    return (told("the second step's answer", "the first one's", "a first step of 1 ms"),)


def errors_hand_over(scene: Scene) -> Finding:
    """A step that ends in an error hands over to the next one."""
    seen = answered("refused", scene=scene)
    if seen is None or seen[0].status in PASSING:
        return None
    if seen[0].ok:
        return ()
    body = seen[0].response.body if seen[0].response else b""
    before = ", ".join(step.topic for step in seen[0].case.steps or ())
    return (told("the last step's answer", f"HTTP {seen[0].status}", f"after {before}", body),)


def all_failed_is_a_failure(scene: Scene) -> Finding:
    """Where every step fails, so does the request.

    A target that does not refuse the wrong key of the first step has one that works.
    """
    before = scene.get("refused")
    if before is not None and before.ok and _answering(before) != _meant(before):
        return None
    seen = answered("failed", scene=scene)
    if seen is None or seen[0].rejected:
        return None if seen is None else ()
    body = seen[0].response.body if seen[0].response else b""
    return (told("an error", f"HTTP {seen[0].status}", "every step fails", body),)


def no_list_is_refused(scene: Scene) -> Finding:
    """A body that is no list of steps is refused."""
    return refused(scene, "no_list", what="a body that is no list")


def endpoint(scene: Scene) -> Finding:
    """Records whether the target has the endpoint, and what it says where it has not."""
    return Record("served") if serves(scene) else recorded(scene, "first")


def failure(scene: Scene) -> Finding:
    """Records what is answered when every step fails."""
    return recorded(scene, "failed")


def refused_step(scene: Scene) -> Finding:
    """Records whether a step that the gateway itself refuses hands over."""
    seen = answered("nobody", scene=scene)
    if seen is None or not seen[0].ok:
        return recorded(scene, "nobody")
    return Record("hands over")
