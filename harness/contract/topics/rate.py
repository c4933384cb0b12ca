"""A declared rate limit: as many as declared pass, the next does not, time heals.

A window that ends inside an attempt lets more pass, never fewer: one early refusal is a fault, and
what passes beyond the limit is one only if it did so in both attempts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime

from harness.contract.case import Expect
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level, Unjudged
from harness.contract.fault import fault, told
from harness.contract.observation import Observation
from harness.contract.topics.scenes import Scene
from harness.contract.topics.sources import RATE
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic

TOO_SLOW = (
    "the requests could not be sent fast enough for a window of the limit: run it nearer to the "
    "gateway, or on a quieter machine"
)

topic = Topic(
    "rate",
    routes=("native",),
    evidence=EvidenceGrade.DOCUMENTED,
    source=RATE,
    probe="rate",
    needs=("rate", "clock"),
)


@dataclass(slots=True)
class RateAttempt:
    """One attempt: the requests within the limit, and those beyond it by their form.

    `after` is one more, sent shortly before half of the window had passed; none where it came late.
    """

    allowed: list[Observation] = field(default_factory=list)
    beyond: dict[str, Observation] = field(default_factory=dict)
    after: Observation | None = None

    @property
    def whole(self) -> bool:
        """Whether everything up to what is beyond the limit was sent."""
        return bool(self.allowed) and len(self.beyond) == len(BEYOND)

    @property
    def half(self) -> int | None:
        """The status of the request before half of the window had passed."""
        return self.after.status if self.after else None

    def refused(self, name: str) -> bool:
        """Whether a request beyond the limit was answered by 429."""
        return self.beyond[name].status == 429

    @property
    def roomy(self) -> bool:
        """Whether a window that began after the limit was reached admits all that followed."""
        return len(self.allowed) >= len(BEYOND)

    @property
    def too_many(self) -> bool:
        """Whether even two windows do not allow so many requests in so short a time."""
        sent = len(self.allowed) + len(self.beyond) + 1
        return self.half is not None and sent > 2 * len(self.allowed)

    @property
    def passed(self) -> int:
        """How many requests were let through."""
        statuses = [seen.status for seen in (*self.allowed, *self.beyond.values())]
        return sum(status not in (429, None) for status in (*statuses, self.half))

    @property
    def answered(self) -> bool:
        """Whether every request got a response: of one that got none nobody knows what it was."""
        return all(seen.status is not None for seen in (*self.allowed, *self.beyond.values()))


@dataclass(slots=True)
class RateScene(Scene):
    """One attempt or two, a flood where nothing was refused, and a request after the window."""

    attempts: list[RateAttempt] = field(default_factory=list)
    flood: list[Observation] = field(default_factory=list)
    later: Observation | None = None


def attempts(scene: RateScene) -> list[RateAttempt]:
    """The whole attempts in their order."""
    return [attempt for attempt in scene.attempts if attempt.whole]


def quick(scene: RateScene) -> list[RateAttempt]:
    """The attempts that took less than half a window: of a slower one nothing can be said."""
    return [attempt for attempt in attempts(scene) if attempt.half is not None]


@topic.scene("rate-allows", Level.MUST, why="Callers below their limit are refused.")
def as_many_as_declared_pass(scene: RateScene) -> Finding:
    """As many requests as declared pass in a window."""
    made = attempts(scene)
    if not made:
        return None
    for attempt in made:
        early = [n for n, seen in enumerate(attempt.allowed, 1) if seen.status == 429]
        if early:
            wanted = f"{len(attempt.allowed)} requests"
            return (told(wanted, f"429 at request {early[0]}", "window"),)
    return ()


def unclear(scene: RateScene) -> Finding:
    """That the limit was used up too slowly to tell; nothing where it was not tried at all."""
    return Unjudged(TOO_SLOW) if attempts(scene) else None


@topic.scene("rate-refuses", Level.MUST, why="Nothing protects the budget behind the gateway.")
def one_more_is_refused(scene: RateScene) -> Finding:
    """A request beyond the limit is answered by 429.

    More than 2 N requests within half a window, or within a whole one that hold them all, are too
    many wherever a window ends.
    """
    if any(seen.status == 429 for seen in scene.seen):
        return ()
    flood = [seen.status for seen in scene.flood]
    if flood:
        wanted = f"429 after twice the {len(flood) // 2} requests of a window at most"
        return (told(wanted, f"none in {len(flood)} requests at once: {set(flood)}", "window"),)
    made = [attempt for attempt in quick(scene) if attempt.answered]
    if not made or (len(made) < ATTEMPTS and not made[0].too_many):
        return unclear(scene)
    came = f"{[seen.status for attempt in made for seen in attempt.beyond.values()]}"
    return (told(f"429 after {len(made[0].allowed)} requests", came, "beyond the limit"),)


@topic.scene("rate-exact", Level.MUST, why="The limit is not the one that was configured.")
def no_more_than_declared_pass(scene: RateScene) -> Finding:
    """The first request beyond the limit is the first refused."""
    made = quick(scene)
    if not made or one_more_is_refused(scene):
        return None if made else unclear(scene)
    early = any(seen.status == 429 for attempt in made for seen in attempt.allowed)
    if early or any(attempt.refused("beyond") for attempt in made):
        return ()
    if len(made) < ATTEMPTS:
        return unclear(scene)
    return (told("429 at once", f"HTTP {made[0].beyond['beyond'].status}", "request N+1"),)


@topic.scene(
    "rate-window",
    Level.MUST,
    why="Windows are shorter than declared: the budget is spent several times over.",
)
def windows_are_as_long_as_declared(scene: RateScene) -> Finding:
    """Within half a window no more requests pass than the limit allows.

    The second attempt begins half a window later in the cycle: of the two, one at least is met by
    no end of a window in its first half.
    """
    made = quick(scene)
    if not made:
        return unclear(scene)
    if any(attempt.half == 429 or attempt.passed <= len(attempt.allowed) for attempt in made):
        return ()
    if len(made) < ATTEMPTS:
        return unclear(scene)
    came = f"{[attempt.passed for attempt in made]}"
    wanted = f"at most {len(made[0].allowed)} in half a window"
    return (told(wanted, came, "requests that passed"),)


@topic.scene(
    "rate-code",
    Level.SHOULD,
    why="Callers cannot tell it from the provider's 429.",
    evidence=EvidenceGrade.OBSERVED,
)
def refusal_says_rate_limited(scene: RateScene) -> Finding:
    """The gateway's 429 carries code 2003."""
    refused = _refused(scene)
    if not refused:
        return None
    failure = refused[0].answer.failure if refused[0].answer else None
    code = failure.code if failure else None
    return () if code == "2003" else (fault("code 2003", code, "429 body"),)


