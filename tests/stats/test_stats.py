import pytest

from tests.stats.run import SUBJECTS


@pytest.mark.parametrize("subject", SUBJECTS)
def test_simulated_verdicts_keep_their_bars(subject: str) -> None:
    missed = [each for each in SUBJECTS[subject](100) if not each.within(4)]

    assert missed == []
