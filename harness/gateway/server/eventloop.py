"""An asyncio event loop whose timers keep to microseconds.

asyncio's epoll selector waits whole milliseconds, so that every timer fires up to 1 ms late, which
is a tenth of a 10 ms gap between chunks. `select(2)` on the epoll descriptor waits microseconds.
"""

import asyncio
import select
import selectors
import sys

_FD_SETSIZE = 1024  # select(2) cannot watch a descriptor from this number on

if sys.platform == "linux":

    class _ExactSelector(selectors.EpollSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            descriptor = self.fileno()
            if timeout is None or timeout <= 0 or descriptor >= _FD_SETSIZE:
                return super().select(timeout)
            select.select((descriptor,), (), (), timeout)
            return super().select(0)

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """A selector event loop with exact timers."""
        return asyncio.SelectorEventLoop(_ExactSelector())

else:

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """An ordinary event loop; kqueue's timers are exact already."""
        return asyncio.new_event_loop()