@topic.scene("rate-recovers", Level.MUST, why="One burst locks the gateway.")
def window_passes(scene: RateScene) -> Finding:
    """After the window requests pass again."""
    later = scene.later
    if later is None or later.status is None or not _refused(scene):
        return None
    if later.status != 429:
        return ()
    return (told("no 429 after the window", "HTTP 429", "the first request after it"),)


def _refused(scene: RateScene) -> list[Observation]:
    return [
        seen
        for attempt in attempts(scene)
        for seen in attempt.beyond.values()
        if seen.status == 429 and seen.case.route == attempt.allowed[0].case.route
    ]


@topic.scene(
    "rate-all-count",
    Level.MUST,
    why="The limit protects a budget; one form of request walks around it.",
)
def everything_counts(scene: RateScene) -> Finding:
    """One limit counts all: streams and the other routes too.

    A request after them that is refused shows that no window has ended meanwhile, if a new window
    had room for all of them; else only what passes in both attempts is a fault.
    """
    made = [attempt for attempt in quick(scene) if attempt.refused("beyond")]
    if not made:
        return unclear(scene)
    faults = tuple(_uncounted(made))
    certain = len(made) == ATTEMPTS or (made[0].half == 429 and made[0].roomy)
    return faults if certain or not faults else unclear(scene)


def _uncounted(made: list[RateAttempt]) -> Iterator[Fault]:
    for name in ("stream", "other_route"):
        statuses = [attempt.beyond[name].status for attempt in made]
        if all(status == 200 for status in statuses):
            yield told("429", f"{statuses}", name.replace("_", " "))


@topic.scene(
    "rate-retry-after",
    Level.SHOULD,
    why="A time in the past brings all clients back at once; a day makes them give up.",
    evidence=EvidenceGrade.SPECIFIED,
    source="RFC 9110, section 10.2.3",
)
def retry_after_tells_when(scene: RateScene) -> Finding:
    """Retry-After of the 429, if there is one, is the time that is left."""
    refused, later = _refused(scene), scene.later
    value = refused[-1].headers.get("retry-after") if refused else None
    if value is None or later is None or later.status == 429:
        return None
    seconds = _seconds(value, refused[-1])
    waited = (later.exchange.sent_ns - refused[-1].exchange.sent_ns) / 1e9
    if seconds is not None and 0 <= seconds <= max(waited, 1):
        return ()
    return (fault(f"0 to {waited:.0f} s", value, "header retry-after of the 429"),)


def _seconds(value: str, seen: Observation) -> float | None:
    """The wait in seconds that a Retry-After asks for; None where it says none."""
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return int(value)
    try:
        now = parsedate_to_datetime(seen.headers.get("date") or "")
        return (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError):
        return None


