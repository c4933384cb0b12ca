"""That an answer belongs to its request, without a model that echoes.

A strict schema with one allowed value marks the answer of each request; ids, event ids and the
requested form tell the others apart.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness.contract.case import Case, Expect, Key
from harness.contract.clause import EvidenceGrade, Finding, Level, Scene
from harness.contract.fault import told
from harness.contract.observation import Observation
from harness.contract.requests.given import given
from harness.contract.topics.places import NOWHERE
from harness.contract.topics.requests import declines
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
AGAIN = ", again"
"""What follows the name of a request that a probe sent again."""

topic = Topic(
    "apart", routes=("native",), evidence=EvidenceGrade.SPECIFIED, source=KEEP_ALIVE, probe="after"
)


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
    marked = [seen for seen in scene.values() if mark_of(seen) and seen.ok and seen.choices]
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
def good_after_bad(scene: Scene) -> Finding:
    """A good request after an error is answered."""
    judged = [(n, s) for n, s in _good(scene) if s.status is not None and not s.passing]
    if not judged or all(declines(s) for _, s in judged):
        return None
    return tuple(
        told("2xx", f"HTTP {seen.status}", f"the request after {name.removeprefix('good_')}")
        for name, seen in judged
        if not seen.ok
    )[:3]


@topic.scene(
    "after-error-whole",
    Level.MUST,
    why="Bytes left over from the error stand before the next answer and break it.",
    routes=("native", "model"),
)
def good_after_bad_arrives(scene: Scene) -> Finding:
    """The answer after an error arrives whole."""
    judged = _good(scene)
    if not judged or not any(s.exchange.whole for _, s in judged):
        return None
    failed = [(n, s) for n, s in judged if s.exchange.error is not None and not _waited(s)]
    return tuple(
        told("a whole answer", f"{seen.exchange.error}", f"after {name.removeprefix('good_')}")
        for name, seen in failed[:3]
    )


def _good(scene: Scene) -> list[tuple[str, Observation]]:
    """The good requests after errors; one that was asked again counts as answered then."""
    goods = [name for name in scene if name.startswith("good_") and not name.endswith(AGAIN)]
    return [(name, scene.get(f"{name}{AGAIN}", scene[name])) for name in goods]


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
def none_fails_in_company(scene: Scene) -> Finding:
    """Of sixteen requests in flight none fails that is answered alone.

    Some may have met a passing outage: half of them have to fail.
    """
    alone = scene.get("alone")
    if alone is None or not alone.ok:
        return None
    together = [
        (name, seen)
        for name, seen in scene.items()
        if name.startswith("together_") and seen.case.route == alone.case.route
    ]
    if not together:
        return None
    failed = [
        (name, seen)
        for name, seen in together
        if seen.exchange.error is not None or (seen.status or 0) >= 500
    ]
    if len(failed) * 2 < len(together):
        return ()
    return tuple(
        told("2xx, as alone", f"{seen.exchange.error or f'HTTP {seen.status}'}", name)
        for name, seen in failed[:3]
    )


@topic.scene(
    "company-answered",
    Level.MUST,
    why="Users come together: what answers one at a time serves nobody.",
    routes=ALL,
    evidence=EvidenceGrade.PRACTICE,
    source=f"{CLOUDFLARE}/reference/limits/: no ceiling for own keys",
    probe="company",
)
def is_answered_in_company(scene: Scene) -> Finding:
    """What is answered alone is answered beside others too, or told that it is too much.

    Asked only where a route looked out of order. A 429, and a 503 or 529 that says so in JSON, tell
    a client to come back; a page, a 502 or a broken connection tell it nothing.
    """
    if not all(seen.ok for name, seen in scene.items() if name.startswith("alone_")):
        return None
    crowds = [_beside(scene, turn) for turn in range(TURNS)]
    failed = [[(name, seen) for name, seen in crowd if _fails(seen)] for crowd in crowds]
    if not crowds[0] or all(map(_enough, failed)) != _enough(failed[0]):
        return None
    return tuple(
        told("2xx, as alone", f"{seen.exchange.error or f'HTTP {seen.status}'}", name)
        for name, seen in (failed[0][:3] if _enough(failed[0]) else ())
    )


def _beside(scene: Scene, turn: int) -> list[tuple[str, Observation]]:
    """The requests of one crowd."""
    return [(name, seen) for name, seen in scene.items() if name.startswith(f"beside_{turn}_")]


def _enough(failed: Sequence[tuple[str, Observation]]) -> bool:
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


def play_after(stage: Stage) -> None:
    """Each error, then a request, streamed and plain in turn."""
    for number, (name, bad) in enumerate(_bad(stage)):
        bad = replace(bad, topic=f"an error: {name}")
        good = stage.marked(f"after {name}", 1800 + number, stream=number % 2 == 0)
        stage.play(f"bad_{name}", bad)
        seen = stage.play(f"good_{name}", good)
        if seen.exchange.error is not None or not seen.ok:
            stage.play(f"bad_{name}{AGAIN}", bad)
            stage.play(f"good_{name}{AGAIN}", good)


def _bad(stage: Stage) -> tuple[tuple[str, Case], ...]:
    case = replace(stage.plain("an error", 1850), expect=Expect.REJECT)
    either = replace(case, expect=Expect.EITHER)
    wrong = replace(case, provider_key=Key.WRONG)
    found = [("cut JSON", replace(either, body=CUT)), ("another method", _get(either))]
    if stage.sender.subject.credentials.provider_key is not None:
        found.append(("a wrong key", wrong))
    if stage.route == "model":
        found.append(("an unknown model", replace(case, model_id=NOWHERE)))
    else:
        found.append(("a refused value", case.having(max_tokens=0, stream=True)))
        found.append(("an unknown model", case.having(model=NOWHERE)))
    return tuple(found)


def _get(case: Case) -> Case:
    return replace(case, method="GET", body=b"")


def play_company(stage: Stage) -> None:
    """Good requests one by one, a small crowd at once, and one by one again; twice if it failed."""
    with stage.sender.lanes.alone():
        for turn in range(TURNS):
            _one_by_one(stage, f"{turn}_before", 2060 + 30 * turn)
            crowd = [stage.plain("beside others", 2070 + 30 * turn + n) for n in range(BESIDE)]
            crowd = [replace(case, alone=False) for case in crowd]
            for number, seen in enumerate(stage.sender.send_together(crowd)):
                stage.scene[f"beside_{turn}_{number}"] = seen
            _one_by_one(stage, f"{turn}_after", 2080 + 30 * turn)
            if not any(_fails(seen) for _, seen in _beside(stage.scene, turn)):
                return


def _one_by_one(stage: Stage, name: str, number: int) -> None:
    for place in range(ALONE):
        stage.play(f"alone_{name}_{place}", stage.plain("alone", number + place))


STREAMS, PLAIN, OTHERS = 8, 4, 4


"""Streams and plain ones of the route, and plain ones of the other routes."""


IN_FLIGHT = STREAMS + PLAIN + OTHERS


"""So many requests are in flight at once."""


def play_together(stage: Stage) -> None:
    """All at once, and then one alone; nothing where the budget does not reach for all of them."""
    left = stage.sender.budget.left
    if left is not None and left <= IN_FLIGHT:
        return
    cases = [_in_flight(stage, number) for number in range(IN_FLIGHT)]
    for number, seen in enumerate(stage.sender.send_together(cases)):
        stage.scene[f"together_{number}"] = seen
    stage.play("alone", stage.marked("alone", 2050))


def _in_flight(stage: Stage, number: int) -> Case:
    case = stage.marked("in flight together", 2000 + number, stream=number < STREAMS)
    case = replace(case, alone=False)
    others = [route for route in stage.sender.subject.routes if route != stage.route]
    if number < STREAMS + PLAIN or not others:
        return case
    other = others[number % len(others)]
    if other == "model":
        document = {"prompt": f"Say hello. ({number})", "max_tokens": 16}
        return Case("model", document, "in flight together", alone=False)
    return replace(case, route=other)
