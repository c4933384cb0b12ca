"""A server whose timing is known, and loads against it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from harness.bundled import folder
from harness.load.launch import Locust
from harness.load.plan import LoadPlan
from harness.routes.address import Address
from tests.bench.truth import Truth, truth_server

MakePlan = Callable[..., LoadPlan]


@pytest.fixture(name="truth", scope="session")
def _truth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Truth]:
    with truth_server(tmp_path_factory.mktemp("truth"), seconds=600) as truth:
        yield truth


@pytest.fixture(name="plan")
def _plan(truth: Truth, tmp_path: Path) -> MakePlan:
    """Makes plans of short loads against the server; its record is emptied first."""
    truth.configure(ttft_us=10_000, gap_us=2_000, delay_us=1_000, n=10)
    base = LoadPlan(
        run_id="run",
        folder=str(tmp_path / "out"),
        address=Address(truth.origin, "acc", "gw"),
        model="mock-model",
        model_id="abcd1234",
        users=5,
        warmup_s=0.0,
        duration_s=1.0,
        drain_s=5.0,
        rid_header="x-rid",
        calibrate=False,
    )

    def make(**fields: Any) -> LoadPlan:
        return replace(base, **fields)

    return make


def scenario(name: str, *, processes: int = 1) -> Locust:
    """One of the bundled scenarios."""
    return Locust(folder("locustfiles") / f"{name}.py", processes=processes)


def rows(plan: LoadPlan) -> list[dict[str, Any]]:
    """Every sample that a load has left."""
    return rows_of(Path(plan.folder))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Every sample in a run's folder; a file that was not ended is read as far as it goes."""
    found: list[dict[str, Any]] = []
    for path in sorted((folder / "samples").glob("*.arrows")):
        with pa.ipc.open_stream(path.read_bytes()) as reader:
            for batch in reader:
                found += batch.to_pylist()
    return found
