"""Checks of a declared rate limit: as many as declared pass, the next does not, time heals.

A window that ends inside an attempt lets more pass, never fewer: one early refusal is a fault, and
too many admissions are one only if every attempt saw them.
"""

import re
from email.utils import parsedate_to_datetime

from harness.contract.clause import Finding, Scene
from harness.contract.evidence import fault
from harness.contract.observation import Observation
from harness.contract.probes.rate import ATTEMPTS, BEYOND

Attempt = tuple[list[Observation], list[Observation]]


def attempts(scene: Scene) -> list[Attempt]:
    """Each whole attempt: the requests within the limit, and those beyond it."""
    found: list[Attempt] = []
    for number in range(10):
        allowed = [s for name, s in scene.items() if name.startswith(f"allowed_{number}_")]
        beyond = [s for name, s in scene.items() if name.startswith(f"beyond_{number}_")]
        if allowed and len(beyond) == BEYOND:
            found.append((allowed, beyond))
    return found


def as_many_as_declared_pass(scene: Scene) -> Finding:
    """The first N requests of a window are not refused."""
    made = attempts(scene)
    if not made:
        return None
    for allowed, _ in made:
        early = [n for n, seen in enumerate(allowed, 1) if seen.status == 429]
        if early:
            return (fault(f"{len(allowed)} requests", f" 429 at request {early[0]}", "window"),)
    return ()


def one_more_is_refused(scene: Scene) -> Finding:
    """A request beyond N in a window is answered by 429."""
    made = attempts(scene)
    if not made:
        return None
    if any(seen.status == 429 for allowed, beyond in made for seen in (*allowed, *beyond)):
        return ()
    if len(made) < ATTEMPTS:
        return None
    came = f" {[seen.status for _, beyond in made for seen in beyond]}"
    return (fault(f"429 after {len(made[0][0])} requests", came, "beyond the limit"),)


def no_more_than_declared_pass(scene: Scene) -> Finding:
    """The very next request after N is refused, not a later one."""
    made = attempts(scene)
    if len(made) < ATTEMPTS or one_more_is_refused(scene):
        return None
    if any(seen.status == 429 for allowed, beyond in made for seen in (*allowed, beyond[0])):
        return ()
    return (fault("429 at once", f" HTTP {made[0][1][0].status}", "request N+1"),)


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

    A window may end just there, so only what passes in every attempt is a fault.
    """
    made = [n for n in range(len(attempts(scene))) if _over(scene, n, "again") == 429]
    if len(made) < 2:
        return None
    return tuple(
        fault("429", f" {[_over(scene, n, name) for n in made]}", name.replace("_", " "))
        for name in ("stream", "other_route")
        if all(_over(scene, n, name) == 200 for n in made)
    )


def _over(scene: Scene, attempt: int, name: str) -> int | None:
    seen = scene.get(f"over_{attempt}_{name}")
    return seen.status if seen else None


def hits_are_free(scene: Scene) -> Finding:
    """Answers from the cache do not count: the cache is asked before the limit."""
    stored = [seen for name, seen in scene.items() if name.startswith("stored_")]
    hits = [seen for seen in stored if (seen.cache_status or "").upper() == "HIT"]
    if len(stored) < 3 or not stored[0].ok or not stored[1].ok or not hits:
        return None
    if all(seen.status != 429 for seen in stored):
        return ()
    first = next(n for n, seen in enumerate(stored) if seen.status == 429)
    return (fault("no 429: all but one were hits", f" 429 at request {first + 1}", "one window"),)


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
    return (fault("no 429 after the window", " HTTP 429", "the first request after it"),)


def _refused(scene: Scene) -> list[Observation]:
    return [seen for _, beyond in attempts(scene) for seen in beyond if seen.status == 429]
