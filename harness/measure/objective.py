"""Objectives as people write them: `p95(ttft{route=compat}) < 800ms`, `error_rate < 1%`."""

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from harness.errors import UsageError
from harness.measure.metrics import METRICS
from harness.measure.odd import Odd

LATENCIES: tuple[str, ...] = tuple(METRICS)
"""Metrics that stand inside a statistic; limits are kept in milliseconds."""
SHARES: tuple[str, ...] = ("error_rate", "violation_rate", "cache_hit_share", *Odd)
"""Metrics that stand alone; limits are kept as fractions of one."""
RATES: tuple[str, ...] = ("rate", "goodput")
"""Metrics that stand alone; limits are kept per second."""
COUNTS: tuple[str, ...] = ("violations",)
"""Metrics that stand alone and alone can be compared with `==`."""
CARRIED_RATE = "carried_rate"
"""What a search for the capacity found; kept per second. Only a launch gate judges it."""
RATIO = "ratio"
"""One latency over another. `ratio(p50(ttft){compat/native}) < 1.1` is the median of a route over
another's, in pairs; its labels are the metric and the routes `b` over `a`. `ratio(p95(ttft)) < 1.1`
is a run over its baseline, on each route or on that of the label `route`; it has a statistic."""

_MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
_UNITS: Mapping[str, Mapping[str, float]] = {
    "latency": _MILLISECONDS,
    "share": {"%": 0.01, "": 1.0},
    "rate": {"/s": 1.0, "": 1.0},
    "count": {"": 1.0},
    "ratio": {"": 1.0},
}
_CANONICAL = {"latency": "ms", "share": "", "rate": "/s", "count": "", "ratio": ""}
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_KINDS = {
    **dict.fromkeys(SHARES, "share"),
    **dict.fromkeys(RATES, "rate"),
    **dict.fromkeys(COUNTS, "count"),
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,4})?)$")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_LABEL_VALUE = re.compile(r"\"[^\"]*\"|[^\s,}\"]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_UNIT = re.compile(r"%|/s|[a-z]+")
_COMPARISON = re.compile(r"==|<=|>=|<|>")


@dataclass(frozen=True, slots=True)
class Objective:
    """A bound on one statistic of the requests that have all `labels`.

    `statistic` is `mean`, `min`, `max` or a percentile such as `p99.9`, and None for a share or a
    rate. `limit` is in `unit`, which is `ms` for a latency, empty for a share (a fraction of one)
    or a count, and `/s` for a rate, whatever unit the text used.
    """

    text: str
    statistic: str | None
    metric: str
    labels: tuple[tuple[str, str], ...]
    operator: str
    limit: float
    unit: str

    @property
    def of_runs(self) -> bool:
        """Whether it holds a run against its baseline."""
        return self.metric == RATIO and self.statistic is not None

    @property
    def quantile(self) -> float | None:
        """The percentile as a fraction of one; None for another statistic."""
        found = _PERCENTILE.match(self.statistic or "")
        return round(float(found.group(1)) / 100, 6) if found else None

    def met(self, value: float) -> bool:
        """Whether `value`, in `unit`, keeps the bound; NaN never does."""
        return _OPERATORS[self.operator](value, self.limit)

    def applies_to(self, labels: Mapping[str, str]) -> bool:
        """Whether a group of requests with these labels is meant; a label it lacks is not."""
        return all(labels.get(name) == value for name, value in self.labels)

    def __str__(self) -> str:
        """The objective in its shortest form; parsing that gives an equal bound."""
        if self.metric == RATIO:
            return f"{self._ratio()} {self.operator} {self.limit!r}"
        inner = ",".join(f"{name}={_quoted(value)}" for name, value in self.labels)
        subject = f"{self.metric}{{{inner}}}" if inner else self.metric
        if self.statistic is not None:
            subject = f"{self.statistic}({subject})"
        return f"{subject} {self.operator} {self.limit!r}{self.unit}"

    def _ratio(self) -> str:
        of = dict(self.labels)
        if self.statistic is None:
            return f"ratio(p50({of['metric']}){{{of['b']}/{of['a']}}})"
        route = f"{{route={_quoted(of['route'])}}}" if "route" in of else ""
        return f"ratio({self.statistic}({of['metric']}{route}))"


def parse_objective(text: str, *, also: Collection[str] = ()) -> Objective:
    """The objective in `text`; a `UsageError` shows what was expected and a caret where.

    `also` are the metrics beyond one load that it may speak of: `CARRIED_RATE`, `RATIO` and shares
    by any other name.
    """
    return _ObjectiveParser(text, also).objective()


def parse_objectives(texts: Iterable[str], *, ratios: bool = False) -> tuple[Objective, ...]:
    """The objectives of one load; with `ratios` also of its routes over each other.

    UsageError for one that cannot be read, or that a load alone cannot answer.
    """
    found = tuple(parse_objective(text, also=(RATIO,) if ratios else ()) for text in texts)
    for each in found:
        if each.of_runs:
            raise UsageError(
                f"objective: {each.text!r} holds a run against another one: "
                "compare RUN --baseline DIR --threshold judges it"
            )
    return found


def check_missable(found: Iterable[Objective]) -> None:
    """UsageError for an objective that says the same of every run, as people write by mistake.

    A run that was made with one is still read. A bare `< 1` was meant as percent; `< 100%` was not.
    """
    for each in found:
        bare = not each.text.rstrip().endswith("%")
        signs = ("<", "<=", ">") if bare else ("<=", ">")
        if each.metric in SHARES and each.limit == 1 and each.operator in signs:
            meant = f"{each.text[: each.text.index(each.operator)].rstrip()} {each.operator} 1%"
            raise UsageError(f"objective: {each.text!r} decides nothing; did you mean {meant}?")
        if each.operator == ">=" and not each.limit:
            raise UsageError(f"objective: {each.text!r} cannot be missed; expected a limit above 0")


