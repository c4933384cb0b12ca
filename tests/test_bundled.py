from pathlib import Path

import pytest

from harness import bundled
from harness.errors import UsageError


@pytest.mark.parametrize("name", ["contracts", "locustfiles"])
def test_in_a_source_tree_the_folder_beside_the_package_is_used(name: str) -> None:
    assert bundled.folder(name) == Path(bundled.__file__).parents[1] / name


def test_in_a_wheel_the_copy_inside_the_package_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "harness" / "_bundled" / "contracts"
    inside.mkdir(parents=True)
    (inside / "conftest.py").touch()
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "harness")

    assert bundled.folder("contracts") == inside


def test_a_folder_that_is_missing_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "harness")

    with pytest.raises(UsageError, match=r"locustfiles/ is missing .* install gateway-harness"):
        bundled.folder("locustfiles")
