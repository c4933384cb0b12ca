import shutil
from pathlib import Path

from harness.report.build import build_report

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"


def test_the_committed_sample_can_be_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "sample")

    report = build_report(tmp_path / "sample")

    for name in ("summary.json", "summary.csv", "comparison.json", "report.md"):
        before, after = ((folder / name).read_bytes() for folder in (SAMPLE, tmp_path / "sample"))
        assert before == after, f"{name}: run gateway-harness report reports/sample"
    assert report.verdict == "pass"


def test_the_committed_sample_names_no_folder_of_its_maker() -> None:
    for path in SAMPLE.rglob("*.*"):
        if path.suffix not in (".parquet", ".png"):
            text = path.read_text("utf-8")
            assert "/home/" not in text, path
            assert "/tmp/" not in text, path  # noqa: S108 - it must not be there
