"""Uses up a declared rate limit, waits for the next window, and asks the cache in a further one.

In real time the allowed requests are sent at once, so that slow answers fit into a window.

It waits two whole windows first, so that what was sent before does not count. A fixed window may
end inside an attempt and make the limit look wider than it is. Where that is possible a second
attempt follows, half a window later in the cycle, so that at most one of the two is met by an end.
"""

from dataclasses import replace

from harness.contract.case import Expect
from harness.contract.probes.stage import Stage, with_headers
from harness.contract.strategies.text import nonce

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


def play(stage: Stage) -> None:
    """N requests and some more; once again where any of those was not refused.

    Where nothing was refused at all, a flood shows whether there is a limit.
    """
    limit = stage.sender.subject.rate_limit
    if limit is None:
        return
    requests, seconds = limit
    paced, stage.sender.interval_s = stage.sender.interval_s, 0.0
    try:
        if stage.sender.seen:
            stage.wait_since(stage.sender.seen, seconds * 2)
        _attempt(stage, 0, requests, seconds)
        if not _decided(stage, requests):
            first = stage.scene["allowed_0_0"]
            stage.wait_since([first], seconds * APART, margin_s=0)
            _attempt(stage, 1, requests, seconds)
        if not stage.sender.clock.free and not _any_refused(stage):
            _flood(stage, requests, seconds)
        stage.wait_since(stage.sender.seen, seconds * 2)
        stage.play("later", stage.any_quick("after the window", 2600))
    finally:
        stage.sender.interval_s = paced


def _attempt(stage: Stage, attempt: int, requests: int, seconds: int) -> None:
    """All that the limit allows, and then what it must refuse in each form."""
    numbers = [1500 + requests * attempt + n for n in range(requests)]
    allowed = [stage.any_quick("within the limit", number) for number in numbers]
    stage.play_all({f"allowed_{attempt}_{n}": case for n, case in enumerate(allowed)})
    case = replace(stage.plain("beyond the limit", 2500 + attempt), expect=Expect.EITHER)
    forms = {"stream": case.having(stream=True), "other_route": replace(case, route="compat")}
    for name in BEYOND:  # in this order: what passes after a refusal is what tells
        stage.play(f"{name}_{attempt}", forms.get(name, case))
    first = stage.scene[f"allowed_{attempt}_0"]
    if stage.since(first) < seconds * HALF:
        stage.wait_since([first], seconds * HALF, margin_s=0)
        stage.play(f"half_{attempt}", case)
        if not _in_time(stage, attempt, seconds):
            del stage.scene[f"half_{attempt}"]


def _any_refused(stage: Stage) -> bool:
    return any(seen.status == 429 for seen in stage.scene.values())


def _flood(stage: Stage, requests: int, seconds: int) -> None:
    """One more than two whole windows let through, at once; kept if a window was long enough.

    A window may end among them, so that as many as two of them hold may pass.
    """
    count = 2 * requests + 1
    left = stage.sender.budget.left
    if left is not None and left < count:
        return
    cases = [stage.plain("a flood", 2800 + number) for number in range(count)]
    for number in range(0, count, AT_ONCE):
        part = {f"flood_{n}": cases[n] for n in range(number, min(number + AT_ONCE, count))}
        stage.play_all({name: replace(c, expect=Expect.EITHER) for name, c in part.items()})
    flood = [stage.scene[f"flood_{number}"] for number in range(count)]
    ended = max(s.exchange.sent_ns + s.response.end_at_ns for s in flood if s.response)
    if (ended - min(s.exchange.sent_ns for s in flood)) / 1e9 >= seconds:
        for number in range(count):
            del stage.scene[f"flood_{number}"]


def _in_time(stage: Stage, attempt: int, seconds: int) -> bool:
    """Whether an attempt took as long as planned, and began half a window apart from the first."""
    begun = stage.scene[f"allowed_{attempt}_0"].exchange.sent_ns
    took = (stage.scene[f"half_{attempt}"].exchange.sent_ns - begun) / 1e9
    apart = (begun - stage.scene["allowed_0_0"].exchange.sent_ns) / 1e9
    late = abs(apart - attempt * APART * seconds)
    return took <= seconds * LATEST and late <= seconds * (0.5 - LATEST)


def _decided(stage: Stage, requests: int) -> bool:
    """Whether one attempt tells everything; a window may have ended in it where it does not."""
    asked = [stage.scene.get(f"{name}_0") for name in (*BEYOND, "half")]
    refused = [seen is not None and seen.status == 429 for seen in asked]
    if refused[-1]:
        return refused[0] and (all(refused) or requests >= len(BEYOND))
    many = requests + len(asked) > 2 * requests
    return many and asked[-1] is not None and not any(refused)


def hits(stage: Stage) -> None:
    """In a new window one stored answer, asked for more often than the limit, and then another."""
    limit = stage.sender.subject.rate_limit
    if limit is None:
        return
    requests, seconds = limit
    stage.wait_since(stage.sender.seen, seconds * 2)
    key = ("cf-aig-cache-key", f"contract-rate-{nonce(stage.seed, 2700)}")
    case = with_headers(stage.plain("stored", 2700, fresh=False), key)
    paced, stage.sender.interval_s = stage.sender.interval_s, 0.0
    try:
        for number in range(requests + 1):
            stage.play(f"stored_{number}", case)
        stage.play("stored_other", stage.plain("after the hits", 2701))
    finally:
        stage.sender.interval_s = paced
