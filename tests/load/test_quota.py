"""A load that keeps below a quota: what may leave when, and what refusals teach."""

import heapq
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import execute
from harness.gateway.config import Config, RateLimit
from harness.gateway.limits import Limiter
from harness.gateway.model import Gateway
from harness.gateway.server import LocalGateway
from harness.gateway.timing import Timing
from harness.load.quota import SHARE, Leave, Pace, wait_s
from harness.load.session import plan_load
from harness.load.ticket import Ticket
from harness.settings import load_settings, resolve_target
from harness.wire import Headers

S = 1_000_000_000
LATENCY_NS = S // 20


def ticket(due_ns: int, seq: int = 0) -> Ticket:
    return Ticket(seq, "native", "mixed", "steady", due_ns)


class World:
    """A quota on a clock of its own, and a load of so many requests per second against it."""

    def __init__(self, pace: Pace, limit: RateLimit, *, tells: bool, seconds: int = 60) -> None:
        self.pace = pace
        self.limit = limit
        self.tells = tells
        self.end_ns = seconds * S
        self.sent: list[int] = []
        self.refused: list[int] = []
        self.never = 0
        self._limiter = Limiter(limit)

    def run(self, rate: float) -> None:
        """Send what is due when the pace lets it leave; answers come a little later."""
        answers: list[tuple[int, int, bool]] = []
        for due in self._due(rate):
            now_ns = due.scheduled_ns or 0
            while (leave := self.pace.admit(due, now_ns, self.end_ns)) is Leave.LATER:
                now_ns = due.scheduled_ns or 0
                while answers and answers[0][0] <= now_ns:
                    self._answer(*heapq.heappop(answers))
            while answers and answers[0][0] <= now_ns:
                self._answer(*heapq.heappop(answers))
            if leave is Leave.NEVER:
                self.never += 1
                continue
            self.sent.append(now_ns)
            heapq.heappush(answers, (now_ns + LATENCY_NS, now_ns, self._limiter.admit(now_ns)))

    def _due(self, rate: float) -> Iterator[Ticket]:
        last = 0
        for n in range(int(rate * self.end_ns / S)):
            last = max(int(n * S / rate), self.sent[-1] if self.sent else 0)
            yield ticket(last, n)

    def _answer(self, at_ns: int, sent_ns: int, admitted: bool) -> None:
        window_ns = self.limit.seconds * S
        left_s = (window_ns - at_ns % window_ns) / S
        told = Headers([("Retry-After", f"{left_s:.0f}")]) if self.tells else Headers()
        if not admitted:
            self.refused.append(sent_ns)
        self.pace.answered(sent_ns, at_ns, None if admitted else told)


def test_a_declared_limit_is_never_passed() -> None:
    world = World(Pace(2.0), RateLimit(10, 5), tells=False)

    world.run(20.0)

    assert world.refused == []
    assert len(world.sent) == pytest.approx(60 * 2 * SHARE, abs=2)
    assert len(world.sent) + world.never == 1200


def test_what_is_below_the_limit_is_not_held() -> None:
    pace = Pace(20.0)
    world = World(pace, RateLimit(100, 5), tells=False)

    world.run(10.0)

    assert (len(world.sent), world.never, world.refused) == (600, 0, [])


@pytest.mark.parametrize("tells", [True, False])
def test_a_limit_is_learned_from_refusals(tells: bool) -> None:
    world = World(Pace(None), RateLimit(20, 5), tells=tells)

    world.run(40.0)

    late = [at_ns for at_ns in world.refused if at_ns > 20 * S]
    assert len(late) <= 3
    assert len(world.refused) < 0.15 * len(world.sent)
    assert world.pace.learned
    assert (world.pace.rate or 0) == pytest.approx(4.0, rel=0.35)


def test_without_a_refusal_nothing_is_held() -> None:
    world = World(Pace(None), RateLimit(10_000, 1), tells=False, seconds=5)

    world.run(100.0)

    assert len(world.sent) == 500
    assert (world.pace.rate, world.pace.learned) == (None, False)


