"""Work in several threads at once that no ending process waits for."""

import threading
from collections.abc import Callable, Sequence
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
