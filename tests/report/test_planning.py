"""What a pilot says that a comparison takes."""

import pytest

from harness.report import frame
from harness.report.comparison import compare
from harness.report.plan import Prices
from harness.report.planning import plan
from tests.report.folders import blocks, table

PRICES = Prices(1e-6, 2e-6)


def test_a_pilot_says_what_a_difference_takes_in_time_tokens_and_dollars() -> None:
    pilot = compare(frame.frame(table(blocks(40, noise=0.1))), prices=PRICES)

    found, finer = (plan(pilot, difference, looks=3) for difference in (0.05, 0.025))

    assert found is not None
    assert finer is not None
    assert finer.blocks == pytest.approx(4 * found.blocks, rel=0.1)
    assert found.cost.tokens == 48
    assert found.cost.dollars == pytest.approx(56e-6)
    assert f"compare --margin 5% --pairs {found.blocks}" in found.sentence
    assert f"{48 * found.blocks:,} tokens, $" in found.sentence
    assert found.pairs == (f"compat vs native: {found.blocks} blocks",)


def test_more_noise_takes_more_blocks() -> None:
    quiet, noisy = (
        plan(compare(frame.frame(table(blocks(40, noise=noise)))), 0.05, looks=3)
        for noise in (0.05, 0.2)
    )

    assert quiet is not None
    assert noisy is not None
    assert noisy.blocks > 5 * quiet.blocks


def test_a_pilot_without_pairs_plans_nothing() -> None:
    assert plan(compare(frame.frame(table(blocks(1)))), 0.05, looks=3) is None
