"""What a contract run shows while it goes on."""

import io

import pytest
from rich.console import Console

from harness.cli.progress import VerifyDisplay, line
from harness.contract.run.progress import RunProgress

SENT = RunProgress(120, 300, ("stream-done", "usage-sum"), seconds_left=41.2)


def test_the_line_says_what_was_sent_what_is_broken_and_what_time_is_left() -> None:
    assert line(SENT) == (
        "120 of at most 300 requests · broken so far: stream-done, usage-sum · at most 41 s left"
    )


def test_many_broken_clauses_are_counted() -> None:
    assert "broken so far: a, b, c and 2 more" in line(RunProgress(1, 2, ("a", "b", "c", "d", "e")))


def test_what_is_waited_for_is_said() -> None:
    waiting = RunProgress(20, None, waiting="the rate limit", waiting_s=12.4)

    assert line(waiting) == (
        "20 requests · nothing broken so far · waiting 12 s for the rate limit"
    )


def test_a_terminal_gets_one_line_that_moves() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=160)

    with VerifyDisplay(console=console) as display:
        display(SENT)

    assert "120 of at most 300 requests" in screen.getvalue()


@pytest.mark.parametrize(("quiet", "lines"), [(False, 3), (True, 0)])
def test_without_a_terminal_there_is_a_line_every_half_minute(
    quiet: bool, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=False)

    with VerifyDisplay(console=console, quiet=quiet, now=lambda: now[0]) as display:
        for second in range(100):
            now[0] = float(second)
            display(SENT)

    assert capsys.readouterr().err.count("verify: 120 of at most 300") == lines


def test_the_first_ctrl_c_says_what_a_second_one_does(capsys: pytest.CaptureFixture[str]) -> None:
    with VerifyDisplay(console=Console(file=io.StringIO()), quiet=True) as display:
        display(RunProgress(1, 2, stopping=True))

    assert capsys.readouterr().err == "stopping; again to quit now\n"
