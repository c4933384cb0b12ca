"""That an answer belongs to its request, without a model that echoes.

A strict schema with one allowed value marks the answer of each request; ids, event ids and the
requested form tell the others apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.contract.case import Case, Expect, Key
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.requests.given import given
from harness.contract.topics.places import NOWHERE
from harness.contract.topics.requests import declines
from harness.contract.topics.scenes import Scene
from harness.contract.topics.sources import ALL, CLOUDFLARE, REQUEST
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic
from harness.errors import TransportKind

KEEP_ALIVE = "RFC 9112, section 9.3"
BUSY = (503, 529)
"""Statuses by which a server says that it has too much to do."""
ALONE, BESIDE = 3, 8
"""So many requests one by one, before and after so many at once."""
TURNS = 2
"""So often a crowd has to fail."""

topic = Topic(
    "apart", routes=("native",), evidence=EvidenceGrade.SPECIFIED, source=KEEP_ALIVE, probe="after"
)


@dataclass(slots=True)
class AfterScene(Scene):
    """Bad requests by what is wrong, and the good one after each; both again where it failed."""

    bad: dict[str, list[Observation]] = field(default_factory=dict)
    good: dict[str, list[Observation]] = field(default_factory=dict)


@dataclass(slots=True)
class TogetherScene(Scene):
    """Requests in flight at once, and one alone."""

    together: list[Observation] = field(default_factory=list)
    alone: Observation | None = None


@dataclass(slots=True)
class CompanyScene(Scene):
    """Requests one by one, and the small crowds between them."""

    alone: list[Observation] = field(default_factory=list)
    crowds: list[list[Observation]] = field(default_factory=list)


def mark_of(seen: Observation) -> str:
    """The text that only this request's answer may hold; empty where it asked for none."""
    return str(given(seen.case.asked).get("mark", ""))


@topic.scene(
    "together-own",
    Level.MUST,
    statement="Of sixteen requests in flight each gets its own answer.",
    why="One customer reads the answer to another customer's question.",
    source=REQUEST,
    probe="together",
)
@topic.scene(
    "after-error-own",
    Level.MUST,
    statement="The answer after an error is that of its own request.",
    why="A connection out of step hands every later answer to somebody else.",
    source=f"{KEEP_ALIVE}; {REQUEST}",
)
def answers_are_ones_own(scene: Scene) -> Finding:
    """No answer holds what another request of the scene asked for."""
    marked = [seen for seen in scene.seen if mark_of(seen) and seen.ok and seen.choices]
    marks = {mark_of(seen) for seen in marked}
    if len(marked) < 2:
        return None
    faults = []
    for seen in marked:
        text = "".join(choice.text for choice in seen.choices)
        others = [mark for mark in marks - {mark_of(seen)} if mark in text]
        if others:
            wanted = f"the mark {mark_of(seen)}"
            faults.append(told(wanted, f"that of another request, {others[0]}", f"{text[:80]!r}"))
    return tuple(faults[:3])


@topic.scene(
    "after-error-answered",
    Level.MUST,
    why="One bad request makes the next one fail, which somebody else may have sent.",
    routes=("native", "model"),
    founded=True,
)
def good_after_bad(scene: AfterScene) -> Finding:
    """A good request after an error is answered."""
    judged = [(n, s) for n, s in _good(scene) if s.status is not None and not s.passing]
    if not judged or all(declines(s) for _, s in judged):
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", f"the request after {name}")
        for name, seen in judged
        if not seen.ok
    )[:3]


@topic.scene(
    "after-error-whole",
    Level.MUST,
    why="Bytes left over from the error stand before the next answer and break it.",
    routes=("native", "model"),
)
def good_after_bad_arrives(scene: AfterScene) -> Finding:
    """The answer after an error arrives whole."""
    judged = _good(scene)
    if not judged or not any(s.exchange.whole for _, s in judged):
        return None
    failed = [(n, s) for n, s in judged if s.exchange.error is not None and not _waited(s)]
    return tuple(
        told("a whole answer", f"{seen.exchange.error}", f"after {name}")
        for name, seen in failed[:3]
    )


def _good(scene: AfterScene) -> list[tuple[str, Observation]]:
    """The good requests after errors; one that was asked again counts as answered then."""
    return [(name, tries[-1]) for name, tries in scene.good.items()]


def _waited(seen: Observation) -> bool:
    """Whether nothing came in time, which is an outage."""
    error = seen.exchange.error
    return error is not None and error.kind is TransportKind.FIRST_BYTE_TIMEOUT


@topic.scene(
    "together-answered",
    Level.SHOULD,
    why="The gateway is no bottleneck of its own; a 429 is not judged here.",
    evidence=EvidenceGrade.PRACTICE,
    source=f"{CLOUDFLARE}/reference/limits/: no ceiling for own keys",
    probe="together",
)
def none_fails_in_company(scene: TogetherScene) -> Finding:
    """Of sixteen requests in flight none fails that is answered alone.

    Some may have met a passing outage: half of them have to fail.
    """
    alone = scene.alone
    if alone is None or not alone.ok:
        return None
    together = [seen for seen in scene.together if seen.case.route == alone.case.route]
    if not together:
        return None
    failed = [
        seen for seen in together if seen.exchange.error is not None or (seen.status or 0) >= 500
    ]
    if len(failed) * 2 < len(together):
        return ()
    return tuple(map(_as_alone, failed[:3]))


