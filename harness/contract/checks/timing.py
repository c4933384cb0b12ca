"""Checks of when a stream arrives. Times are the client's; on the mock they are virtual.

A fast model is no buffering gateway: how long an answer takes to generate is measured first, by a
short and a long plain request, and only a stream of an answer that takes long enough is judged.
What looks wrong is measured again, and is a fault only over both turns.
"""

from itertools import pairwise

from harness.contract.checks.framing import failed_inside, stream_of
from harness.contract.checks.scenes import answered
from harness.contract.clause import Finding, Scene
from harness.contract.evidence import fault
from harness.contract.observation import Observation
from harness.contract.probes.together import TOPIC as TOGETHER

LONG_NS = 20_000_000
"""An answer that takes less than this longer than a short one is too fast to be judged."""
ENOUGH = 8
"""Output events below which the spread of a stream says nothing."""
GAP_NS = 5_000_000_000
"""A silence longer than this inside a stream breaks common client timeouts."""


def output_times(seen: Observation) -> list[int]:
    """When each event with output arrived."""
    reading = stream_of(seen)
    if reading is None:
        return []
    outputs = {number for choice in seen.choices for number in choice.outputs}
    return [event.at_ns for event in reading.events if event.number in outputs]


def _duration(seen: Observation) -> int:
    return seen.response.end_at_ns if seen.response else 0


def _generation(scene: Scene) -> int | None:
    """How much longer long plain answers take than short ones, at least; None when not known."""
    first = answered("short", "long", scene=scene)
    seen = (*(first or ()), *(answered("short_again", "long_again", scene=scene) or ()))
    if not seen or not all(s.good and s.exchange.whole for s in seen):
        return None
    times = [_duration(s) for s in seen]
    return max(0, min(times[1::2]) - max(times[::2]))


def _turns(scene: Scene) -> int:
    """How often everything was measured."""
    return 1 + ("stream_again" in scene)


def arrives_as_it_is_made(scene: Scene, *, turns: int = 2) -> Finding:
    """A stream's output is spread over the time that generation takes, not held to the end."""
    generation = _generation(scene)
    streams = [scene[n] for n in ("stream", "stream_again") if n in scene]
    times = [t for t in map(output_times, streams) if len(t) >= ENOUGH]
    if generation is None or generation < LONG_NS or not times:
        return None
    spread = max(t[-1] - t[0] for t in times)
    if spread >= generation // 5:
        return ()
    if turns > _turns(scene):
        return None
    came = f" {len(times[0])} output events within {spread / 1e6:.1f} ms"
    wanted = f"output spread over about {generation / 1e6:.0f} ms of generation"
    return (fault(wanted, came, "arrival times of the stream"),)


def arrives_in_small_parts(scene: Scene, *, turns: int = 2) -> Finding:
    """Output comes in many arrivals, not in a few batches."""
    generation = _generation(scene)
    streams = [scene[n] for n in ("stream", "stream_again") if n in scene]
    times = [t for t in map(output_times, streams) if len(t) >= 2 * ENOUGH]
    if generation is None or generation < LONG_NS or not times:
        return None
    best = max(times, key=lambda t: len(_arrivals(t)) / len(t))
    if len(_arrivals(best)) * 4 >= len(best):
        return ()
    if turns > _turns(scene):
        return None
    came = f" {len(best)} output events in {len(_arrivals(best))} arrivals"
    return (fault("at least one arrival for four events", came, "arrival times"),)


def _arrivals(times: list[int]) -> list[int]:
    """The distinct moments of arrival; times within a millisecond are one."""
    found: list[int] = []
    for at_ns in times:
        if not found or at_ns - found[-1] >= 1_000_000:
            found.append(at_ns)
    return found


def ends_after_its_last_event(seen: Observation) -> Finding:
    """The body ends within 5 s of its last byte."""
    reading, response = stream_of(seen), seen.response
    if reading is None or response is None or not response.chunks:
        return None
    late = response.end_at_ns - response.chunks[-1].at_ns
    if late <= GAP_NS:
        return ()
    return (fault("the end of the body", f" {late / 1e9:.1f} s later", "after the last event"),)


def no_long_silence(seen: Observation) -> Finding:
    """No pause inside a stream is longer than 5 s.

    Of many at once the others are read meanwhile, so their times say nothing.
    """
    reading = stream_of(seen)
    if (
        seen.case.topic == TOGETHER
        or reading is None
        or seen.response is None
        or failed_inside(reading)
    ):
        return None
    moments = [seen.response.head_at_ns, *(chunk.at_ns for chunk in seen.response.chunks)]
    longest = max((b - a for a, b in pairwise(moments)), default=0)
    if longest <= GAP_NS:
        return ()
    return (fault("no gap over 5 s", f" {longest / 1e9:.1f} s", "between chunks"),)
