"""The catalogue of breaks as a whole: every entry has a defect, a variant, or a reason."""

import re

from harness.defects.table import DEFECTS, EVERY, UPSTREAM
from harness.defects.variants import VARIANTS

NUMBERS = {
    "T": "01 02 04 05 07 08 10 11 13 14 16 17 19 20 22 23 25",
    "F": "01 02 04 05 07 08 10 11 13 14 16 17 19 20 22 23 25 26 28",
    "S": "01 02 04 05 07 08 10 11 13 14 16 17 19 20 22 23 25 26",
    "I": "01 02 04 05 07 08 10 11 13 14",
    "C": "01 02 04 05 07 08 10 11 13 14 16 17",
    "U": "01 02 04 05 07 08 10 11 13 14",
    "P": "01 02 04 05 07 08 10 11 13 14 16 17",
    "E": "01 02 04 05 07 08 10 11 13 14 16 17 19 20",
    "L": "01 02 04 05 07 08 10 11 13 14 16",
}
ENTRIES = frozenset(letter + number for letter, row in NUMBERS.items() for number in row.split())
AS_IT_IS = {
    "U02": "usage on every chunk is Baseten's documented default, and the stand-in's",
    "L11": "a fast 429 is what a rate limit is for; its clients must not average it in",
}
"""Entries that the clean stand-in already shows, because they are legal."""


def test_every_entry_has_a_defect_or_a_legal_variant() -> None:
    varied = {name for v in VARIANTS.values() for name in v.catalogue}
    sources = " ".join(defect.source for defect in EVERY.values())
    broken = set(re.findall(r"\b[A-Z][0-9]{2}\b", sources))

    assert broken | varied | AS_IT_IS.keys() >= ENTRIES
    assert broken <= ENTRIES
    assert varied <= ENTRIES


def test_the_groups_share_no_name_and_are_everything() -> None:
    names = [*DEFECTS, *UPSTREAM]

    assert len(names) == len(set(names))
    assert set(names) == set(EVERY)


def test_there_are_as_many_as_it_takes() -> None:
    ours = [name for name, defect in EVERY.items() if not defect.source]

    assert len(EVERY) >= 150
    assert len(ours) >= 40
