"""A recorded load to be replayed: when each request was sent, what it asked, and how long it was.

Two formats: Baseten's Parquet export, by the columns and rules of AIPerf 0.13 ("Baseten Trace
Replay": output_tokens is both the most and the least of an answer, and at least 1; sessions are
`provided_session_id`, else `poor_man_session_id`), and JSON lines as Mooncake's traces have them
(FAST'25: timestamp in milliseconds, input_length, output_length, hash_ids), which may also hold a
`prompt` or `messages`. Requests are replayed as they are, without a nonce: what a trace shares
between prompts is a part of it.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.load.prompts import Prompt, block, lines_of

_PARQUET = b"PAR1"
_BLOCK_TOKENS = 512
"""Of a block of `hash_ids` in Mooncake's traces."""
_TIMES = ("timestamp_start_unix_ms", "timestamp")
_INPUTS = ("input_tokens", "input_length")
_OUTPUTS = ("output_tokens", "output_length")
_SESSIONS = ("provided_session_id", "poor_man_session_id", "session_id")
_HASHES = ("total_hashes", "hash_ids")
_COLUMNS = (*_TIMES, *_INPUTS, *_OUTPUTS, *_SESSIONS, *_HASHES, "prompt", "messages")
_NEEDED = ("timestamp_start_unix_ms", "prompt", "input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Traced:
    """One request: milliseconds after the first one, what it asks, and its lengths in tokens."""

    at_ms: float
    prompt: Prompt
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """All requests of a trace, in the order of their times."""

    requests: tuple[Traced, ...]

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """What each request asks."""
        return tuple(each.prompt for each in self.requests)

    def due(self, speed: float) -> Iterator[int]:
        """Nanoseconds after the start at which each is due."""
        return (round(each.at_ms * 1e6 / speed) for each in self.requests)

    def length_s(self, speed: float) -> float:
        """Seconds until just after the last one is due."""
        return self.requests[-1].at_ms / 1e3 / speed + 0.001

    def peak(self, speed: float) -> float:
        """Requests in the busiest second."""
        return float(max(Counter(at_ns // 10**9 for at_ns in self.due(speed)).values()))

    def mean(self, name: str) -> int | None:
        """The mean of `input_tokens` or `output_tokens`, rounded up; None where none is told."""
        told = [each for each in (getattr(one, name) for one in self.requests) if each is not None]
        return max(math.ceil(sum(told) / len(told)), 1) if told else None


def read_trace(path: Path) -> Trace:
    """The trace of a file; UsageError names the row that cannot be read."""
    try:
        with path.open("rb") as file:
            parquet = file.read(len(_PARQUET)) == _PARQUET
    except OSError as error:
        raise UsageError(f"--trace {path}: cannot be read: {error.strerror}") from error
    rows = _parquet(path) if parquet else lines_of(path, "--trace")
    requests = []
    for number, row in rows:
        try:
            requests.append(_traced(row, number))
        except (TypeError, ValueError, OverflowError) as error:
            kind = "row" if parquet else "line"
            raise UsageError(f"--trace {path}, {kind} {number}: {error}") from error
    if not requests:
        raise UsageError(f"--trace {path}: expected at least one request, got none")
    first = min(each.at_ms for each in requests)
    requests.sort(key=lambda each: each.at_ms)
    return Trace(
        tuple(
            Traced(each.at_ms - first, each.prompt, each.input_tokens, each.output_tokens)
            for each in requests
        )
    )


def affinity(run_id: str, session: str) -> str:
    """The `x-session-affinity` of a session in a run: one id for it, which does not tell it."""
    return hashlib.sha256(f"{run_id}:{session}".encode()).hexdigest()[:24]


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        known = pq.read_schema(path).names
        missing = [name for name in _NEEDED if name not in known]
        if missing:
            raise UsageError(f"--trace {path}: expected the columns {', '.join(missing)} too")
        table = pq.read_table(path, columns=[name for name in _COLUMNS if name in known])
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"--trace {path}: no Parquet that can be read: {error}") from error
    number = 1
    for batch in table.to_batches():
        for row in batch.to_pylist():
            yield number, row
            number += 1


def _traced(row: Mapping[str, Any], number: int) -> Traced:
    at_ms = _first(row, _TIMES)
    if isinstance(at_ms, bool) or not isinstance(at_ms, int | float) or not 0 <= at_ms < math.inf:
        raise ValueError(f'expected "timestamp" in milliseconds, got {at_ms!r:.80}')
    asked, answered = _count(row, _INPUTS), _count(row, _OUTPUTS)
    prompt: dict[str, Any] = {"literal": True}
    if isinstance(row.get("messages"), list):
        prompt["messages"] = row["messages"]
    elif isinstance(row.get("prompt"), str):
        prompt["prompt"] = row["prompt"]
    elif asked is not None:
        prompt["prompt"] = _text(asked, _first(row, _HASHES), number)
    else:
        raise ValueError('expected "prompt", "messages" or "input_length"')
    if answered is not None:
        prompt["max_tokens"] = prompt["min_tokens"] = max(answered, 1)
    session = _first(row, _SESSIONS)
    if session is not None:
        prompt["session"] = str(session)
    return Traced(float(at_ms), prompt, asked, None if answered is None else max(answered, 1))


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _count(row: Mapping[str, Any], names: Sequence[str]) -> int | None:
    value = _first(row, names)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**31:
        raise ValueError(f"{names[0]}: expected a number of tokens, got {value!r:.80}")
    return int(value)


def _text(tokens: int, hashes: Any, number: int) -> str:
    """A prompt of about so many tokens; equal blocks at its beginning have equal hashes."""
    if not isinstance(hashes, list) or not hashes:
        return block(max(tokens, 1), number)
    lengths = [_BLOCK_TOKENS] * (len(hashes) - 1)
    lengths.append(max(tokens - sum(lengths), 1))
    return " ".join(block(length, each) for length, each in zip(lengths, hashes, strict=True))