def _as_alone(seen: Observation) -> Fault:
    came = f"{seen.exchange.error or f'HTTP {seen.status}'}"
    return told("2xx, as alone", came, f"request {seen.number}", requests=(seen.number,))


@topic.scene(
    "company-answered",
    Level.MUST,
    why="Users come together: what answers one at a time serves nobody.",
    routes=ALL,
    evidence=EvidenceGrade.PRACTICE,
    source=f"{CLOUDFLARE}/reference/limits/: no ceiling for own keys",
    probe="company",
)
def is_answered_in_company(scene: CompanyScene) -> Finding:
    """What is answered alone is answered beside others too, or told that it is too much.

    Asked only where a route looked out of order. A 429, and a 503 or 529 that says so in JSON, tell
    a client to come back; a page, a 502 or a broken connection tell it nothing.
    """
    if not scene.crowds or not all(seen.ok for seen in scene.alone):
        return None
    failed = [[seen for seen in crowd if _fails(seen)] for crowd in scene.crowds]
    if not _enough(failed[0]):
        return ()
    twice = len(failed) == TURNS and _enough(failed[1])
    return tuple(map(_as_alone, failed[0][:3])) if twice else None


def _enough(failed: Sequence[Observation]) -> bool:
    """Whether so many of a crowd failed that it is no accident."""
    return len(failed) * 4 >= BESIDE


def _fails(seen: Observation) -> bool:
    if seen.exchange.error is not None or seen.status is None:
        return True
    failure = seen.answer.failure if seen.answer else None
    says = failure is not None and bool(failure.message) and not _page(seen)
    return seen.status >= 500 and not (says and seen.status in BUSY)


def _page(seen: Observation) -> bool:
    return seen.response is not None and seen.response.media_type == "text/html"


CUT = b'{"model": "x", "messages": ['


def play_after(stage: Stage, scene: AfterScene) -> None:
    """Each error, then a request, streamed and plain in turn."""
    for number, (name, bad) in enumerate(_bad(stage)):
        bad = replace(bad, topic=f"an error: {name}")
        good = stage.marked(f"after {name}", 1800 + number, stream=number % 2 == 0)
        scene.bad[name] = [stage.play(bad)]
        seen = stage.play(good)
        scene.good[name] = [seen]
        if seen.exchange.error is not None or not seen.ok:
            scene.bad[name].append(stage.play(bad))
            scene.good[name].append(stage.play(good))


def _bad(stage: Stage) -> tuple[tuple[str, Case], ...]:
    case = replace(stage.plain("an error", 1850), expect=Expect.REJECT)
    either = replace(case, expect=Expect.EITHER)
    wrong = replace(case, provider_key=Key.WRONG)
    found = [("cut JSON", replace(either, body=CUT)), ("another method", _get(either))]
    if stage.sender.target.credentials.provider_key is not None:
        found.append(("a wrong key", wrong))
    if stage.route == "model":
        found.append(("an unknown model", replace(case, model_id=NOWHERE)))
    else:
        found.append(("a refused value", case.having(max_tokens=0, stream=True)))
        found.append(("an unknown model", case.having(model=NOWHERE)))
    return tuple(found)


def _get(case: Case) -> Case:
    return replace(case, method="GET", body=b"")


def play_company(stage: Stage, scene: CompanyScene) -> None:
    """Good requests one by one, a small crowd at once, and one by one again; twice if it failed."""
    with stage.sender.lanes.alone():
        for turn in range(TURNS):
            _one_by_one(stage, scene.alone, 2060 + 30 * turn)
            crowd = [stage.plain("beside others", 2070 + 30 * turn + n) for n in range(BESIDE)]
            crowd = [replace(case, alone=False) for case in crowd]
            scene.crowds.append(list(stage.sender.send_together(crowd)))
            _one_by_one(stage, scene.alone, 2080 + 30 * turn)
            if not any(map(_fails, scene.crowds[turn])):
                return


def _one_by_one(stage: Stage, alone: list[Observation], number: int) -> None:
    alone.extend(stage.play(stage.plain("alone", number + place)) for place in range(ALONE))


STREAMS, PLAIN, OTHERS = 8, 4, 4


"""Streams and plain ones of the route, and plain ones of the other routes."""


IN_FLIGHT = STREAMS + PLAIN + OTHERS


"""So many requests are in flight at once."""


def play_together(stage: Stage, scene: TogetherScene) -> None:
    """All at once, and then one alone; nothing where the budget does not reach for all of them."""
    left = stage.sender.budget.left
    if left is not None and left <= IN_FLIGHT:
        return
    cases = [_in_flight(stage, number) for number in range(IN_FLIGHT)]
    scene.together += stage.sender.send_together(cases)
    scene.alone = stage.play(stage.marked("alone", 2050))


def _in_flight(stage: Stage, number: int) -> Case:
    case = stage.marked("in flight together", 2000 + number, stream=number < STREAMS)
    case = replace(case, alone=False)
    others = [route for route in stage.sender.target.routes if route != stage.route]
    if number < STREAMS + PLAIN or not others:
        return case
    other = others[number % len(others)]
    if other == "model":
        document = {"prompt": f"Say hello. ({number})", "max_tokens": 16}
        return Case("model", document, "in flight together", alone=False)
    return replace(case, route=other)
