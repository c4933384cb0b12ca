"""What a killed process had begun to send is known."""

import signal
import subprocess
import sys
from pathlib import Path

from harness.load.sent_count import SentCount

COUNTING = """
import os, sys
from pathlib import Path
from harness.load.sent_count import SentCount
sent = SentCount(Path(sys.argv[1]))
for _ in range(41):
    sent.add()
os.kill(os.getpid(), 9)
"""


def test_the_count_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "load-0.sent"

    ended = subprocess.run([sys.executable, "-c", COUNTING, str(path)], check=False)

    assert ended.returncode == -signal.SIGKILL
    assert int.from_bytes(path.read_bytes(), "little") == 41


def test_a_new_count_starts_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "load-0.sent"
    path.write_bytes(bytes([9] * 8))

    sent = SentCount(path)
    sent.add()
    sent.close()

    assert int.from_bytes(path.read_bytes(), "little") == sent.count == 1
