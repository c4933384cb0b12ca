"""How exact the transport's times are, and what it knows of that."""

import socket
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import gevent
import gevent.socket
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transports.exchange import Timeouts
from harness.transports.gevent import Conversation, GeventTransport, Reader
from harness.transports.gevent.framing import EndOfAnswer
from harness.transports.gevent.incoming import ResponseParser
from harness.transports.gevent.reader import TICK_NS
from harness.transports.gevent.stamps import StampClock, StampedRead
from harness.transports.gevent.timerfd import Timer
from harness.transports.network import DIRECT
from harness.wire import Chunk, Headers, Request
from tests.transports.peer import Peer, answering, plain, serving

TIMEOUTS = Timeouts()
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
ANSWERS = (
    CHUNKED + b"3\r\nabc\r\n5\r\n\r\n0\r\n\r\n0\r\n\r\n",
    CHUNKED + b"7\r\n0\r\n\r\nab\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n0\r\n\r\nabcd",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + plain(b"final"),
)


class Noting:
    """Keeps each piece with its times."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Chunk, int, int]] = []

    def started(self, sent_ns: int) -> "Noting":
        del sent_ns
        return self

    def head(self, status: int, headers: Headers, at_ns: int) -> None:
        """Nothing."""

    def take(self, data: bytes, at_ns: int, since_ns: int, end_since_ns: int) -> int:
        """Keep it."""
        self.pieces.append((Chunk(data, at_ns), since_ns, end_since_ns))
        return 0


@pytest.fixture(name="transport")
def _transport() -> Iterator[GeventTransport]:
    made = GeventTransport(network=DIRECT)
    yield made
    made.close()


@given(st.sampled_from(ANSWERS), st.lists(st.integers(min_value=0), max_size=8))
def test_whoever_waits_is_woken_no_later_than_with_the_last_byte(
    answer: bytes, cuts: list[int]
) -> None:
    places = [0, *sorted({cut % len(answer) for cut in cuts}), len(answer)]
    guess, incoming = EndOfAnswer(), ResponseParser(sent_ns=0)

    for start, stop in pairwise(places):
        if start == stop:
            continue
        woken = guess.seen(answer[start:stop])
        incoming.feed(answer[start:stop], 0)
        assert woken or not incoming.complete


def test_a_stream_wakes_its_reader_once() -> None:
    guess = EndOfAnswer()
    events = [b"f\r\ndata: {abcd}\n\n\r\n"] * 30

    woken = [guess.seen(part) for part in (CHUNKED + events[0], *events, b"0\r\n\r\n")]

    assert woken == [False] * 31 + [True]


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Type: application/json", b"Content-Length: 2"),
        (b"Content-Length: 2", b"Content-Type: application/json; charset=utf-8"),
        (b"content-type:application/json", b"x-a: b", b"content-length:2"),
    ],
)
def test_an_answer_of_json_by_its_length_alone_can_be_read_later(fields: tuple[bytes, ...]) -> None:
    guess = EndOfAnswer()
    head = b"\r\n".join((b"HTTP/1.1 200 OK", *fields, b"", b""))

    assert (guess.seen(head + b"{"), guess.seen(b"}"), guess.plain) == (False, True, True)


@pytest.mark.parametrize(
    "field",
    [b"Content-Type: text/html", b"Content-Encoding: gzip", b"Connection: close", b"Upgrade: h2c"],
)
def test_an_answer_that_may_be_more_than_it_seems_is_read_at_once(field: bytes) -> None:
    guess = EndOfAnswer()
    usual = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"

    assert guess.seen(usual + field + b"\r\n\r\n{}")
    assert not guess.plain


def test_what_a_late_reader_finds_together_has_bounds_that_hold(transport: GeventTransport) -> None:
    sent_ns: list[int] = []

    def two_events(connection: socket.socket, peer: Peer) -> None:
        peer.take(connection)
        for data in (CHUNKED + b"1\r\na\r\n", b"1\r\nb\r\n0\r\n\r\n"):
            time.sleep(0.005)
            sent_ns.append(time.monotonic_ns())
            connection.sendall(data)

    listener = Noting()

    def hold_up_the_client(sent_ns: int) -> Noting:
        gevent.spawn(time.sleep, 0.03)
        return listener.started(sent_ns)

    with serving(two_events) as peer:
        exchange = transport.send(Request("POST", peer.url), listen=hold_up_the_client, store=False)
        transport.close()

    (first, first_since, _), (last, _, last_since) = listener.pieces
    assert first.at_ns == last.at_ns
    assert exchange.sent_ns + first_since <= sent_ns[0]
    assert sent_ns[0] <= exchange.sent_ns + first.at_ns
    assert last_since <= last.at_ns


def test_what_arrives_alone_is_exact_to_a_tick_while_the_client_is_idle(
    transport: GeventTransport,
) -> None:
    listener = Noting()
    with serving(answering(CHUNKED + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")) as peer:
        transport.send(Request("POST", peer.url), listen=listener.started, store=False)
        transport.close()

    (chunk, since_ns, _), _ = listener.pieces
    assert 0 <= chunk.at_ns - since_ns <= 40 * TICK_NS


def test_phases_of_a_connection_are_told_apart(transport: GeventTransport) -> None:
    with serving(answering(plain(b"1"), plain(b"2"))) as peer:
        talks = [converse(transport, peer) for _ in range(2)]
        transport.close()

    assert [talk.reused for talk in talks] == [False, True]
    assert talks[0].connect_ns is not None
    assert (talks[1].dns_ns, talks[1].connect_ns, talks[1].tls_ns) == (None, None, None)
    assert all(talk.sent_ns <= talk.left_ns for talk in talks)
    assert all(talk.retransmits in (0, None) for talk in talks)


def converse(transport: GeventTransport, peer: Peer) -> Conversation:
    class Everything:
        """Reads an answer with a length."""

        complete = started = reusable = False
        status: int | None = None

        def begin(self, sent_ns: int) -> None:
            self.incoming = ResponseParser(sent_ns=sent_ns)

        def feed(self, arrivals: list[StampedRead], *, plain: bool = False) -> None:
            del plain
            for arrival in arrivals:
                self.incoming.feed(*arrival)
            self.complete = self.reusable = self.incoming.complete

        def end_of_stream(self) -> None:
            """Nothing."""

        def keep_alive(self) -> str | None:
            return None

        def release(self) -> None:
            """Nothing."""

    return transport.converse(transport.message(Request("POST", peer.url)), TIMEOUTS, Everything())


def test_a_timer_of_the_kernel_expires_when_it_is_due() -> None:
    timer = Timer()
    if timer.descriptor is None:
        pytest.fail("this system has no timerfd: the test of its fallback is elsewhere")
    due_ns = time.monotonic_ns() + 2_000_000

    timer.set(due_ns)
    gevent.socket.wait_read(timer.descriptor)

    assert time.monotonic_ns() >= due_ns
    timer.close()
    timer.close()


def test_calls_are_made_in_the_order_of_their_times_and_none_too_early() -> None:
    reader, called = Reader(), list[tuple[int, int]]()
    now_ns = time.monotonic_ns()
    dues_ns = [now_ns + after_ms * 1_000_000 for after_ms in (4, 2, 3)]

    def note(due_ns: int) -> None:
        called.append((due_ns, time.monotonic_ns()))

    for due_ns in dues_ns:
        reader.call_at(due_ns, partial(note, due_ns))
    gevent.sleep(0.008)

    assert [due_ns for due_ns, _ in called] == sorted(dues_ns)
    assert all(due_ns <= at_ns for due_ns, at_ns in called)
    reader.close()


def test_work_that_gathers_is_done_until_nothing_is_left() -> None:
    reader, left = Reader(), [5]

    def work(until_ns: int) -> bool:
        del until_ns
        left[0] -= 1
        return left[0] > 0

    for _ in range(3):
        reader.work_later(work)
    gevent.sleep(0.02)

    assert left == [0]
    reader.close()


def test_stamps_are_not_used_across_a_step_of_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = StampClock()
    now_ns = time.time_ns
    stamp = [(socket.SOL_SOCKET, 35, (0).to_bytes(8, "little") + (5).to_bytes(8, "little"))]
    assert clock.stamp_ns(stamp) is not None

    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + 10_000_000)
    clock.look()
    stepped = clock.stamp_ns(stamp)
    clock.look()

    assert stepped is None
    assert clock.stamp_ns(stamp) is not None
