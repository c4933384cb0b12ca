"""Work in several threads at once that no ending process waits for, and one that must be alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def at_once(works: Sequence[Callable[[], T]], *, name: str) -> list[T]:
    """What each of the works returns, all done at the same time; the first error of one is raised.

    The threads are daemons, and those of a `ThreadPoolExecutor` are not: a process that was told to
    end would wait for an answer that never comes.
    """
    found: dict[int, T] = {}
    errors: list[BaseException] = []

    def do(number: int, work: Callable[[], T]) -> None:
        try:
            found[number] = work()
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            errors.append(error)

    threads = [
        threading.Thread(target=do, args=each, name=f"{name}-{each[0]}", daemon=True)
        for each in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [found[number] for number in range(len(works))]


class Lanes:
    """Many may be under way beside each other, or one alone; who is alone may go on as he likes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._many = 0
        self._alone: int | None = None

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Under way beside others, once nobody else is alone."""
        if self._alone == threading.get_ident():
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: self._alone is None)
            self._many += 1
        try:
            yield
        finally:
            with self._changed:
                self._many -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Under way with nothing beside, once everything else has ended."""
        if self._alone == threading.get_ident():
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: self._alone is None)
            self._alone = threading.get_ident()
            self._changed.wait_for(lambda: not self._many)
        try:
            yield
        finally:
            with self._changed:
                self._alone = None
                self._changed.notify_all()
