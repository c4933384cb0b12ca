"""`verify --github` writes an annotation per broken clause, and lets no target write one."""

from pathlib import Path

import pytest

from harness.cli import execute
from harness.cli.annotations import MOST, annotations, command
from harness.contract.output.rows import ClauseRow


def row(
    name: str, *, level: str = "MUST", route: str = "native", result: str = "fail"
) -> ClauseRow:
    return ClauseRow(
        id=name,
        level=level,
        route=route,
        result=result,
        exercised=1,
        violated=1,
        evidence="came 5",
        capsule=None,
        statement="It is 4.",
        rationale="",
        source="",
        records=(),
        sent_again=0,
        failed_again=0,
        layer=None,
        waived=None,
        cost={},
    )


def test_a_must_is_an_error_and_a_should_a_warning_unless_it_binds() -> None:
    rows = [row("a"), row("b", level="SHOULD"), row("c", result="waived"), row("a", route="compat")]

    assert list(annotations(rows, strict=False)) == [
        "::error title=MUST a on native%2C compat::It is 4. came 5",
        "::warning title=SHOULD b on native::It is 4. came 5",
    ]
    assert list(annotations(rows, strict=True))[1].startswith("::error title=SHOULD b")


def test_no_more_than_github_shows() -> None:
    rows = [row(f"clause-{n}") for n in range(MOST + 5)]

    assert len(list(annotations(rows, strict=False))) == MOST


def test_what_a_target_said_is_no_command_of_its_own() -> None:
    line = command("error", "a:b,c", "100%\n::set-output name=x::y\r\x1b[2J")

    assert line.startswith("::error title=a%3Ab%2Cc::100%25 ::set-output")
    assert "\n" not in line
    assert line.isprintable()


def test_the_lines_stand_before_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--defect", "missing-done", "--max-requests", "40", "--quiet", "--github")

    assert execute(["verify", *options, "--out", str(tmp_path / "run")]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("::error title=MUST stream-done on ")
    assert lines[-2].startswith(("fail: ", "  "))
