"""Loads that change while they run: stages of a length and a level, as data; no clock.

A level is requests per second in an open loop and users in a closed one; it may go evenly from one
value to another. The warm-up runs at the level with which the first stage begins.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import UsageError

_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?)"
_STAGE = re.compile(rf"{_NUMBER}\s*(ms|s|m|h)\s*:\s*{_NUMBER}(?:\s*-\s*{_NUMBER})?\s*(u?)")


@dataclass(frozen=True, slots=True)
class LoadStage:
    """`seconds` at a level that goes evenly from `begin` to `end`."""

    seconds: float
    begin: float
    end: float

    @property
    def many(self) -> float:
        """The area under its level: requests, or seconds of users."""
        return self.seconds * (self.begin + self.end) / 2

    def level(self, at_s: float) -> float:
        """The level so many seconds after its begin."""
        return self.begin + (self.end - self.begin) * min(max(at_s / self.seconds, 0.0), 1.0)

    def reached(self, many: float) -> float:
        """After how many seconds so much of its area is passed."""
        slope = (self.end - self.begin) / self.seconds
        root = math.sqrt(max(self.begin**2 + 2 * slope * many, 0.0))
        return 2 * many / (self.begin + root) if many else 0.0


def parse_stages(text: str) -> tuple[tuple[LoadStage, ...], bool]:
    """The stages of `30s:5, 60s:5-20`, and whether their levels are users (`30s:5u`).

    UsageError when one cannot be read, when rates and users are mixed, or when nothing is sent.
    """
    stages, kinds = [], set()
    for part in text.split(","):
        found = _STAGE.fullmatch(part.strip())
        if found is None:
            raise UsageError(
                f"--stages: {part.strip()!r}: expected LENGTH:RATE, LENGTH:RATE-RATE or "
                "LENGTH:USERSu, such as 30s:5, 60s:5-20 or 30s:10u"
            )
        length, unit, begin, end, kind = found.groups()
        stages.append(LoadStage(float(length) * _UNITS[unit], float(begin), float(end or begin)))
        kinds.add(kind)
    if len(kinds) > 1:
        raise UsageError("--stages: either all levels are rates, or all are users (5u)")
    if not all(stage.seconds for stage in stages):
        raise UsageError("--stages: every stage needs a length above 0")
    users = kinds == {"u"}
    if users and any(level % 1 for stage in stages for level in (stage.begin, stage.end)):
        raise UsageError("--stages: users are whole numbers")
    if not any(stage.many for stage in stages):
        raise UsageError("--stages: no stage has a level above 0")
    return tuple(stages), users


def peak(stages: Sequence[LoadStage]) -> float:
    """The highest level of all."""
    return max(max(stage.begin, stage.end) for stage in stages)


def length_s(stages: Sequence[LoadStage]) -> float:
    """How long all of them take, in seconds."""
    return math.fsum(stage.seconds for stage in stages)


def with_warmup(stages: Sequence[LoadStage], warmup_s: float) -> tuple[LoadStage, ...]:
    """The stages after a warm-up at the level with which they begin."""
    level = stages[0].begin
    return (*((LoadStage(warmup_s, level, level),) if warmup_s else ()), *stages)


def stage_at(stages: Sequence[LoadStage], at_s: float) -> int:
    """In which stage, from 0, a moment lies that is so many seconds after the first one's begin.

    What is later than the last one's end belongs to the last one.
    """
    for number, stage in enumerate(stages):
        at_s -= stage.seconds
        if at_s < 0:
            return number
    return len(stages) - 1


def level_at(stages: Sequence[LoadStage], at_s: float) -> float:
    """The level at a moment, in seconds after the first stage's begin; before that its level."""
    if at_s < 0:
        return stages[0].begin
    number = stage_at(stages, at_s)
    return stages[number].level(at_s - length_s(stages[:number]))


def room_in_s(stages: Sequence[LoadStage], place: int, at_s: float) -> float | None:
    """In how many seconds the level is above `place`, which has no room now; None: never."""
    begin_s = 0.0
    for stage in stages:
        end_s = begin_s + stage.seconds
        if end_s > at_s:
            since_s = max(begin_s, at_s)
            if stage.level(since_s - begin_s) > place:
                return since_s - at_s
            if stage.end > place:
                rising_s = stage.seconds * (place - stage.begin) / (stage.end - stage.begin)
                return max(begin_s + rising_s - at_s, 0.0)
        begin_s = end_s
    return None


def stretched(stages: Sequence[LoadStage], areas: Iterator[float]) -> Iterator[float]:
    """The seconds at which the area under the levels reaches each of `areas`, which ascend.

    So a process of rate 1 becomes one of the stages' rates (time change; Daley and Vere-Jones, An
    Introduction to the Theory of Point Processes I, section 7.4).
    """
    before_s = passed = 0.0
    left = iter(stages)
    stage = next(left, None)
    for area in areas:
        while stage is not None and area >= passed + stage.many:
            passed += stage.many
            before_s += stage.seconds
            stage = next(left, None)
        if stage is None:
            return
        yield before_s + stage.reached(area - passed)
