"""vLLM's own reading and metrics of recorded streams: `vllm_metrics.py RECORDS.json`, in its venv.

Its request function reads each stream again, from a session and a clock that are the record's, and
its `calculate_metrics` makes the figures. Both come from the wheel, of which nothing else is taken:
the whole package needs torch and a GPU's libraries.
"""

import ast
import asyncio
import contextlib
import importlib.util
import json
import sys
import types
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(sys.prefix) / "vllm" / "benchmarks"
PERCENTILES = [50, 90, 95, 99]
NAMES = {"TTFT": "ttft", "ITL": "itl", "TPOT": "tpot", "E2EL": "e2el"}


class Replay:
    """One recorded answer as an aiohttp session gives it, on a clock that it moves itself."""

    status = 200
    reason = "OK"

    def __init__(self, record: dict[str, Any]) -> None:
        self.now_s = 0.0
        self._chunks = record["chunks"]
        self.content = self

    def perf_counter(self) -> float:
        """The time, in seconds after the request was sent."""
        return self.now_s

    @contextlib.asynccontextmanager
    async def post(self, **_: object) -> AsyncIterator["Replay"]:
        """The response."""
        yield self

    async def iter_any(self) -> AsyncIterator[bytes]:
        """The chunks, each at its time."""
        for at_s, data in self._chunks:
            self.now_s = at_s
            yield data.encode()


def reading() -> types.ModuleType:
    """The module with the request function."""
    path = FOLDER / "lib" / "endpoint_request_func.py"
    spec = importlib.util.spec_from_file_location("endpoint_request_func", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def calculation() -> Any:
    """`calculate_metrics` alone."""
    path = FOLDER / "serve.py"
    wanted = ("BenchmarkMetrics", "calculate_metrics")
    tree = ast.parse(path.read_text("utf-8"))
    kept = [node for node in tree.body if getattr(node, "name", None) in wanted]
    later = ast.parse("from __future__ import annotations").body
    code = compile(ast.Module([*later, *kept], []), str(path), "exec")
    names: dict[str, Any] = {"np": np, "dataclass": dataclass, "warnings": warnings}
    names |= {"TERM_PLOTLIB_AVAILABLE": False, "MILLISECONDS_TO_SECONDS_CONVERSION": 1000}
    exec(code, names)  # noqa: S102 - the tool's own code is what is wanted
    return names["calculate_metrics"]


async def read(module: Any, record: dict[str, Any]) -> Any:
    """What its request function makes of a stream."""
    replay = Replay(record)
    module.time = types.SimpleNamespace(perf_counter=replay.perf_counter)
    url = "http://record/v1/chat/completions"
    asked = module.RequestFuncInput("x", url, record["prompt_tokens"], 64, "model")
    return await module.async_request_openai_chat_completions(asked, replay)


def main() -> None:
    """Print the figures in milliseconds as JSON."""
    records = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    module = reading()
    outputs = [asyncio.run(read(module, record)) for record in records]
    with contextlib.redirect_stdout(sys.stderr):
        found, _ = calculation()([], outputs, 1.0, None, PERCENTILES, {})
    figures = {}
    for name, key in NAMES.items():
        told = {str(p): float(value) for p, value in getattr(found, f"percentiles_{key}_ms")}
        figures[name] = {"mean": float(getattr(found, f"mean_{key}_ms")), **told}
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
