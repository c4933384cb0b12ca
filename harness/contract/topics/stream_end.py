"""How a streamed chat answer ends: one finish reason, one `[DONE]`, and no error inside."""

from collections.abc import Iterator

from harness.contract.answer.choices import SaidChoice
from harness.contract.answer.reading import Reading
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level
from harness.contract.fault import event, fault, shown, told
from harness.contract.observation import Observation
from harness.contract.topics.framing import stream_of
from harness.contract.topics.sources import BASETEN_ERRORS
from harness.contract.topics.stream import each_choice, topic

FINISHES = ("stop", "length", "tool_calls", "content_filter", "function_call")


@topic.exchange(
    "finish-once",
    Level.MUST,
    why="A stream that just stops looks like a whole answer to every raw client.",
)
def finishes_once(seen: Observation) -> Finding:
    """Exactly one chunk of a choice has a finish reason."""

    def check(choice: SaidChoice, reading: Reading) -> Iterator[Fault]:
        if not choice.finishes:
            last = reading.events[-1]
            came = f"none; the last event is {shown(last.data)}"
            yield told("one finish_reason", came, f"choice {choice.index}")
        elif len(choice.finishes) > 1:
            came = f"{len(choice.finishes)}: {shown([v for _, v in choice.finishes])}"
            yield told("one finish_reason", came, event(choice.finishes[1][0]))

    return each_choice(seen, check)


@topic.exchange("finish-known", Level.MUST, why="Typed clients fail or drop the answer.")
def finish_is_documented(seen: Observation) -> Finding:
    """A finish reason is stop, length, tool_calls, content_filter or function_call."""
    if not seen.good or not seen.choices:
        return None
    return tuple(
        fault(f"one of {', '.join(FINISHES)}", value, f"choice {choice.index}, {event(number)}")
        for choice in seen.choices
        for number, value in choice.finishes
        if value not in FINISHES
    )[:3]


@topic.exchange("finish-is-last", Level.MUST, why="Clients that stop reading there lose text.")
def nothing_follows_the_finish(seen: Observation) -> Finding:
    """No output follows the finish reason of its choice."""

    def check(choice: SaidChoice, _: Reading) -> Iterator[Fault]:
        finished = choice.finishes[0][0] if choice.finishes else None
        late = [n for n in choice.outputs if finished is not None and n > finished]
        if late:
            yield told(f"no output after event {finished}", f"{len(late)} more", event(late[0]))

    return each_choice(seen, check)


@topic.exchange(
    "stream-done",
    Level.MUST,
    why="Benchmarks and Go clients report `connection closed before completion`; "
    "without it a cut stream is not told from a whole one.",
)
def ends_with_done(seen: Observation) -> Finding:
    """The stream ends with `data: [DONE]`."""
    reading = stream_of(seen)
    if reading is None or not reading.events:
        return None
    if any(e.done for e in reading.events):
        return ()
    return (fault("`data: [DONE]`", reading.events[-1].data, "last event", reading.body[-200:]),)


@topic.exchange(
    "stream-done-last",
    Level.MUST,
    why="AI SDK parses what follows and doubles the text; all others lose a usage "
    "report that comes late.",
)
def done_is_last(seen: Observation) -> Finding:
    """Nothing follows `[DONE]`."""
    reading = stream_of(seen)
    done = next((e.number for e in reading.events if e.done), None) if reading else None
    if reading is None or done is None:
        return None
    after = [e for e in reading.events[done + 1 :] if e.data is not None]
    return tuple(fault("nothing after [DONE]", e.data, event(e.number)) for e in after[:2])


@topic.exchange(
    "stream-no-error",
    Level.MUST,
    why="openai-python does not see some forms and returns the part before it as the answer.",
    evidence=EvidenceGrade.DOCUMENTED,
    source=BASETEN_ERRORS,
)
def reports_no_error(seen: Observation) -> Finding:
    """An accepted stream reports no error in its middle."""
    reading = stream_of(seen)
    if reading is None:
        return None
    for e in reading.events:
        document = e.document if isinstance(e.document, dict) else {}
        if e.name == "error" or document.get("error") is not None:
            data = (e.data or "").encode("utf-8", "replace")
            return (told("an answer", f"event {e.name!r}: {shown(e.data)}", event(e.number), data),)
    return ()
