"""Checks of token counts: shape, sums, and that they agree with what was said."""

from collections.abc import Iterator
from typing import Any

from harness.contract.checks.framing import failed_inside, stream_of
from harness.contract.clause import Fault, Finding
from harness.contract.evidence import event, fault, is_int
from harness.contract.observation import Observation
from harness.contract.output import detail, tokens, usages
from harness.contract.strategies.text import WORDS

TEMPLATE = 2000
"""Tokens that a provider may put around a prompt."""
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def _reports(seen: Observation) -> tuple[tuple[int, dict[str, Any]], ...]:
    if not seen.good or seen.reading is None or not seen.exchange.whole:
        return ()
    if seen.reading.streamed != seen.case.stream:
        return ()
    return usages(seen.reading)


def counts_are_integers(seen: Observation) -> Finding:
    """prompt_tokens, completion_tokens and total_tokens are integers of at least 0."""
    reports = _reports(seen)
    if not reports:
        return None
    return tuple(
        fault(f"{name}: integer of at least 0", usage.get(name, usage), event(number))
        for number, usage in reports
        for name in COUNTS
        if not is_int(usage.get(name)) or usage[name] < 0
    )[:3]


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


def details_fit_their_totals(seen: Observation) -> Finding:
    """Reasoning tokens are part of the completion, cached tokens part of the prompt."""
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


def reasoning_is_counted(seen: Observation) -> Finding:
    """An answer that shows reasoning does not report 0 reasoning tokens."""
    reading = seen.reading
    if not _reports(seen) or reading is None or not any(c.reasoning for c in seen.choices):
        return None
    count = detail(reading, "completion_tokens_details", "reasoning_tokens")
    if count is None:
        return None
    return () if count > 0 else (fault("reasoning_tokens above 0", count, "usage"),)


def plain_answers_report_usage(seen: Observation) -> Finding:
    """A plain answer says what it cost."""
    if not seen.good or seen.case.stream or not seen.choices:
        return None
    if _reports(seen):
        return ()
    return (fault("a usage object", seen.documents[0][1].get("usage", " nothing"), "$.usage"),)


def streams_report_usage_when_asked(seen: Observation) -> Finding:
    """With `include_usage` a usage report comes before `[DONE]`."""
    reading = stream_of(seen)
    options = seen.case.asked.get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True
    if reading is None or not asked or not seen.choices or failed_inside(reading):
        return None
    done = next((e.number for e in reading.events if e.done), len(reading.events))
    if any(number < done for number, _ in usages(reading)):
        return ()
    return (fault("usage before [DONE]", " none", f"{len(reading.events)} events"),)


def work_is_counted(seen: Observation) -> Finding:
    """A prompt costs at least one token, and so does an answer that says something."""
    if not _reports(seen) or seen.reading is None:
        return None
    prompt, completion = (tokens(seen.reading, name) for name in COUNTS[:2])
    faults = []
    if prompt is not None and prompt < 1:
        faults.append(fault("prompt_tokens of at least 1", prompt, "usage"))
    if completion is not None and completion < 1 and any(c.outputs for c in seen.choices):
        faults.append(fault("completion_tokens of at least 1", completion, "usage"))
    return tuple(faults)


def long_prompts_are_counted(seen: Observation) -> Finding:
    """A prompt of 3000 words costs at least half a token for each, and at most its bytes."""
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


def billed_answers_are_not_empty(seen: Observation) -> Finding:
    """An answer that finished by itself and was billed for text has text or a tool call."""
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
        yield fault("text or a tool call", f" {completion} tokens billed, nothing said", "answer")


def counts_never_fall(seen: Observation) -> Finding:
    """Usage reports in a stream are cumulative: a later one is never smaller."""
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
