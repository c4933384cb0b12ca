"""Uses up a declared rate limit, and waits for the next window.

It waits two whole windows first, so that what the run sent before does not count. A fixed window
may end in between, so up to three attempts are made until one is refused where it should be.
"""

from harness.contract.probes.stage import Stage

ATTEMPTS = 3
BEYOND = 2


def play(stage: Stage) -> None:
    """N requests and two more."""
    limit = stage.sender.subject.rate_limit
    if limit is None:
        return
    requests, seconds = limit
    paced, stage.sender.interval_s = stage.sender.interval_s, 0.0
    try:
        for _ in range(ATTEMPTS):
            stage.scene.clear()
            if stage.sender.seen:
                stage.wait(seconds * 2 + 0.1)
            for number in range(requests):
                stage.play(f"allowed_{number}", stage.plain("within the limit", 1500 + number))
            for number in range(BEYOND):
                stage.play(f"beyond_{number}", stage.plain("beyond the limit", 2500 + number))
            if stage.scene["beyond_0"].status == 429:
                break
    finally:
        stage.sender.interval_s = paced


def recover(stage: Stage) -> None:
    """One request when the window and the one after it have passed."""
    limit = stage.sender.subject.rate_limit
    if limit is not None and stage.scene:
        stage.wait_since_last(limit[1] * 2)
        stage.play("later_0", stage.plain("after the window", 3500))
