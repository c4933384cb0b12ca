"""The schedule of one answer, on an event loop whose time is data."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.framing import frame
from harness.gateway.server.delivery import Delivery
from harness.wire import Chunk, Headers, Response

SSE = Headers([("content-type", "text/event-stream")])
MS = 1_000_000


class Alarm:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Time:
    """An event loop whose timers fire when `run` comes to them, each `lag` seconds late."""

    def __init__(self, lag: Callable[[], float] = lambda: 0.0) -> None:
        self.now = 100.0
        self._lag = lag
        self._alarms: list[Alarm] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Alarm:
        self._alarms.append(Alarm(when, callback))
        return self._alarms[-1]

    def run(self) -> None:
        while self._alarms:
            alarm = min(self._alarms, key=lambda alarm: alarm.when)
            self._alarms.remove(alarm)
            self.now = max(self.now, alarm.when + self._lag())
            if alarm.callback is not None:
                alarm.callback()


class Wire:
    """Keeps what is written, with the loop's time."""

    def __init__(self, loop: Time) -> None:
        self._loop = loop
        self.written: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        self.written.append((self._loop.now - 100.0, data))


def stream(*at_ms: int) -> Response:
    chunks = tuple(Chunk(b"%d" % at, at * MS) for at in at_ms)
    return Response(200, SSE, chunks, head_at_ns=chunks[0].at_ns, end_at_ns=chunks[-1].at_ns)


def deliver(response: Response, loop: Time) -> tuple[Wire, Delivery, list[float]]:
    wire, ends = Wire(loop), list[float]()
    delivery = Delivery(
        wire, frame(response), arrived=100.0, loop=loop, on_end=lambda: ends.append(loop.now)
    )
    return wire, delivery, ends


def test_every_chunk_is_written_at_its_own_time() -> None:
    loop = Time()
    wire, delivery, ends = deliver(stream(5, 15, 25), loop)

    delivery.play()
    loop.run()

    assert [round(at * 1000, 6) for at, _ in wire.written] == [5, 15, 25]
    assert len(ends) == 1


def test_a_late_chunk_delays_no_later_one() -> None:
    lags = iter([0.0, 0.009, 0.0, 0.0])
    loop = Time(lambda: next(lags))
    wire, delivery, _ = deliver(stream(10, 20, 30, 40), loop)

    delivery.play()
    loop.run()

    assert [round(at * 1000, 6) for at, _ in wire.written] == [10, 29, 30, 40]
    assert round(delivery.late_s, 6) == 0.009


def test_what_is_due_together_is_written_together() -> None:
    loop = Time()
    wire, delivery, _ = deliver(stream(0, 0, 0), loop)

    delivery.play()

    assert len(wire.written) == 1


def test_a_paused_answer_catches_up_when_the_reader_does() -> None:
    loop = Time()
    wire, delivery, ends = deliver(stream(1, 2, 3, 100), loop)
    delivery.play()
    delivery.pause()
    loop.run()
    assert wire.written == []

    loop.now += 0.05
    delivery.resume()
    loop.run()

    assert [round(at * 1000) for at, _ in wire.written] == [51, 100]
    assert len(ends) == 1


def test_a_stopped_answer_sends_nothing_more() -> None:
    loop = Time()
    wire, delivery, ends = deliver(stream(1, 2), loop)
    delivery.play()

    delivery.stop()
    loop.run()

    assert (wire.written, ends, delivery.sending) == ([], [], False)


@given(
    gaps=st.lists(st.integers(0, 20), min_size=1, max_size=20),
    lags=st.lists(st.floats(0, 0.03), min_size=1, max_size=20),
)
def test_nothing_is_early_and_nothing_is_lost_however_late_the_loop_is(
    gaps: list[int], lags: list[float]
) -> None:
    at_ms = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    response = stream(*at_ms)
    remaining = iter(lags)
    loop = Time(lambda: next(remaining, 0.0))
    wire, delivery, ends = deliver(response, loop)

    delivery.play()
    loop.run()

    body = b"".join(data for _, data in wire.written).partition(b"\r\n\r\n")[2]
    assert body == b"".join(b"%x\r\n%b\r\n" % (len(c.data), c.data) for c in response.chunks) + (
        b"0\r\n\r\n"
    )
    assert all(at * 1e9 >= response.head_at_ns - 1 for at, _ in wire.written)
    assert len(ends) == 1
