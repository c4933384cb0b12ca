"""How many requests a worker has begun to send, where a `kill -9` cannot take it."""

import mmap
import os
import struct
from pathlib import Path

_COUNT = struct.Struct("<q")


class SentCount:
    """A count in a file that is mapped into memory: what was stored outlives the process.

    The page belongs to the kernel as soon as it is written to (mmap(2), MAP_SHARED), so that one
    store before each request is enough, and costs no system call.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.ftruncate(descriptor, _COUNT.size)
            self._page = mmap.mmap(descriptor, _COUNT.size)
        finally:
            os.close(descriptor)

    def add(self) -> None:
        """Count one request that is about to be sent."""
        self.count += 1
        _COUNT.pack_into(self._page, 0, self.count)

    def close(self) -> None:
        """Let go of the page; the file stays."""
        self._page.close()
