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
