"""What the model route streams beside what it says plainly, on answers written by hand."""

import json

import pytest

from harness.contract.case import Case
from harness.contract.clause import Finding
from harness.contract.observation import Observation
from harness.contract.topics.model import ModelScene, streams_differ_in_nothing
from tests.contract.answers import chunk, plain, seen, sse

TEXT = "Rivers meet under the old bridges of Zürich, and the lake is calm."
ASKED = Case("model", {"prompt": "Tell me.", "max_tokens": 64}, "model")
STREAM = ASKED.having(stream=True)
PIECES = TEXT.split(" ")
DAMAGED = {
    "lost": " ".join([*PIECES[:5], *PIECES[6:]]),
    "doubled": " ".join([*PIECES[:5], PIECES[4], *PIECES[5:]]),
    "swapped": " ".join([*PIECES[:5], PIECES[6], PIECES[5], *PIECES[7:]]),
}


def says(plains: list[str], streams: list[bytes], *, turns: int = 2) -> Finding:
    scene = ModelScene([_plain(text) for text in plains], [_raw(data) for data in streams])
    return streams_differ_in_nothing(scene, turns=turns)


def _plain(text: str) -> Observation:
    return seen(ASKED, {"output": text})


def _raw(data: bytes) -> Observation:
    return seen(STREAM, data, media="application/octet-stream")


@pytest.mark.parametrize("how", DAMAGED)
def test_pieces_that_are_lost_doubled_or_swapped_are_seen_when_both_forms_repeat(how: str) -> None:
    damaged = DAMAGED[how].encode()

    assert says([TEXT], [damaged], turns=1)  # a reason to ask again
    assert says([TEXT], [damaged]) is None  # and no fault before
    assert says([TEXT] * 2, [damaged] * 2)


def test_a_model_that_does_not_repeat_itself_is_not_accused() -> None:
    others = [text.encode() for text in DAMAGED.values()]

    assert says([TEXT, DAMAGED["lost"]], others[:2]) is None
    assert says([TEXT] * 2, others[:2]) is None
    assert (
        says([TEXT] * 2, [b"Something else altogether, which no plain answer ever said."] * 2)
        is None
    )


def test_the_same_text_is_the_same_in_both_forms() -> None:
    assert says([TEXT] * 2, [f" {TEXT}\n".encode()] * 2) == ()


def test_a_model_that_streams_completions_is_judged_by_what_they_say() -> None:
    def stream(text: str) -> Observation:
        chunks = [chunk({"content": f"{piece} "}) for piece in text.split()]
        return seen(STREAM, sse([*chunks, chunk({}, finish="stop")]), media="text/event-stream")

    message = {"role": "assistant", "content": TEXT}
    whole = plain(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])

    for text, broken in ((TEXT, False), (DAMAGED["swapped"], True)):
        scene = ModelScene([seen(ASKED, whole)] * 2, [stream(text)] * 2)
        assert bool(streams_differ_in_nothing(scene)) is broken


def test_events_that_are_no_completions_are_not_compared() -> None:
    data = b"".join(b"data: " + json.dumps({"t": word}).encode() + b"\n\n" for word in PIECES)
    stream = seen(STREAM, data, media="text/event-stream")

    assert streams_differ_in_nothing(ModelScene([_plain(TEXT)] * 2, [stream] * 2)) is None


def test_texts_of_any_length_are_compared_in_no_time() -> None:
    long = "a word and " * 100_000
    other = long[:600_000] + long[600_005:]

    assert says([long] * 2, [other.encode()] * 2)