ATTEMPTS = 2
APART = 3.5
"""Windows from the beginning of one attempt to that of the next."""
AT_ONCE = 32
"""So many requests of a flood are in flight at once."""
BEYOND = ("beyond", "stream", "other_route")
"""What is asked beyond the limit at once."""
HALF, LATEST = 0.35, 0.45
"""The parts of a window after which one more is asked, and at the latest: of what came later
nothing can be said, since a window might have ended in both attempts."""


def play(stage: Stage, scene: RateScene) -> None:
    """N requests and some more; once again where any of those was not refused.

    Where nothing was refused at all, a flood shows whether there is a limit.
    """
    limit = stage.sender.target.expectations.rate_limit
    if limit is None:
        return
    requests, seconds = limit.requests, limit.seconds
    paced, stage.sender.interval_s = stage.sender.interval_s, 0.0
    try:
        if stage.sender.seen:
            stage.wait_since(stage.sender.seen, seconds * 2)
        _attempt(stage, scene, requests, seconds)
        if not _decided(scene.attempts[0], requests):
            first = scene.attempts[0].allowed[0]
            stage.wait_since([first], seconds * APART, margin_s=0)
            _attempt(stage, scene, requests, seconds)
        if not stage.sender.clock.free and not any(seen.status == 429 for seen in scene.seen):
            _flood(stage, scene, requests, seconds)
        stage.wait_since(stage.sender.seen, seconds * 2)
        scene.later = stage.play(stage.any_quick("after the window", 2600))
    finally:
        stage.sender.interval_s = paced


def _attempt(stage: Stage, scene: RateScene, requests: int, seconds: int) -> None:
    """All that the limit allows, and then what it must refuse in each form."""
    number, attempt = len(scene.attempts), RateAttempt()
    scene.attempts.append(attempt)
    first = 1500 + requests * number
    allowed = [stage.any_quick("within the limit", first + n) for n in range(requests)]
    stage.play_all(allowed, attempt.allowed)
    case = replace(stage.plain("beyond the limit", 2500 + number), expect=Expect.EITHER)
    forms = {"stream": case.having(stream=True), "other_route": replace(case, route="compat")}
    for name in BEYOND:  # in this order: what passes after a refusal is what tells
        attempt.beyond[name] = stage.play(forms.get(name, case))
    if stage.since(attempt.allowed[0]) < seconds * HALF:
        stage.wait_since(attempt.allowed[:1], seconds * HALF, margin_s=0)
        after = stage.play(case)
        if _in_time(scene, after, seconds):
            attempt.after = after


def _flood(stage: Stage, scene: RateScene, requests: int, seconds: int) -> None:
    """One more than two whole windows let through, at once; kept if a window was long enough.

    A window may end among them, so that as many as two of them hold may pass.
    """
    count = 2 * requests + 1
    left = stage.sender.budget.left
    if left is not None and left < count:
        return
    cases = [stage.plain("a flood", 2800 + number) for number in range(count)]
    cases = [replace(case, expect=Expect.EITHER) for case in cases]
    flood: list[Observation] = []
    for number in range(0, count, AT_ONCE):
        stage.play_all(cases[number : number + AT_ONCE], flood)
    if _within(flood, seconds):
        scene.flood = flood


def _within(flood: Sequence[Observation], seconds: int) -> bool:
    """Whether each of a flood got a response, and all of them within a window."""
    ends = [s.exchange.sent_ns + s.response.end_at_ns for s in flood if s.response]
    begun = min(s.exchange.sent_ns for s in flood)
    return len(ends) == len(flood) and (max(ends) - begun) / 1e9 < seconds


def _in_time(scene: RateScene, after: Observation, seconds: int) -> bool:
    """Whether the attempt took as long as planned, and began half a window apart from the first."""
    begun = [attempt.allowed[0].exchange.sent_ns for attempt in scene.attempts]
    took = (after.exchange.sent_ns - begun[-1]) / 1e9
    late = abs((begun[-1] - begun[0]) / 1e9 - (len(begun) - 1) * APART * seconds)
    return took <= seconds * LATEST and late <= seconds * (0.5 - LATEST)


def _decided(attempt: RateAttempt, requests: int) -> bool:
    """Whether one attempt tells everything; a window may have ended in it where it does not."""
    asked = [*(attempt.beyond[name] for name in BEYOND), attempt.after]
    refused = [seen is not None and seen.status == 429 for seen in asked]
    if refused[-1]:
        return refused[0] and (all(refused) or requests >= len(BEYOND))
    many = requests + len(asked) > 2 * requests
    return many and asked[-1] is not None and not any(refused)
