"""The live view of a load on standard error: a bar on a terminal, a line now and then elsewhere."""

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from harness.load.progress import Progress
from harness.load.tally import total

LINE_EVERY_S = 5.0
_RATE_OVER_S = 3.0


class Display:
    """Shows progress while it is open; call it with each new `Progress`.

    `seconds` is how long requests will be sent. On a terminal there is one line that moves.
    """

    def __init__(
        self,
        title: str,
        *,
        seconds: float,
        quiet: bool = False,
        console: Console | None = None,
    ) -> None:
        self._console = console or Console(stderr=True, quiet=quiet)
        self._title = title
        self._seconds = seconds
        self._recent: deque[tuple[float, int]] = deque()
        self._printed_s = 0.0
        self._doing = self._line = ""
        self._page: str | None = None
        self._bar: Bar | None = None
        if self._console.is_terminal:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("{task.fields[line]}"),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task(title, total=seconds, line="starting")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        if progress.page is not None and progress.page != self._page:
            self._page = progress.page
            self._say(f"Locust's page: {progress.page} (Ctrl-C ends it)")
        self._recent.append((progress.elapsed_s, progress.requests))
        while len(self._recent) > 2 and progress.elapsed_s - self._recent[0][0] > _RATE_OVER_S:
            self._recent.popleft()
        line = self.line(progress)
        if self._bar is not None:
            done = min(progress.elapsed_s, self._seconds)
            self._bar.update(self._task, completed=done, line=line)
        elif progress.elapsed_s - self._printed_s >= LINE_EVERY_S:
            self._printed_s = progress.elapsed_s
            length = f" of {self._seconds:.0f}" if self._seconds else ""
            at = f"{progress.elapsed_s:.0f}{length} s"
            if line != self._line:  # at Locust's page, a load that is over stays over
                self._say(f"{self._title}: {at}: {line}")
            self._line = line
        elif progress.doing != self._doing and not progress.requests:
            self._say(f"{self._title}: {progress.doing}")
        self._doing = progress.doing

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def line(self, progress: Progress) -> str:
        """What it does; rate of the last seconds, p95 TTFT so far, errors, requests under way."""
        if not progress.requests:
            return progress.doing or "starting"
        (first_s, first), (last_s, last) = self._recent[0], self._recent[-1]
        rate = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        ttft_ns = total(progress.routes.values()).latencies["ttft"].quantile(0.95)
        ttft = "-" if ttft_ns is None else f"{ttft_ns / 1e6:.0f} ms"
        doing = f"{progress.doing} · " if progress.doing else ""
        return (
            f"{doing}{rate:.1f}/s · p95 TTFT {ttft} · {progress.requests} requests · "
            f"{progress.errors} errors · {progress.in_flight} under way"
        )
