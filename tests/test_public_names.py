from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).parent.parent


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


@pytest.mark.parametrize("folder", ["contracts", "locustfiles"])
def test_what_users_run_by_other_tools_needs_no_command(folder: str) -> None:
    texts = {path: path.read_text() for path in (ROOT / folder).glob("*.py")}

    assert texts
    assert [path.name for path, text in texts.items() if "harness.cli" in text] == []