class _ObjectiveParser:
    """A recursive-descent reader of one line; `at` is the next character."""

    def __init__(self, text: str, also: Collection[str]) -> None:
        self.text = text
        self.at = 0
        self.ratios = RATIO in also
        shares = [name for name in also if name not in (RATIO, CARRIED_RATE)]
        self.kinds = {**_KINDS, **dict.fromkeys(shares, "share")}
        if CARRIED_RATE in also:
            self.kinds[CARRIED_RATE] = "rate"

    def objective(self) -> Objective:
        statistic = None
        start = self._here()
        name = self._match(_WORD, "a statistic such as p95, or error_rate")
        if self.ratios and name == RATIO:
            return self._ratio()
        if self._skip("("):
            statistic = self._statistic(name, start)
            start = self._here()
            name = self._match(_WORD, f"one of {', '.join(LATENCIES)}")
        kind = self._kind(name, start, inside=statistic is not None)
        labels = self._labels() if self._skip("{") else ()
        if statistic is not None:
            self._expect(")")
        return self._bounded(statistic, name, labels, kind)

    def _ratio(self) -> Objective:
        self._expect("(")
        start = self._here()
        name = self._match(_WORD, "a statistic such as p50")
        statistic = self._statistic(name, start)
        self._expect("(")
        at = self._here()
        metric = self._match(_WORD, f"one of {', '.join(LATENCIES)}")
        self._kind(metric, at, inside=True)
        labels = self._labels() if self._skip("{") else ()
        self._expect(")")
        if not self._skip("{"):
            self._expect(")")
            return self._bounded(statistic, RATIO, (("metric", metric), *labels), "ratio")
        if statistic != "p50":
            raise self._error("p50: routes are compared by their medians", start)
        over = self._match(_WORD, "a route such as compat")
        self._expect("/")
        under = self._match(_WORD, "a route such as native")
        self._expect("}")
        self._expect(")")
        labels = (("metric", metric), ("b", over), ("a", under))
        return self._bounded(None, RATIO, labels, "ratio")

    def _bounded(
        self, statistic: str | None, name: str, labels: tuple[tuple[str, str], ...], kind: str
    ) -> Objective:
        comparison = self._comparison(kind)
        limit, unit = self._limit(kind)
        if self._here() < len(self.text):
            raise self._error("the end")
        return Objective(self.text, statistic, name, labels, comparison, limit, unit)

    def _statistic(self, name: str, at: int) -> str:
        found = _PERCENTILE.match(name)
        if name in ("mean", "min", "max") or (found and float(found.group(1)) > 0):
            return name
        raise self._error("mean, min, max or a percentile such as p95 or p99.9", at)

    def _kind(self, name: str, at: int, *, inside: bool) -> str:
        if inside:
            if name not in LATENCIES:
                raise self._error(f"one of {', '.join(LATENCIES)}", at)
            return "latency"
        if name in LATENCIES:
            raise self._error(f"a statistic, such as p95({name})", at)
        if name not in self.kinds:
            known = ", ".join(self.kinds)
            raise self._error(f"a statistic such as p95(ttft), or one of {known}", at)
        return self.kinds[name]

    def _comparison(self, kind: str) -> str:
        signs = "< <= > >= ==" if kind == "count" else "< <= > >="
        start = self._here()
        sign = self._match(_COMPARISON, f"one of {signs}")
        if sign not in signs.split():
            raise self._error(f"one of {signs}", start)
        return sign

    def _labels(self) -> tuple[tuple[str, str], ...]:
        labels: list[tuple[str, str]] = []
        while not self._skip("}"):
            if labels:
                self._expect(",")
            name = self._match(_WORD, "a label such as route")
            self._expect("=")
            labels.append((name, self._match(_LABEL_VALUE, "a value such as compat").strip('"')))
        return tuple(labels)

    def _limit(self, kind: str) -> tuple[float, str]:
        units = _UNITS[kind]
        start = self._here()
        number = float(self._match(_NUMBER, "a number such as 800"))
        if not math.isfinite(number):
            raise self._error("a finite number", start)
        at = self._here()
        found = _UNIT.match(self.text, self.at)
        unit = found.group() if found else ""
        if unit not in units:
            known = " ".join(units).strip()
            raise self._error(f"a unit: {known}" if known else "no unit", at)
        if kind == "share" and not unit and number > 1:
            raise self._error("a share up to 1, or %", at)
        self.at += len(unit)
        return number * units[unit], _CANONICAL[kind]

    def _here(self) -> int:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at

    def _skip(self, sign: str) -> bool:
        if not self.text.startswith(sign, self._here()):
            return False
        self.at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise self._error(repr(sign))

    def _match(self, pattern: re.Pattern[str], expected: str) -> str:
        found = pattern.match(self.text, self._here())
        if found is None:
            raise self._error(expected)
        self.at = found.end()
        return found.group()

    def _error(self, expected: str, at: int | None = None) -> UsageError:
        at = self._here() if at is None else at
        return UsageError(f"objective: expected {expected}\n  {self.text}\n  {' ' * at}^")


def _quoted(value: str) -> str:
    return value if _LABEL_VALUE.fullmatch(value) and '"' not in value else f'"{value}"'
