"""`compare --plan`: a short pilot, and what it takes to tell a difference of a given size."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from harness.cli.interleave import LOOKS, compare_routes
from harness.cli.options import Common
from harness.cli.verdict import conclude
from harness.errors import UsageError

BLOCKS = 40
"""So many pairs say how much they vary to a tenth."""


def conclude_plan(common: Common, values: dict[str, Any], difference: float) -> NoReturn:
    """Send a pilot, print how many blocks each two routes need, and leave nothing behind."""
    if common.out is not None:
        raise UsageError("--plan leaves no run: it sends a pilot and says what it takes; no --out")
    from harness.report.planning import plan

    with TemporaryDirectory(prefix="gateway-harness-plan-") as folder:
        pilot = replace(common, out=Path(folder) / "pilot")
        report = compare_routes(pilot, values, [BLOCKS])
    planned = plan(report.comparison, difference, looks=LOOKS)
    if planned is None:
        reasons = report.reasons or [report.comparison.still_open]
        conclude("unknown", reasons=reasons, summary="the pilot says nothing", as_json=common.json)
    for each in planned.pairs:
        common.say(f"  {each}")
    conclude(
        "pass",
        summary=planned.sentence,
        as_json=common.json,
        pairs=planned.blocks,
        difference=difference,
    )
