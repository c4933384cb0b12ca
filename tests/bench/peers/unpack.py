"""Keep one folder of a package out of the wheel in a folder: `unpack.py FOLDER benchmarks`."""

import sys
import zipfile
from pathlib import Path


def main() -> None:
    """Unpack what is wanted, and remove the wheel, which is large."""
    folder, wanted = Path(sys.argv[1]), sys.argv[2]
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            package, _, rest = name.partition("/")
            if rest.startswith(f"{wanted}/") and rest.endswith(".py"):
                path = folder / rest
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(f"{package}/{rest}"))
    wheel.unlink()


if __name__ == "__main__":
    main()
