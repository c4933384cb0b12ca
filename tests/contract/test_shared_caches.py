"""Whether an answer may be kept by a cache that serves others."""

import pytest

from harness.contract.topics.headers import shared_caches_are_not_let_in
from tests.contract.answers import asked, plain, seen


def says(*values: str, status: int = 200) -> object:
    headers = [("Cache-Control", value) for value in values]
    return shared_caches_are_not_let_in(seen(asked(), plain(), headers=headers, status=status))


@pytest.mark.parametrize(
    "values",
    [("public, max-age=60",), ("s-maxage=5",), ('Public, Max-Age="60"',), ("public", "max-age=9")],
)
def test_an_answer_that_shared_caches_may_keep_is_accused(values: tuple[str, ...]) -> None:
    assert says(*values)


@pytest.mark.parametrize(
    "value",
    [
        "no-cache",
        "private, max-age=60",
        "max-age=60",
        "public",
        "public, max-age=0, must-revalidate",
        "public, max-age=60, no-store",
        "no-cache, no-store, must-revalidate",
        "s-maxage=0, max-age=60",
        ",,=",
    ],
)
def test_what_no_shared_cache_keeps_is_not_accused(value: str) -> None:
    assert says(value) == ()


def test_what_says_nothing_or_is_refused_is_not_judged() -> None:
    assert says() is None
    assert says("public, max-age=60", status=400) is None
