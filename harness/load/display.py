"""The live view of a load on standard error: a bar on a terminal, a line now and then elsewhere."""

from collections import deque
from typing import Any, Self

from rich.console import Console

from harness.load.moving import MovingLine
from harness.load.progress import LoadProgress
from harness.load.tally import total

LINE_EVERY_S = 5.0
_RATE_OVER_S = 3.0


class Display:
    """Shows progress while it is open; call it with each new `LoadProgress`.

    `seconds` is how long requests will be sent; of a comparison, `blocks` of `size` requests are.
    On a terminal there is one line that moves.
    """

    def __init__(
        self,
        title: str,
        *,
        seconds: float,
        blocks: int | None = None,
        size: int = 1,
        quiet: bool = False,
        console: Console | None = None,
    ) -> None:
        self._title = title
        self._seconds, self._blocks, self._size = seconds, blocks, size
        self._recent: deque[tuple[float, int]] = deque()
        self._printed_s = 0.0
        self._doing = self._line = ""
        self._page: str | None = None
        console = console or Console(stderr=True, quiet=quiet)
        self._moving = MovingLine(console, title, total=seconds)

    def __enter__(self) -> Self:
        self._moving.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._moving.__exit__(*error)

    def __call__(self, progress: LoadProgress) -> None:
        if progress.page is not None and progress.page != self._page:
            self._page = progress.page
            self._say(f"Locust's page: {progress.page} (Ctrl-C ends it)")
        self._recent.append((progress.elapsed_s, progress.requests))
        while len(self._recent) > 2 and progress.elapsed_s - self._recent[0][0] > _RATE_OVER_S:
            self._recent.popleft()
        line = self.line(progress)
        if self._moving:
            done, most = self._done(progress)
            self._moving.show(line, done=done, total=most)
        elif progress.elapsed_s - self._printed_s >= LINE_EVERY_S:
            self._printed_s = progress.elapsed_s
            done, most = self._done(progress)
            length = f" of {most:.0f}" if most else ""
            at = f"{done:.0f}{length} {'s' if self._blocks is None else 'blocks'}"
            if line != self._line:  # at Locust's page, a load that is over stays over
                self._say(f"{self._title}: {at}: {line}")
            self._line = line
        elif progress.doing != self._doing and not progress.requests:
            self._say(f"{self._title}: {progress.doing}")
        self._doing = progress.doing

    def _done(self, progress: LoadProgress) -> tuple[float, float]:
        """How far it is, and of how much: in seconds, or in blocks.

        What goes on after its time, or beside the blocks that count, is not told as more than all.
        """
        done, most = progress.elapsed_s, self._seconds
        if self._blocks is not None:
            done, most = progress.requests // self._size, self._blocks
        return (min(done, most) if most else done), most

    def _say(self, text: str) -> None:
        self._moving.say(text)

    def line(self, progress: LoadProgress) -> str:
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
