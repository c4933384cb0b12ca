"""The pictures of the README, from pages that any machine makes alike: `make screenshots`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pyarrow import Table

from harness.report.build import build_report
from tests.report.queueing import Target, searched, write_search

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "reports" / "sample"
SIZE = "1280,800"


def main() -> int:
    """Take both pictures."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("chromium is missing: apt-get install chromium\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        kept: dict[str, Table] = {}
        found = searched(Target(), "p95(e2e) < 200ms", seed=1, least=10.0, goal=50.0, kept=kept)
        search = write_search(Path(name) / "capacity", found, kept)
        build_report(search)
        for page, picture in ((SAMPLE, "run.png"), (search, "capacity.png")):
            _shoot(browser, page / "report.html", SAMPLE / picture, Path(name) / "profile")
    return 0


def _shoot(browser: str, page: Path, picture: Path, profile: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    options += [f"--user-data-dir={profile}", f"--window-size={SIZE}", f"--screenshot={picture}"]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    raise SystemExit(main())
