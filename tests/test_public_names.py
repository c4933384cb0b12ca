import pytest

import harness


def test_the_public_names_are_few_and_sorted() -> None:
    assert len(harness.__all__) <= 20
    assert harness.__all__ == sorted(harness.__all__)


@pytest.mark.parametrize("name", harness.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(harness, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = harness.nothing


def test_dir_lists_the_public_names() -> None:
    assert set(harness.__all__) <= set(dir(harness))
