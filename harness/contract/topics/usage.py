"""Token counts: shape, sums, and that they agree with what was said."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.contract.answer.choices import detail, tokens
from harness.contract.answer.reading import ABSENT
from harness.contract.clause import EvidenceGrade, Fault, Finding, Level
from harness.contract.fault import event, fault, is_int, told
from harness.contract.observation import Observation
from harness.contract.requests.text import WORDS
from harness.contract.topics.framing import stream_of
from harness.contract.topics.sources import CHAT, CHUNK, USAGE
from harness.contract.topics.topic import Topic

TEMPLATE = 2000
"""Tokens that a provider may put around a prompt."""
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
DETAILS = ("prompt_tokens_details", "completion_tokens_details")
MANY_WORDS = 1000
"""Words in a prompt from which on its template and nonce are a small part of its tokens."""

topic = Topic("usage", routes=CHAT, evidence=EvidenceGrade.SPECIFIED, source=USAGE)


def _reports(seen: Observation) -> tuple[tuple[int, dict[str, Any]], ...]:
    if not seen.good or seen.reading is None or not seen.exchange.whole:
        return ()
    if seen.reading.streamed != seen.case.stream:
        return ()
    return seen.reading.usages


@topic.exchange(
    "usage-integers", Level.MUST, why="AI SDK refuses a string; other names count as zero tokens."
)
def counts_are_integers(seen: Observation) -> Finding:
    """The three counts are integers of at least 0."""
    reports = _reports(seen)
    others = [(n, d["usage"]) for n, d in seen.documents if _is_no_report(d)] if seen.good else []
    if others:
        return tuple(fault("usage: an object or null", u, event(n)) for n, u in others[:3])
    if not reports:
        return None
    return tuple(
        fault(f"{name}: integer of at least 0", usage.get(name, usage), event(number))
        for number, usage in reports
        for name in COUNTS
        if not is_int(usage.get(name)) or usage[name] < 0
    )[:3]


def _is_no_report(document: dict[str, Any]) -> bool:
    return not isinstance(document.get("usage"), dict | None)


@topic.exchange(
    "usage-sum",
    Level.MUST,
    why="Budgets that add the parts and budgets that read the total disagree.",
)
def total_is_the_sum(seen: Observation) -> Finding:
    """total_tokens is prompt_tokens plus completion_tokens."""
    sums = [
        (number, usage)
        for number, usage in _reports(seen)
        if all(is_int(usage.get(name)) for name in COUNTS)
    ]
    if not sums:
        return None
    return tuple(
        fault(f"total {u[COUNTS[0]] + u[COUNTS[1]]}", u["total_tokens"], f"usage of {event(n)}")
        for n, u in sums
        if u["total_tokens"] != u["prompt_tokens"] + u["completion_tokens"]
    )[:2]


@topic.exchange(
    "usage-details", Level.MUST, why="Text tokens become negative and a billing record is dropped."
)
def details_fit_their_totals(seen: Observation) -> Finding:
    """Reasoning is within the completion, cached within the prompt."""
    pairs = (
        ("completion_tokens_details", "reasoning_tokens", "completion_tokens"),
        ("prompt_tokens_details", "cached_tokens", "prompt_tokens"),
    )
    faults: list[Fault] = []
    exercised = False
    for _, usage in _reports(seen):
        for group, name, whole in pairs:
            details = usage.get(group)
            part = details.get(name) if isinstance(details, dict) else None
            if is_int(part) and is_int(usage.get(whole)):
                exercised = True
                if part > usage[whole] or part < 0:
                    faults.append(fault(f"{name} of 0 to {usage[whole]} ({whole})", part, group))
    return tuple(faults[:2]) if exercised else None


@topic.exchange(
    "usage-details-integers", Level.SHOULD, why="Sums of cached tokens join strings or fail."
)
def details_are_counts(seen: Observation) -> Finding:
    """The details of usage are integers of at least 0, null or absent."""
    groups = [(n, usage[name]) for n, usage in _reports(seen) for name in DETAILS if name in usage]
    if not groups:
        return None
    wrong = [(n, "an object or null", g) for n, g in groups if not isinstance(g, dict | None)]
    wrong += [
        (number, f"{name}: integer of at least 0", value)
        for number, group in groups
        if isinstance(group, dict)
        for name, value in group.items()
        if name.endswith("_tokens") and value is not None and (not is_int(value) or value < 0)
    ]
    return tuple(fault(wanted, came, event(number)) for number, wanted, came in wrong[:2])


@topic.exchange(
    "usage-reasoning",
    Level.SHOULD,
    why="Dashboards that split cost by kind blame the answer for the thinking.",
    evidence=EvidenceGrade.PRACTICE,
)
def reasoning_is_counted(seen: Observation) -> Finding:
    """Shown reasoning is not reported as 0 reasoning tokens."""
    reading = seen.reading
    if not _reports(seen) or reading is None or not any(c.reasoning for c in seen.choices):
        return None
    count = detail(reading, "completion_tokens_details", "reasoning_tokens")
    if count is None:
        return None
    return () if count > 0 else (fault("reasoning_tokens above 0", count, "usage"),)


@topic.exchange(
    "usage-plain",
    Level.SHOULD,
    why="Cost is unknown to the caller; the field is optional in the specification.",
    evidence=EvidenceGrade.PRACTICE,
)
def plain_answers_report_usage(seen: Observation) -> Finding:
    """A plain answer reports its usage."""
    if not seen.good or seen.case.stream or not seen.choices:
        return None
    if _reports(seen):
        return ()
    return (fault("a usage object", seen.documents[0][1].get("usage", ABSENT), "$.usage"),)


@topic.exchange(
    "usage-stream", Level.MUST, why="Meters that wait for it count nothing.", source=CHUNK
)
def streams_report_usage_when_asked(seen: Observation) -> Finding:
    """With include_usage a usage report precedes `[DONE]`."""
    reading = stream_of(seen)
    options = seen.case.asked.get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True
    if reading is None or not asked or not seen.choices or reading.failed_inside:
        return None
    done = next((e.number for e in reading.events if e.done), len(reading.events))
    if any(number < done for number, _ in reading.usages):
        return ()
    return (told("usage before [DONE]", "none", f"{len(reading.events)} events"),)


@topic.exchange(
    "usage-chunk-last",
    Level.SHOULD,
    why="Clients that stop at it lose the finish reason; those that add count twice.",
    source=CHUNK,
)
def its_own_chunk_is_the_last(seen: Observation) -> Finding:
    """A chunk without a choice has usage, comes once, and no chunk follows it."""
    reading = stream_of(seen)
    if reading is None:
        return None
    chunks = [(e.number, d) for e, d in reading.chunks]
    bare = [(n, d) for n, d in chunks if d.get("choices") == [] and d.get("error") is None]
    empty = [(n, d) for n, d in bare if d.get("usage") is None]
    if empty:
        return tuple(fault("a choice, or usage", d, event(n)) for n, d in empty[:1])
    alone = [n for n, d in bare if isinstance(d["usage"], dict)]
    if not alone:
        return None
    after = [(n, d) for n, d in chunks if n > alone[0] and isinstance(d.get("choices"), list)]
    return tuple(fault("only [DONE] after the usage chunk", d, event(n)) for n, d in after[:1])


@topic.exchange(
    "usage-positive", Level.MUST, why="A zeroed usage makes the call free in every meter."
)
def work_is_counted(seen: Observation) -> Finding:
    """A prompt and an answer that says something cost at least one token each."""
    if not _reports(seen) or seen.reading is None:
        return None
    prompt, completion = (tokens(seen.reading, name) for name in COUNTS[:2])
    faults = []
    if prompt is not None and prompt < 1:
        faults.append(fault("prompt_tokens of at least 1", prompt, "usage"))
    if completion is not None and completion < 1 and any(c.outputs for c in seen.choices):
        faults.append(fault("completion_tokens of at least 1", completion, "usage"))
    return tuple(faults)


@topic.exchange(
    "usage-long-prompt",
    Level.MUST,
    why="The prompt was cut on the way: the model answers half a question.",
)
def long_prompts_are_counted(seen: Observation) -> Finding:
    """A prompt of 3000 words is counted as about as many tokens."""
    words = str(seen.case.asked.get("messages")).count("word ")
    if not _reports(seen) or seen.reading is None or words < WORDS.count("word "):
        return None
    prompt = tokens(seen.reading, "prompt_tokens")
    if prompt is None:
        return None
    most = len(seen.exchange.request.body) + TEMPLATE
    if words // 2 <= prompt <= most:
        return ()
    wanted = f"{words // 2} to {most} prompt tokens for {words} words"
    return (fault(wanted, prompt, "usage.prompt_tokens"),)


@topic.run(
    "usage-words",
    Level.MUST,
    why="Messages of the history were lost on the way: the model forgot the talk.",
)
def words_cost_the_same(seen: Sequence[Observation]) -> Finding:
    """A word costs the same in every message of a prompt.

    A tokenizer gives equal words equal tokens, so a message that was lost or cut is a tenth of the
    count or more that is missing; 250 tokens are left for templates and for what else is said.
    """
    counts = [
        (s.number, words, tokens)
        for s in seen
        if (words := _words(s)) >= MANY_WORDS and (tokens := _prompt_tokens(s))
    ]
    if len(counts) < 2:
        return None
    number, words, most = max(counts, key=lambda count: count[2] / count[1])
    rate = (most - 250) / words
    for other, its_words, its_tokens in counts:
        if its_tokens < 0.9 * rate * its_words:
            wanted = f"about {rate:.2f} tokens a word, as in request {number}"
            came, both = f"{its_tokens} for {its_words} words", (number, other)
            return (told(wanted, came, f"request {other}", requests=both),)
    return ()


def _words(seen: Observation) -> int:
    """How many of the words of the long prompts the messages hold, if nothing else could weigh."""
    messages = seen.case.asked.get("messages")
    contents = [m.get("content") for m in messages or () if isinstance(m, dict)]
    return sum(text.count("word ") for text in contents if isinstance(text, str))


def _prompt_tokens(seen: Observation) -> int | None:
    return tokens(seen.reading, "prompt_tokens") if _reports(seen) and seen.reading else None


@topic.exchange(
    "usage-not-for-nothing",
    Level.MUST,
    why="The caller pays for an empty answer and takes it for the model's.",
    evidence=EvidenceGrade.OBSERVED,
    source="vercel/ai#20932",
)
def billed_answers_are_not_empty(seen: Observation) -> Finding:
    """An answer billed for text has text, reasoning or a tool call."""
    return None if not _reports(seen) else tuple(_empty(seen)) if seen.choices else None


def _empty(seen: Observation) -> Iterator[Fault]:
    reading = seen.reading
    completion = seen.completion_tokens
    if reading is None or completion is None or len(seen.choices) != 1:
        return
    choice = seen.choices[0]
    reasoning = detail(reading, "completion_tokens_details", "reasoning_tokens") or 0
    said = choice.content or choice.refusal or choice.calls or choice.reasoning
    if choice.finish == "stop" and not said and completion - reasoning >= 3:
        yield told("text or a tool call", f"{completion} tokens billed, nothing said", "answer")


@topic.exchange(
    "usage-cumulative",
    Level.MUST,
    why="Clients keep the last one.",
    evidence=EvidenceGrade.DOCUMENTED,
    source="docs.baseten.co/reference/inference-api/chat-completions",
)
def counts_never_fall(seen: Observation) -> Finding:
    """A later usage report of a stream is never smaller."""
    if not seen.case.stream:
        return None
    faults: list[Fault] = []
    highest = -1
    for number, usage in _reports(seen):
        count = usage.get("completion_tokens")
        if is_int(count):
            if count < highest:
                faults.append(
                    fault(f"completion_tokens of {highest} or more", count, event(number))
                )
            highest = max(highest, count)
    return tuple(faults[:1]) if highest >= 0 else None
