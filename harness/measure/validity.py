"""Whether the measuring side could have changed an answer: one rule for all who judge.

Two things make the client's own figures doubtful. Blur: the client read late and knows only that a
moment lies between two times, so a statistic has a smallest and a largest value that it can have.
Noise: the error that the client showed against a known schedule before the load. And what the
client did not send at all leaves a load that nobody asked for. Times are milliseconds.
"""

from collections.abc import Callable

TOLERANCE = 0.05
LONGEST_PAUSE = 0.1
LEAST_PAUSE_MS = 1000.0
"""A client that did not run for more of a load's time, and for so long at least, did not send the
load that was asked for."""
LEAST_TOLERANCE_MS = 1.0
"""Bounds may lie so far apart, as a share of the value or in milliseconds, whichever is more."""
UNSTAMPED_SHARE = 0.01
"""So large a share of the reads may be without the kernel's time stamp."""
REMEDY = "use less load, or load with more --processes"


def tolerance_ms(value: float) -> float:
    """How far apart the bounds of a figure may lie before it is none."""
    return max(TOLERANCE * abs(value), LEAST_TOLERANCE_MS)


def kernel_times(*, unstamped: int, reads: int) -> bool:
    """Whether the kernel stamped all but a few of the reads."""
    return unstamped <= reads * UNSTAMPED_SHARE


def stood_still(share: float, length_ms: float) -> bool:
    """Whether a client that did not run for such a share of a load's time sent another load."""
    return share > LONGEST_PAUSE and length_ms >= LEAST_PAUSE_MS


def blurred(value: float, at_least: float, at_most: float) -> str | None:
    """Why a figure with these bounds cannot be given; None when they are close enough."""
    if at_most - at_least <= tolerance_ms(value):
        return None
    between = f"between {at_least:,.3g} and {at_most:,.3g} ms"
    return f"the client could not see more than that it lies {between}: {REMEDY}"


def could_change(
    met: Callable[[float], bool], at_least: float, at_most: float, *, error: float = 0.0
) -> str | None:
    """Why an answer is none: the figure lies within the bounds, and they answer differently.

    `met` is the question, `error` what the client may be wrong by besides, in the same unit.
    """
    if met(at_least - error) == met(at_most + error):
        return None
    told = f"of up to {error:,.2g} ms " if error and at_least == at_most else ""
    return f"the client's own error {told}could have changed the answer: {REMEDY}"


def not_sent(*, dropped: int, limited: int, in_flight: int | None, said: str = "") -> str | None:
    """Why a load was not the one that was asked for; None when every request that was due left.

    `in_flight` is the bound of requests under way, `said` what the client's limit was.
    """
    reasons = []
    if dropped:
        bound = (
            "the bound of requests under way" if in_flight is None else f"--in-flight {in_flight}"
        )
        where = f"at {bound}, or too late to be started"
        reasons.append(f"{_requests(dropped)} dropped {where}: raise it, or use less load")
    if limited:
        why = f" ({said})" if said else ""
        reasons.append(f"{_requests(limited)} not sent for a limit of the client{why}: {REMEDY}")
    return "; ".join(reasons) or None


def _requests(count: int) -> str:
    return "1 request was" if count == 1 else f"{count:,} requests were"
