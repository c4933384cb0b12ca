"""Checks of a declared rate limit: as many as declared pass, the next does not, time heals.

A window that ends inside an attempt lets more pass, never fewer: one early refusal is a fault, and
what passes beyond the limit is one only if it did so in both attempts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from harness.contract.clause import Fault, Finding, Scene
from harness.contract.evidence import fault, told
from harness.contract.observation import Observation
from harness.contract.probes.rate import ATTEMPTS, BEYOND


@dataclass(frozen=True, slots=True)
class Attempt:
    """One whole attempt: the requests within the limit, and those beyond it by their form.

    `half` is the status of one more, sent shortly before half of the window had passed.
    """

    allowed: tuple[Observation, ...]
    beyond: dict[str, Observation]
    half: int | None

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
        return sum(status != 429 for status in (*statuses, self.half))

    @property
    def any_refused(self) -> bool:
        """Whether anything was answered by 429."""
        seen = (*self.allowed, *self.beyond.values())
        return self.half == 429 or any(each.status == 429 for each in seen)


def attempts(scene: Scene) -> list[Attempt]:
    """The whole attempts in their order."""
    found: list[Attempt] = []
    for number in range(ATTEMPTS):
        allowed = tuple(s for name, s in scene.items() if name.startswith(f"allowed_{number}_"))
        beyond = {n: scene[f"{n}_{number}"] for n in BEYOND if f"{n}_{number}" in scene}
        if allowed and len(beyond) == len(BEYOND):
            half = scene.get(f"half_{number}")
            found.append(Attempt(allowed, beyond, half.status if half else None))
    return found


def quick(scene: Scene) -> list[Attempt]:
    """The attempts that took less than half a window: of a slower one nothing can be said."""
    return [attempt for attempt in attempts(scene) if attempt.half is not None]


def as_many_as_declared_pass(scene: Scene) -> Finding:
    """The first N requests of a window are not refused."""
    made = attempts(scene)
    if not made:
        return None
    for attempt in made:
        early = [n for n, seen in enumerate(attempt.allowed, 1) if seen.status == 429]
        if early:
            wanted = f"{len(attempt.allowed)} requests"
            return (told(wanted, f"429 at request {early[0]}", "window"),)
    return ()


def one_more_is_refused(scene: Scene) -> Finding:
    """A request beyond N in a window is answered by 429.

    More than 2 N requests within half a window are too many wherever a window ends.
    """
    made = attempts(scene)
    if any(attempt.any_refused for attempt in made):
        return ()
    made = quick(scene)
    if not made or (len(made) < ATTEMPTS and not made[0].too_many):
        return None
    came = f"{[seen.status for attempt in made for seen in attempt.beyond.values()]}"
    return (told(f"429 after {len(made[0].allowed)} requests", came, "beyond the limit"),)


def no_more_than_declared_pass(scene: Scene) -> Finding:
    """The very next request after N is refused, not a later one."""
    made = quick(scene)
    if not made or one_more_is_refused(scene):
        return None
    early = any(seen.status == 429 for attempt in made for seen in attempt.allowed)
    if early or any(attempt.refused("beyond") for attempt in made):
        return ()
    if len(made) < ATTEMPTS:
        return None
    return (told("429 at once", f"HTTP {made[0].beyond['beyond'].status}", "request N+1"),)


def windows_are_as_long_as_declared(scene: Scene) -> Finding:
    """Half a window later the limit still holds.

    The second attempt begins half a window later in the cycle: of the two, one at least is met by
    no end of a window in its first half.
    """
    made = quick(scene)
    if not made:
        return None
    if any(attempt.half == 429 or attempt.passed <= len(attempt.allowed) for attempt in made):
        return ()
    if len(made) < ATTEMPTS:
        return None
    came = f"{[attempt.passed for attempt in made]}"
    wanted = f"at most {len(made[0].allowed)} in half a window"
    return (told(wanted, came, "requests that passed"),)


def refusal_says_rate_limited(scene: Scene) -> Finding:
    """The gateway's 429 carries its own code 2003."""
    refused = _refused(scene)
    if not refused:
        return None
    failure = refused[0].answer.failure if refused[0].answer else None
    code = failure.code if failure else None
    return () if code == "2003" else (fault("code 2003", code, "429 body"),)


def everything_counts(scene: Scene) -> Finding:
    """Streams and other routes are refused as well while the limit is exceeded.

    A request after them that is refused shows that no window has ended meanwhile, if a new window
    had room for all of them; else only what passes in both attempts is a fault.
    """
    made = [attempt for attempt in quick(scene) if attempt.refused("beyond")]
    if not made:
        return None
    faults = tuple(_uncounted(made))
    certain = len(made) == ATTEMPTS or (made[0].half == 429 and made[0].roomy)
    return faults if certain or not faults else None


def _uncounted(made: list[Attempt]) -> Iterator[Fault]:
    for name in ("stream", "other_route"):
        statuses = [attempt.beyond[name].status for attempt in made]
        if all(status == 200 for status in statuses):
            yield told("429", f"{statuses}", name.replace("_", " "))


def hits_are_free(scene: Scene) -> Finding:
    """Answers from the cache do not count: the cache is asked before the limit."""
    stored = [seen for name, seen in scene.items() if name.startswith("stored_")]
    hits = [seen for seen in stored if (seen.cache_status or "").upper() == "HIT"]
    if len(stored) < 3 or not stored[0].ok or not stored[1].ok or not hits:
        return None
    if all(seen.status != 429 for seen in stored):
        return ()
    first = next(n for n, seen in enumerate(stored) if seen.status == 429)
    return (told("no 429: all but one were hits", f"429 at request {first + 1}", "one window"),)


def retry_after_tells_when(scene: Scene) -> Finding:
    """Retry-After of the 429 is a time from now on, and no longer than the wait that was enough."""
    refused, later = _refused(scene), scene.get("later")
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


def window_passes(scene: Scene) -> Finding:
    """After the window requests pass again."""
    later = scene.get("later")
    if later is None or later.status is None or not _refused(scene):
        return None
    if later.status != 429:
        return ()
    return (told("no 429 after the window", "HTTP 429", "the first request after it"),)


def _refused(scene: Scene) -> list[Observation]:
    return [
        seen
        for attempt in attempts(scene)
        for name, seen in attempt.beyond.items()
        if seen.status == 429 and seen.case.route == attempt.allowed[0].case.route
    ]
