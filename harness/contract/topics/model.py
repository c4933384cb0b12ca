"""The model route, whose answers are any JSON, or any bytes.

What a model says is not known; that it says the same thing plain and streamed, and that the two
fields of the documented example work, is compared over the answers of one probe.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.contract.answer.choices import choices
from harness.contract.answer.reading import ABSENT, parse_json
from harness.contract.case import Case
from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import fault, is_int, told, unequal
from harness.contract.observation import Observation
from harness.contract.requests.text import nonce
from harness.contract.topics.scenes import Scene, answered, nth
from harness.contract.topics.sources import BASETEN_PAGE
from harness.contract.topics.spread import TimedTurn, generation, spread
from harness.contract.topics.stage import Stage
from harness.contract.topics.topic import Topic

PREDICT = "docs.baseten.co/reference/inference-api/predict-endpoints"
TRUSS = "basetenlabs/truss, truss_server.py"
ENVELOPE = {"success", "result", "errors", "messages"}
_MEDIA = re.compile(r"[a-z]+/[!-~]+")
ALIKE = 0.6
"""The share of common text from which on two answers are one, damaged or not."""
ENOUGH = 8
"""Parts below which the spread of a stream says nothing."""

topic = Topic(
    "model", routes=("model",), evidence=EvidenceGrade.DOCUMENTED, source=TRUSS, probe="model"
)


@dataclass(slots=True)
class ModelScene(Scene):
    """One prompt with a large limit, the same streamed, and with a small one; once or twice."""

    long: list[Observation] = field(default_factory=list)
    stream: list[Observation] = field(default_factory=list)
    short: list[Observation] = field(default_factory=list)


def _answered(seen: Observation) -> bool:
    accepted = seen.ok and seen.case.route == "model" and seen.case.sound
    return accepted and seen.exchange.whole and seen.reading is not None


def _document(seen: Observation) -> Any:
    return seen.reading.document if _answered(seen) and seen.reading else ABSENT


@topic.exchange("model-json", Level.MUST, why="Callers parse it.", source=PREDICT)
def json_is_json(seen: Observation) -> Finding:
    """An answer labelled application/json is one JSON text."""
    if not _answered(seen) or seen.response is None or seen.reading is None:
        return None
    if seen.response.media_type != "application/json" or not seen.response.body.strip():
        return None
    if seen.reading.document is not ABSENT and not seen.reading.malformed:
        return ()
    body = seen.response.body
    came = f"{seen.reading.json_error or 'an event stream'}: {body[:120]!r}"
    return (told("one JSON text", came, "body", body),)


@topic.exchange("model-label", Level.SHOULD, why="Callers choose their parser by it.")
def label_is_known(seen: Observation) -> Finding:
    """The answer is labelled as data: JSON, bytes, events, text, an image, a sound."""
    if not _answered(seen) or seen.response is None:
        return None
    if _MEDIA.fullmatch(seen.response.media_type) and seen.response.media_type != "text/html":
        return ()
    body = seen.response.body
    return (fault("a media type, not a page's", seen.headers.get("content-type"), "label", body),)


@topic.exchange(
    "model-unwrapped",
    Level.MUST,
    why="Callers of Baseten's own URL find none of their fields.",
    source=BASETEN_PAGE,
)
def is_not_wrapped(seen: Observation) -> Finding:
    """The model's JSON is the body, not the `result` of Cloudflare's REST envelope."""
    document = _document(seen)
    if document is ABSENT:
        return None
    if isinstance(document, dict) and document.keys() >= ENVELOPE:
        return (fault("the model's own JSON", sorted(document), "$"),)
    return ()


@topic.exchange(
    "model-encoded-once",
    Level.SHOULD,
    why="Callers parse once and index into a string.",
    evidence=EvidenceGrade.PRACTICE,
    source=PREDICT,
)
def is_not_encoded_twice(seen: Observation) -> Finding:
    """The answer is no JSON string that holds JSON."""
    document = _document(seen)
    if document is ABSENT:
        return None
    inner = parse_json(document)[0] if isinstance(document, str) else None
    if isinstance(inner, dict | list):
        return (fault("JSON", document, "a JSON string of JSON"),)
    return ()


@topic.exchange(
    "model-events",
    Level.SHOULD,
    why="Truss streams raw text; `data:` in it becomes part of every caller's text.",
    evidence=EvidenceGrade.PRACTICE,
)
def events_hold_json(seen: Observation) -> Finding:
    """Where the answer is framed as events, their data is JSON."""
    reading = seen.reading
    if not _answered(seen) or reading is None or not reading.streamed:
        return None
    if not reading.events and reading.body.strip():
        return (fault("events, as the label says", reading.body, "body", reading.body),)
    wrong = [e for e in reading.events if e.data is not None and not e.done]
    wrong = [e for e in wrong if not isinstance(e.document, dict)]
    return tuple(fault("JSON, or no events", e.data, f"event {e.number}") for e in wrong[:2])


@topic.exchange(
    "model-utf8",
    Level.SHOULD,
    why="Letters are lost or replaced; JSON answers of the same model have them.",
    evidence=EvidenceGrade.PRACTICE,
)
def text_is_utf8(seen: Observation) -> Finding:
    """A raw stream of text is UTF-8."""
    if not _answered(seen) or seen.reading is None or not seen.reading.body:
        return None
    body, wrong = seen.reading.body, seen.reading.malformed
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in body)
    if printable * 3 < len(body) * 2 or any(byte < 9 for byte in body):
        return None
    return tuple(fault("UTF-8", data, f"body offset {offset}", data) for offset, data in wrong[:2])


def _short_and_long(scene: ModelScene) -> tuple[list[Observation], list[Observation]] | None:
    """The short and the long plain answers, if all that were asked for are good."""
    judged = scene.short and scene.long and all(map(_answered, (*scene.short, *scene.long)))
    return (scene.short, scene.long) if judged else None


def _turns(scene: ModelScene) -> int:
    """How often everything was asked: what looks wrong once is no fault yet."""
    return max(1, len(scene.stream))


@topic.scene(
    "model-limit",
    Level.SHOULD,
    why="A field that is dropped or renamed on the way leaves cost without a bound.",
    source=BASETEN_PAGE,
)
def limit_is_obeyed(scene: ModelScene, *, turns: int = 2) -> Finding:
    """The documented `max_tokens` works: with 1 the answer is shorter than with 64."""
    seen = _short_and_long(scene)
    if seen is None:
        return None
    if not all(_limited(s) and _counts_tokens(s) for answers in seen for s in answers):
        return None
    shorts, longs = ([_size(s) for s in answers] for answers in seen)
    if max(shorts) < min(longs):
        return ()
    if turns > _turns(scene):
        return None
    came = f"{shorts} bytes with 1, {longs} with 64"
    return (told("a shorter answer with max_tokens 1 than with 64", came, "bodies"),)


@topic.scene(
    "model-stream",
    Level.SHOULD,
    why="The field was dropped on the way: the caller waits for the whole answer.",
    evidence=EvidenceGrade.OBSERVED,
)
def streams_are_no_plain_answers(scene: ModelScene) -> Finding:
    """`stream: true` changes the form of the answer."""
    seen = answered(nth(scene.long), nth(scene.stream))
    if seen is None or not all(_answered(s) for s in seen):
        return None
    plain, streamed = seen
    if not streamed.case.stream or not _counts_tokens(plain):
        return None
    if not isinstance(_document(streamed), dict) or not isinstance(_document(plain), dict):
        return ()
    body = streamed.body
    return (told("a stream, or a refusal", "the plain form", "stream: true", body),)


@topic.scene(
    "model-stream-whole",
    Level.MUST,
    why="A raw stream has no end marker: what is lost on the way is visible to nobody.",
    source=PREDICT,
)
def streams_say_the_same(scene: ModelScene, *, turns: int = 2) -> Finding:
    """A raw stream is not only a part of the text that the plain answer had twice."""
    seen = answered(nth(scene.long), nth(scene.stream))
    if seen is None or not all(map(_answered, (*seen, *scene.long))):
        return None
    plain, streamed = seen
    wavers = any(_document(again) != _document(plain) for again in scene.long[1:])
    if streamed.reading is None or wavers:
        return None
    text = streamed.reading.body.decode("utf-8", "replace")
    whole = [t for t in _texts(_document(plain)) if text and text in t]
    if not whole or streamed.reading.streamed:
        return None
    if any(text == t for t in whole):
        return ()
    if turns > _turns(scene):
        return None
    return (unequal(whole[0], text, "raw stream beside the plain answer"),)


@topic.scene(
    "model-stream-same",
    Level.SHOULD,
    why="Letters were damaged on the way in one of the two forms.",
    evidence=EvidenceGrade.PRACTICE,
)
def streams_differ_in_nothing(scene: ModelScene, *, turns: int = 2) -> Finding:
    """Where plain answers repeat themselves, and streams too, both say the same.

    Pieces that were lost, doubled or swapped on the way are a difference. With one turn nothing is
    known of repetition: what differs then is a reason to ask again.
    """
    plains, streams = (
        answered(*(nth(of, turn) for turn in range(turns))) for of in (scene.long, scene.stream)
    )
    if not plains or not streams or not all(map(_answered, (*plains, *streams))):
        return None
    texts = {_streamed_text(s) for s in streams}
    text = texts.pop()
    if texts or text is None or any(_document(s) != _document(plains[0]) for s in plains):
        return None
    alike = [t.strip() for t in _texts(_document(plains[0])) if _alike(t, text)]
    if not alike:
        return None
    if text in alike:
        return ()
    return (unequal(alike[0], text, "stream beside the plain answer"),)


def _streamed_text(seen: Observation) -> str | None:
    """What a stream says: the text of a raw one or of completion chunks; of other events None."""
    if seen.reading is None:
        return None
    if not seen.reading.streamed:
        return seen.reading.body.decode("utf-8", "replace").strip()
    said = choices(seen.reading)
    return said[0].text.strip() if said and said[0].text else None


def _alike(one: str, other: str) -> bool:
    """Whether two texts are mostly the same: what frames a stream otherwise is not compared.

    The share of the runs of five characters that both have (Sorensen and Dice): two texts of one
    language have few of them in common, and a text that lost a piece nearly all.
    """
    runs = [
        Counter(map("".join, zip(*(text[n:] for n in range(5)), strict=False)))
        for text in (one, other)
    ]
    common = sum((runs[0] & runs[1]).values())
    return common * 2 >= ALIKE * max(1, sum(map(Counter.total, runs)))


@topic.scene(
    "model-own-form",
    Level.SHOULD,
    why="The gateway dressed a model's own JSON up as a completion.",
    evidence=EvidenceGrade.PRACTICE,
    source=BASETEN_PAGE,
)
def a_completion_streams_as_one(scene: ModelScene) -> Finding:
    """A model that answers with chat completions streams events."""
    seen = answered(nth(scene.long), nth(scene.stream))
    if seen is None or not all(_answered(s) for s in seen):
        return None
    document = _document(seen[0])
    chat = isinstance(document, dict) and document.get("object") == "chat.completion"
    if not chat or seen[1].reading is None:
        return None
    if seen[1].reading.streamed or isinstance(_document(seen[1]), dict):
        return ()
    body = seen[1].reading.body
    return (fault("events, as of a chat model", body, "stream of the same model", body),)


@topic.scene(
    "model-incremental",
    Level.SHOULD,
    why="The first byte comes as late as the last: streaming gains nothing.",
    evidence=EvidenceGrade.OBSERVED,
    timed=True,
)
def arrives_as_it_is_made(scene: ModelScene, *, turns: int = 2) -> Finding:
    """A raw stream arrives while it is generated."""
    seen = _short_and_long(scene)
    streams = [s for s in scene.stream if _answered(s)]
    if seen is None or not streams:
        return None
    bodies = {s.reading.body for part in seen for s in part if s.reading}
    held = [s for s in streams if s.reading and s.reading.body not in bodies]
    if not held or all(_document(s) is not ABSENT for s in held):
        return None
    if max(_size(s) for s in streams) < ENOUGH:
        return ()
    return spread(list(map(_turn, *seen, streams)), least=turns)


def _turn(short: Observation, long: Observation, stream: Observation) -> TimedTurn:
    times = [c.at_ns for c in stream.response.chunks] if stream.response else []
    length = times[-1] - times[0] if times else 0
    return TimedTurn(generation(short, long), length, stream.late_ns, f"{len(times)} parts")


def _limited(seen: Observation) -> bool:
    return "max_tokens" in seen.case.asked


def _counts_tokens(seen: Observation) -> bool:
    """Whether the model counts the tokens that it makes, so that a limit means something to it."""
    document = _document(seen)
    usage = document.get("usage") if isinstance(document, dict) else None
    return isinstance(usage, dict) and is_int(usage.get("completion_tokens"))


def _size(seen: Observation) -> int:
    return len(seen.response.body) if seen.response else 0


def _texts(value: Any) -> Iterator[str]:
    """Every string inside a JSON value."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


JUDGES = (
    limit_is_obeyed,
    streams_say_the_same,
    streams_differ_in_nothing,
    arrives_as_it_is_made,
)
"""What looks wrong after one turn to any of them is asked again before it is a fault."""


def play(stage: Stage, scene: ModelScene) -> None:
    """One prompt with a small limit and a large one, and streamed; again where it looked wrong."""
    if stage.route != "model":
        return
    text = f"Tell me about rivers and bridges in Zürich. ({nonce(stage.seed, 1600)})"
    case = Case("model", {"prompt": text, "max_tokens": 64}, "model")
    scene.long.append(stage.play(case))
    scene.stream.append(stage.play(case.having(stream=True)))
    scene.short.append(stage.play(case.having(max_tokens=1)))
    if any(judge(scene, turns=1) for judge in JUDGES):
        scene.long.append(stage.play(case))
        scene.short.append(stage.play(case.having(max_tokens=1)))
        scene.stream.append(stage.play(case.having(stream=True)))
