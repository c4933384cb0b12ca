"""The terminal: a report's tables on standard output."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from harness.foreign import Place, harmless
from harness.report import terminal

if TYPE_CHECKING:
    from harness.report.gate.judge import Gate
    from harness.report.presets import Figure, Preset
    from harness.report.report import Report
    from harness.report.runs import Runs


NARROWEST = 76
"""Columns that the tables need; below that a terminal wraps whole lines, and no number is cut."""


class Screen(Console):
    """Rich's console without its own exit, whose code 1 would say that a contract is broken."""

    def __init__(self) -> None:
        super().__init__()
        self.width = max(self.width, NARROWEST)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """What is printed, with every text that may be a target's made harmless once more."""
        for text, style, control in super().render(renderable, options):
            shown = text if control else harmless(text, Place.TERMINAL, lines=True)
            yield Segment(shown, style, control)

    def on_broken_pipe(self) -> None:
        """Let the border of the command line see the `BrokenPipeError` that is being handled."""
        raise


def show_report(report: "Report") -> None:
    """Print the tables of one run."""
    terminal.show(report, Screen())


def show_runs(runs: "Runs") -> None:
    """Print how the second of two runs compares with the first."""
    Screen().print(*terminal.compared(runs.comparison), sep="\n")


def show_preset(preset: "Preset", found: "list[Figure]") -> None:
    """Print latencies by the definitions of another tool."""
    Screen().print(terminal.preset(preset, found))


def show_gate(gate: "Gate") -> None:
    """Print every objective of a launch, and the runs that it was judged by."""
    Screen().print(terminal.gate(gate))
