"""Where `contracts/` and `locustfiles/` are: inside the wheel, or beside the package's sources."""

from pathlib import Path

from harness.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent
_MARKS = {"contracts": "conftest.py", "locustfiles": "*.py"}


def folder(name: str) -> Path:
    """The folder `contracts` or `locustfiles` that belongs to this package.

    In a wheel it is a copy under `harness/_bundled`; in a source tree, editable installs included,
    the folder beside the package, so that an edit there takes effect.
    """
    mark = _MARKS[name]
    for candidate in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if next(candidate.glob(mark), None):
            return candidate
    raise UsageError(f"{name}/ is missing from this installation; install gateway-harness again")
