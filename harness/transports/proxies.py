"""How to go without the proxies of the environment, for a while."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("NO_PROXY", "no_proxy")


@contextmanager
def without_proxies() -> Iterator[None]:
    """Keep the proxies of the environment out of the way to our own stand-in, in subprocesses too.

    Those that a command starts read the environment themselves.
    """
    before = {name: os.environ.get(name) for name in _NAMES}
    os.environ.update(dict.fromkeys(_NAMES, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
