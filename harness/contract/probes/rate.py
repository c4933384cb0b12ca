"""Uses up a declared rate limit, and waits for the next window.

It waits two whole windows before each attempt, so that what was sent before does not count. A fixed
window may end inside an attempt and make the limit look wider than it is; the second attempt begins
half a window later in the cycle, so that at most one of the two is met by an end.
"""

from harness.contract.probes.stage import Stage

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
    finally:
        stage.sender.interval_s = paced


def recover(stage: Stage) -> None:
    """One request when the window and the one after it have passed."""
    limit = stage.sender.subject.rate_limit
    if limit is not None and stage.scene:
        stage.wait_since(stage.sender.seen, limit[1] * 2)
        stage.play("later", stage.plain("after the window", 3500))
