"""Uses up a declared rate limit, and waits for the next window.

It waits two whole windows before each attempt, so that what was sent before does not count. A fixed
window may end inside an attempt and make the limit look wider than it is; the second attempt begins
half a window later in the cycle, so that at most one of the two is met by an end.
"""

from dataclasses import replace

from harness.contract.probes.stage import Stage, with_headers
from harness.contract.strategies.text import nonce

ATTEMPTS = 2
BEYOND = 2


def play(stage: Stage) -> None:
    """N requests and two more, twice."""
    limit = stage.sender.subject.rate_limit
    if limit is None:
        return
    requests, seconds = limit
    paced, stage.sender.interval_s = stage.sender.interval_s, 0.0
    try:
        for attempt in range(ATTEMPTS):
            if stage.sender.seen:
                stage.wait_since(stage.sender.seen, seconds * (2 + attempt / 2))
            for number in range(requests):
                case = stage.plain("within the limit", 1500 + requests * attempt + number)
                stage.play(f"allowed_{attempt}_{number}", case)
            for number in range(BEYOND):
                case = stage.plain("beyond the limit", 2500 + BEYOND * attempt + number)
                stage.play(f"beyond_{attempt}_{number}", case)
            _others(stage, attempt)
        if stage.wants("rate-hits-free"):
            _hits(stage, requests, seconds)
    finally:
        stage.sender.interval_s = paced


def recover(stage: Stage) -> None:
    """One request when the window and the one after it have passed."""
    limit = stage.sender.subject.rate_limit
    if limit is not None and stage.scene:
        stage.wait_since(stage.sender.seen, limit[1] * 2)
        stage.play("later", stage.plain("after the window", 3500))


def _others(stage: Stage, attempt: int) -> None:
    """Beyond the limit, a stream and another route; then the first form again."""
    case = stage.plain("beyond the limit", 2600)
    stage.play(f"over_{attempt}_stream", case.having(stream=True))
    stage.play(f"over_{attempt}_other_route", replace(case, route="compat"))
    stage.play(f"over_{attempt}_again", case)


def _hits(stage: Stage, requests: int, seconds: int) -> None:
    """In a new window one stored answer, asked for more often than the limit, and then another."""
    stage.wait_since(stage.sender.seen, seconds * 2)
    key = ("cf-aig-cache-key", f"contract-rate-{nonce(stage.seed, 2700)}")
    case = with_headers(stage.plain("stored", 2700, fresh=False), key)
    for number in range(requests + 1):
        stage.play(f"stored_{number}", case)
    stage.play("stored_other", stage.plain("after the hits", 2701))
