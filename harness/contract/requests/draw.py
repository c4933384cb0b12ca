"""Draws cases from a strategy without sending anything.

Hypothesis generates here and never sees an exchange: no answer, good, bad or missing, can make it
shrink, retry or call a run flaky. What a failing request boils down to is found by
`harness.contract.run.reduction`, which counts its requests.
"""

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")


def draw(strategy: st.SearchStrategy[T], count: int, *, number: int | None) -> list[T]:
    """`count` examples or fewer; the same each time for one `number`, random for None."""
    found: list[T] = []
    if count < 1:
        return found

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    (seed(number)(collect) if number is not None else collect)()
    return found
