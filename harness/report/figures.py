"""Numbers as people read them: three significant digits, one unit, a dash for nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.quantile import Estimate

DASH = "\N{EN DASH}"
NOTHING = DASH
NAMES = {
    "ttfb": "TTFB",
    "ttft": "TTFT",
    "ttfo": "TTFO",
    "inter_chunk": "Inter-chunk",
    "tpot": "TPOT",
    "e2e": "E2E",
}
UNITS = ((999.5, 1e-3, "s"), (0.9995, 1.0, "ms"), (0.0, 1e3, "µs"))
"""From which size in milliseconds, the factor and the unit: what rounds to 1,000 is 1."""


def duration(milliseconds: float | None) -> str:
    """A time given in milliseconds: `0.42 ms` is `420 µs`, `12345` is `12.3 s`."""
    if milliseconds is None:
        return NOTHING
    factor, unit = _unit(milliseconds)
    return f"{digits(milliseconds * factor)} {unit}" if milliseconds else "0 ms"


def short_duration(milliseconds: float) -> str:
    """A round time as an axis shows it: `250 ms`, `1.5 s`, `50 µs`."""
    factor, unit = _unit(milliseconds)
    return f"{milliseconds * factor:g} {unit}" if milliseconds else "0"


def long_duration(seconds: float) -> str:
    """Seconds up to two minutes, then minutes, then hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def span(low: float | None, high: float | None) -> str:
    """An interval of times, in the unit of its upper end: 106 to 121 ms with a dash between."""
    if low is None or high is None:
        return NOTHING
    factor, unit = _unit(high)
    between = " to " if low < 0 else DASH
    return f"{digits(low * factor)}{between}{digits(high * factor)} {unit}"


def digits(value: float | None) -> str:
    """Three significant digits without an exponent: 0.042, 4.21, 42.1, 421, 4,213."""
    if value is None:
        return NOTHING
    size = abs(value)
    decimals = (
        0 if not size or size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    )
    return f"{value:,.{decimals}f}"


def share(value: float | None) -> str:
    """A share of one as per cent; a share that is not quite all or nothing never looks so."""
    if value is None:
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 < value < 1:
        return ">99.9%"
    return f"{value:.1%}" if value % 1 else f"{value:.0%}"


def ratio(value: float | None) -> str:
    """A ratio as a change: 1.05 is `+5.0%`."""
    return NOTHING if value is None else f"{(value - 1) * 100:+.1f}%".replace("-0.0%", "+0.0%")


def count(value: float | None) -> str:
    """A whole number with thousands marked."""
    return NOTHING if value is None else f"{value:,.0f}"


def date(moment: datetime | None) -> str:
    """A moment to the minute, in UTC: `2026-11-20 12:00 UTC`."""
    return NOTHING if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def when(moment: str | None) -> str:
    """A date of a manifest to the minute; a text that is no date as it is."""
    if moment is None:
        return "unknown"
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return date(parsed) if parsed.tzinfo else moment


def setting(value: Any) -> str:
    """A value of a plan or of a machine in words, whatever it is made of."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {setting(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(setting(each) for each in value) or "none"
    return str(value)


def metric(key: str) -> str:
    """The field's name of a key of `summary.json`: `ttft_ms_scheduled` is `TTFT from schedule`."""
    name, _, twin = key.partition("_ms")
    return NAMES.get(name, name) + (" from schedule" if twin else "")


def bounds(found: "Estimate") -> str | None:
    """Between what a statistic lies that the client could not see well enough to give."""
    if found.value is not None or found.at_least is None:
        return None
    return span(found.at_least, found.at_most)


def lacking(found: "Estimate") -> str:
    """Why a statistic does not exist, in two words: how many values it needs, or `too few`."""
    if found.needs is None or found.count >= found.needs:
        return "too few"
    return f"needs {found.needs:,}"


def told(found: "Estimate") -> tuple[str, str]:
    """A statistic and its interval as a table shows them; the second may be empty.

    A question mark and bounds where the client could not see it, words where it does not exist.
    """
    if between := bounds(found):
        return "?", between
    if found.value is None:
        return lacking(found), ""
    return duration(found.value), "" if found.low is None else span(found.low, found.high)


def around(found: "Estimate") -> str:
    """Its interval in the unit of the statistic itself, which is left out: `6.43-9.29`.

    Of one that is 0, which is shown in milliseconds, in that unit.
    """
    if found.value is None or found.low is None or found.high is None:
        return NOTHING
    factor = _unit(found.value)[0] if found.value else 1.0
    return f"{digits(found.low * factor)}{DASH}{digits(found.high * factor)}"


def _unit(milliseconds: float) -> tuple[float, str]:
    size = abs(milliseconds)
    return next((factor, unit) for least, factor, unit in UNITS if size >= least)