def test_a_request_that_is_held_has_its_time_moved_and_says_by_how_much() -> None:
    pace = Pace(1.0)
    first, second = ticket(0), ticket(100, 1)

    assert pace.admit(first, 0, 9 * S) is Leave.NOW
    assert pace.admit(second, 100, 9 * S) is Leave.LATER

    assert (first.held_ns, first.scheduled_ns) == (None, 0)
    assert second.scheduled_ns == pytest.approx(S / SHARE, rel=1e-6)
    assert second.held_ns == (second.scheduled_ns or 0) - 100
    assert pace.admit(second, second.scheduled_ns or 0, 9 * S) is Leave.NOW


def test_a_request_that_would_be_held_beyond_the_end_never_leaves() -> None:
    pace = Pace(1.0)
    pace.admit(ticket(0), 0, S)

    assert pace.admit(ticket(5, 1), 5, S) is Leave.NEVER


def test_a_policy_in_the_answer_is_the_limit() -> None:
    pace = Pace(None, workers=2)
    pace.admit(ticket(0), 0, 99 * S)

    pace.answered(
        0, S, Headers([("RateLimit-Policy", '"default";q=100;w=10'), ("Retry-After", "3")])
    )

    assert pace.rate == pytest.approx(5.0)
    assert pace.free_ns >= 4 * S


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ([("Retry-After", "7")], 7.0),
        (
            [
                ("Retry-After", "Fri, 27 Nov 2026 12:00:30 GMT"),
                ("Date", "Fri, 27 Nov 2026 12:00:00 GMT"),
            ],
            30.0,
        ),
        ([("Retry-After", "soon")], None),
        ([("x-ratelimit-reset-requests", "1m30s")], 90.0),
        ([("x-ratelimit-reset-requests", "120ms")], 0.12),
        ([("x-ratelimit-reset", "12")], 12.0),
        ([("x-ratelimit-reset", "1795780830"), ("Date", "Fri, 27 Nov 2026 12:00:00 GMT")], 30.0),
        ([("RateLimit", '"default";r=0;t=5')], 5.0),
        ([("RateLimit-Reset", "4")], 4.0),
        ([("Retry-After", "9" * 40)], None),
        ([], None),
    ],
)
def test_how_long_to_wait_is_read_from_every_usual_field(
    fields: list[tuple[str, str]], seconds: float | None
) -> None:
    assert wait_s(Headers(fields)) == seconds


def test_a_plan_has_the_declared_limit_only_where_it_is_to_be_respected() -> None:
    settings = load_settings(environment={"GATEWAY_EXPECT_RATE_LIMIT": "100/60"})
    target = resolve_target("local", settings)

    assert plan_load(target, respect_rate_limit=True).rate_limit == "100/60"
    assert plan_load(target).rate_limit is None


def test_users_that_wait_for_a_quota_until_the_end_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    timing = Timing(ttft_ns=1_000_000, itl_ns=0)
    gateway = Gateway(Config(timing=timing, rate_limit=RateLimit(1, 60), epoch_ns=time.time_ns()))

    with LocalGateway(gateway) as served:
        flags = ["--users", "3", "--duration", "600ms", "--warmup", "0", "--no-calibrate"]
        flags += ["--respect-rate-limit", "--quiet", "--out", str(tmp_path / "out")]
        execute(["load", "native", "--target", served.url, *flags])

    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["quota"]["never_sent"] == 3
    assert summary["routes"]["native"]["rate"] <= summary["requests"] / 0.6


def test_a_load_slows_down_when_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BASETEN_API_KEY", "CF_AIG_TOKEN", "BASETEN_MODEL_ID", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    timing = Timing(ttft_ns=1_000_000, itl_ns=0)
    gateway = Gateway(Config(timing=timing, rate_limit=RateLimit(10, 1), epoch_ns=time.time_ns()))

    with LocalGateway(gateway) as served:
        flags = ["--rate", "50", "--duration", "2500ms", "--warmup", "0", "--no-calibrate"]
        flags += ["--respect-rate-limit", "--max-output-tokens", "2"]
        execute(["load", "native", "--target", served.url, *flags, "--out", str(tmp_path / "out")])

    printed = capsys.readouterr().out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    route, quota = summary["routes"]["native"], summary["quota"]
    assert "paced to what refusals (429) teach" in printed
    assert route["error_classes"]["rate_limited"] <= 10
    assert quota["learned"]
    assert quota["held"] > 0
    assert quota["never_sent"] > 50
    assert quota["due"] == 125
    assert summary["pacing"]["rate_off"] is None
