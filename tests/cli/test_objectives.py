"""Objectives on the command line: what cannot be missed is refused before anything is sent."""

from pathlib import Path

import pytest

from harness.cli import execute


@pytest.mark.parametrize(
    "command",
    [
        ("load", "--threshold"),
        ("load", "--abort"),
        ("run", "--threshold"),
        ("compare", "--threshold"),
        ("capacity", "--slo"),
    ],
    ids=" ".join,
)
def test_an_objective_that_decides_nothing_is_refused_with_what_was_meant(
    command: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = execute([*command, "error_rate < 1", "--target", "local"])

    assert code == 2
    assert "decides nothing; did you mean error_rate < 1%?" in capsys.readouterr().err
    assert list(tmp_path.rglob("samples")) == []


def test_an_objective_of_a_launch_that_decides_nothing_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "harness.toml").write_text('[gate]\nobjectives = ["error_rate < 1"]\n')

    code = execute(["gate", "--load", "nowhere"])

    assert code == 2
    assert "did you mean error_rate < 1%?" in capsys.readouterr().err
