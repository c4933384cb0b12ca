import json
from pathlib import Path

import click
import pytest

from harness.cli.verdict import conclude, exit_code, worst


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 1), ("unknown", 3)])
def test_each_verdict_has_its_exit_code(verdict: str, code: int) -> None:
    assert exit_code(verdict) == code


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), "unknown"),
        (("pass", "pass"), "pass"),
        (("pass", "unknown"), "unknown"),
        (("unknown", "fail", "pass"), "fail"),
    ],
)
def test_unknown_is_never_green_and_a_fail_is_a_fail(
    verdicts: tuple[str, ...], expected: str
) -> None:
    assert worst(verdicts) == expected


def test_a_verdict_is_printed_with_its_reasons_and_its_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(click.exceptions.Exit) as left:
        conclude("fail", summary="1 of 2", reasons=["p95(ttft) is 900 ms"], out=Path("reports/x"))

    assert left.value.exit_code == 1
    assert capsys.readouterr().out == "fail: 1 of 2\n  p95(ttft) is 900 ms\nreport: reports/x\n"


def test_no_reason_shows_a_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASETEN_API_KEY", "hush-0123456789")

    with pytest.raises(click.exceptions.Exit):
        conclude("unknown", reasons=["the key hush-0123456789 is wrong"])

    assert capsys.readouterr().out == "unknown\n  the key $BASETEN_API_KEY is wrong\n"


def test_as_json_it_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit):
        conclude("unknown", reasons=["refused"], out=Path("x"), as_json=True, routes=["native"])

    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 1,
        "verdict": "unknown",
        "exit_code": 3,
        "reasons": ["refused"],
        "out": "x",
        "routes": ["native"],
    }


@pytest.mark.parametrize("page", ["report.md", "gate.md"])
def test_the_page_of_a_run_is_appended_to_the_summary_of_its_step(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("from an earlier step\n")
    (tmp_path / page).write_text("# What was found")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    with pytest.raises(click.exceptions.Exit):
        conclude("pass", out=tmp_path)

    assert summary.read_text() == "from an earlier step\n# What was found\n"


def test_a_long_page_is_cut_to_what_a_step_may_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    (tmp_path / "report.md").write_text("\N{SNOWMAN}" * 500_000)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    with pytest.raises(click.exceptions.Exit):
        conclude("pass", out=tmp_path)

    assert 800_000 < summary.stat().st_size < 1 << 20
    assert summary.read_text().endswith("\n\n(the rest is in report.md)\n")


def test_a_summary_that_cannot_be_written_at_the_end_leaves_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.md").write_text("# What was found")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))

    with pytest.raises(click.exceptions.Exit) as left:
        conclude("pass", out=tmp_path)

    assert left.value.exit_code == 0
    assert capsys.readouterr().out.startswith("pass")
