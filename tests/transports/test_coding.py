import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TransportError, TransportKind
from harness.transports.coding import ContentDecoder
from harness.wire import Headers


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "two gzip members": ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without its wrapper": ("deflate", raw_deflate),
    "identity": ("identity", bytes),
    "unknown": ("br", bytes),
}


def decoder(coding: str) -> ContentDecoder:
    return ContentDecoder(Headers([("Content-Encoding", coding)]))


@given(st.binary(min_size=1), st.sampled_from(sorted(CODINGS)), st.data())
def test_what_is_decoded_does_not_depend_on_how_the_bytes_are_cut(
    body: bytes, coding: str, data: st.DataObject
) -> None:
    name, encode = CODINGS[coding]
    coded = encode(body)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(coded)), max_size=8)))
    pieces = [coded[a:b] for a, b in zip([0, *cuts], [*cuts, len(coded)], strict=True)]
    decoding = decoder(name)

    decoded = b"".join(decoding.feed(piece) for piece in pieces)
    decoding.finish()

    assert decoded == body


def test_a_flushed_event_is_known_before_the_body_ends() -> None:
    deflate = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    first = deflate.compress(b"data: 1\n\n") + deflate.flush(zlib.Z_SYNC_FLUSH)

    assert decoder("gzip").feed(first) == b"data: 1\n\n"


def test_broken_data_is_a_protocol_error() -> None:
    with pytest.raises(TransportError, match="broken content coding") as broken:
        decoder("gzip").feed(b"this is not gzip")

    assert broken.value.kind is TransportKind.PROTOCOL


def test_an_end_inside_the_coded_data_is_a_protocol_error() -> None:
    decoding = decoder("gzip")
    decoding.feed(gzip.compress(b"whole")[:-4])

    with pytest.raises(TransportError, match="ended before its content coding"):
        decoding.finish()


def test_an_empty_body_needs_no_coding() -> None:
    decoder("gzip").finish()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity"])
def test_a_body_is_taken_up_to_a_bound_and_not_beyond(coding: str) -> None:
    _, encode = CODINGS[coding]
    headers = Headers([("Content-Encoding", coding)])

    assert ContentDecoder(headers, longest=1000).feed(encode(bytes(1000))) == bytes(1000)
    with pytest.raises(TransportError, match="longer than 1000 bytes") as broken:
        ContentDecoder(headers, longest=1000).feed(encode(bytes(1001)))
    assert broken.value.kind is TransportKind.PROTOCOL


def test_a_bomb_is_not_unpacked_beyond_the_bound() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()

    with pytest.raises(TransportError, match="longer than"):
        ContentDecoder(Headers([("Content-Encoding", "gzip")]), longest=1 << 20).feed(bomb)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
