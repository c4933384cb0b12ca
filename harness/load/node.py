"""One Locust process of a load: made ready, started on command, ended in order, whatever happens.

Locust is used as a library, as its documentation describes it, so that no configuration file and no
variable of others steers it. `harness.load.launch` starts this module.
"""

import gc
import os

gc.disable()  # until all is loaded: looking for garbage would be a tenth of that
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads that nobody needs

import contextlib
import importlib.abc
import logging
import resource
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import locust  # noqa: F401 - first of all: it patches the interpreter
from gevent import monkey

from harness.load.cause import Cause
from harness.load.plan import Identity
from harness.load.post import Post
from harness.load.task import Role, Task, read_order

OUTLIVE_S = 15.0
"""A process whose starter is gone ends within this time, even when its loop hangs."""

_LOG = logging.getLogger(__name__)
_SLEEP = monkey.get_original("time", "sleep")
_THREAD = monkey.get_original("_thread", "start_new_thread")


def main() -> None:
    """Load what every part needs, wait for the order, obey; what goes wrong is told in its kind."""
    _THREAD(_end_with, (os.getppid(),))
    _raise_descriptor_limit()
    with _without_pandas():
        import pyarrow as pa

        import harness.load.part  # noqa: F401 - slow, and done while the starter prepares

        pa.array([])
    gc.enable()
    with os.fdopen(0, "rb", buffering=0, closefd=False) as commands:
        line = commands.readline()
    if not line:
        return  # there is nothing to do after all
    task, identity, environment = read_order(line.decode("ascii"))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(task.folder)
    post = Post(Path(task.log))
    try:
        _run(task, identity, post)
    except Exception as error:  # noqa: BLE001 - the outer border of a process: told in its kind
        _LOG.exception("this process failed")
        post.say(cause=Cause.of(error).to_dict())
        sys.exit(1)


def _run(task: Task, identity: Identity, post: Post) -> None:
    if task.role is Role.MASTER:
        from harness.load.master import direct

        direct(task, identity, post)
    elif task.role is Role.WORKER:
        from harness.load.link import obey

        obey(task, identity, post)
    else:
        from harness.load.part import send

        send(task, identity, post)


def _end_with(starter: int) -> None:
    """End this process after its starter, even when a scenario blocks the loop."""
    while os.getppid() == starter:
        _SLEEP(1)
    _SLEEP(OUTLIVE_S)
    os._exit(1)


def _raise_descriptor_limit() -> None:
    """Let this process have as many connections as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _NoPandas(importlib.abc.MetaPathFinder):
    """Hides pandas: Arrow would load it for its first array, which takes half a second of CPU."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Refuse pandas, and know nothing of anything else."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not needed here", name=name)
        return None


@contextlib.contextmanager
def _without_pandas() -> Iterator[None]:
    """Arrow looks for pandas only once; a scenario may import it afterwards."""
    hidden = _NoPandas()
    sys.meta_path.insert(0, hidden)
    try:
        yield
    finally:
        sys.meta_path.remove(hidden)


if __name__ == "__main__":
    main()
