"""That what the caller asked for is what was done: max_tokens, stop, n, logprobs, model.

None of them assumes that a model echoes or is deterministic.
"""

import re
from collections.abc import Sequence
from typing import Any

from harness.contract.clause import EvidenceGrade, Finding, Level
from harness.contract.fault import event, fault, is_int, is_text, numbers, told
from harness.contract.observation import Observation
from harness.contract.topics.sources import CHAT, COMPLETION, REQUEST
from harness.contract.topics.topic import Topic

_SPECIAL = re.compile(r"<\|(?:im_end|im_start|endoftext|eot_id|end|channel|message)\|>|</?think>")

topic = Topic("limits", routes=CHAT, evidence=EvidenceGrade.SPECIFIED, source=COMPLETION)


def limit_of(seen: Observation) -> int | None:
    """The output limit that a sound request set, or None."""
    asked = seen.case.asked
    limits = [asked.get(name) for name in ("max_completion_tokens", "max_tokens")]
    return next((n for n in limits if is_int(n) and n > 0), None)


@topic.exchange("max-tokens", Level.MUST, why="Cost and latency have no bound.", source=REQUEST)
def output_stays_within_the_limit(seen: Observation) -> Finding:
    """An answer never exceeds max_tokens.

    The bound on words is generous (four per token and more), so no tokenizer meets it by chance.
    """
    limit = limit_of(seen)
    if not seen.good or limit is None or not seen.choices:
        return None
    number = seen.case.asked.get("n")
    allowed = limit * (number if is_int(number) and number > 0 else 1)
    count = seen.completion_tokens
    if count is not None and count > allowed:
        return (fault(f"at most {allowed} completion tokens", count, "usage.completion_tokens"),)
    longest = max(seen.choices, key=lambda c: len(c.text)).text
    words = len(longest.split())
    if words > 4 * limit + 4 or len(longest.encode("utf-8", "replace")) > 64 * limit + 64:
        return (told(f"about {limit} tokens", f"{words} words, {len(longest)} characters", "text"),)
    return ()


@topic.exchange(
    "stop-absent",
    Level.MUST,
    why="Parsers that rely on the stop string read on into the next section.",
    source=REQUEST,
)
def stop_strings_do_not_appear(seen: Observation) -> Finding:
    """The content contains no stop string."""
    stops = stop_strings(seen.case.asked.get("stop"))
    if not seen.good or not stops or not seen.choices:
        return None
    if seen.case.asked.get("include_stop_str_in_output"):
        return None
    return tuple(
        fault(f"no {stop!r} in the content", choice.text[-120:], f"choice {choice.index}")
        for choice in seen.choices
        for stop in stops
        if stop in choice.text
    )[:2]


def stop_strings(value: Any) -> tuple[str, ...]:
    """The stop strings of a request, whichever of the two forms it used."""
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(stop for stop in listed if is_text(stop))


@topic.exchange(
    "length-at-limit",
    Level.MUST,
    why="Clients ask for a continuation of an answer that was complete.",
)
def length_means_the_limit(seen: Observation) -> Finding:
    """`length` is said only when the limit was reached."""
    limit, count = limit_of(seen), seen.completion_tokens
    cut = [choice for choice in seen.choices if choice.finish == "length"]
    if not seen.good or limit is None or count is None or len(seen.choices) != 1 or not cut:
        return None
    if count >= limit - 2:
        return ()
    return (told(f"`length` at {limit} completion tokens", f"at {count}", "finish_reason"),)


@topic.run("limit-is-length", Level.MUST, why="A cut answer is taken for a complete one.")
def the_limit_means_length(seen: Sequence[Observation]) -> Finding:
    """Answers cut by max_tokens say `length`.

    One answer may end by itself on its last allowed token; not all of three that were asked to go
    on for hundreds.
    """
    full = [s for s in seen if s.case.topic == "cut" and s.good and _reached(s)]
    if len(full) < 3:
        return None
    said = [c.finish for s in full for c in s.choices]
    if any(finish != "stop" for finish in said):
        return ()
    limits = [limit_of(s) for s in full]
    wanted, came = f"`length` for answers of {limits} tokens", f"`stop` {len(said)} times"
    return (told(wanted, came, "all", requests=numbers(full)),)


def _reached(seen: Observation) -> bool:
    limit = limit_of(seen)
    return limit is not None and seen.completion_tokens == limit and bool(seen.choices)


@topic.exchange(
    "n-choices",
    Level.MUST,
    why="Code that reads choices[1] fails, or votes among one.",
    source=REQUEST,
)
def n_choices_come(seen: Observation) -> Finding:
    """A request for n choices is refused or has n choices."""
    number = seen.case.asked.get("n")
    if not seen.good or not is_int(number) or number < 1 or not seen.choices:
        return None
    if len(seen.choices) == number:
        return ()
    return (told(f"{number} choices, or a rejection", f"{len(seen.choices)}", "choices"),)


@topic.exchange(
    "logprobs-given", Level.MUST, why="Scoring code reads None after a 200.", source=REQUEST
)
def logprobs_come_when_asked(seen: Observation) -> Finding:
    """Logprobs come when they were asked for."""
    if not seen.good or seen.case.asked.get("logprobs") is not True or not seen.choices:
        return None
    return tuple(
        told("logprobs.content", "none", f"choice {choice.index}")
        for choice in seen.choices
        if choice.content and not choice.logprobs
    )


@topic.exchange("logprobs-shape", Level.MUST, why="Scores are read from the wrong place.")
def logprobs_have_their_shape(seen: Observation) -> Finding:
    """A logprob entry has token, logprob of at most 0, and no more alternatives than asked."""
    entries = [(n, e) for c in seen.choices for n, e in c.logprobs]
    if not seen.good or not entries:
        return None
    top = seen.case.asked.get("top_logprobs", 0)
    return tuple(
        fault("{token, logprob, bytes, top_logprobs}", entry, event(number))
        for number, entry in entries
        if not _logprob(entry, top if is_int(top) else 0)
    )[:2]


def _logprob(entry: Any, top: int) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        return False
    value = entry.get("logprob")
    if not isinstance(value, int | float) or isinstance(value, bool) or value > 1e-6:
        return False
    listed = entry.get("top_logprobs")
    return listed is None or (isinstance(listed, list) and len(listed) <= max(top, 1))


@topic.exchange(
    "logprobs-top",
    Level.MUST,
    why="Classifiers that compare alternatives read an empty list.",
    source=REQUEST,
)
def alternatives_come_when_asked(seen: Observation) -> Finding:
    """Alternatives come when top_logprobs asked for them.

    Some entry has as many as were asked for, up to five; a single one may have fewer.
    """
    top = seen.case.asked.get("top_logprobs")
    entries = [(n, e) for c in seen.choices for n, e in c.logprobs if isinstance(e, dict)]
    if not seen.good or not is_int(top) or top < 1 or not entries:
        return None
    lists = [
        (n, e["top_logprobs"] if isinstance(e.get("top_logprobs"), list) else [])
        for n, e in entries
    ]
    empty = [(number, listed) for number, listed in lists if not listed]
    number, longest = max(lists, key=lambda pair: len(pair[1]))
    if not empty and len(longest) < min(top, 5):
        empty = [(number, longest)]
    return tuple(fault(f"{top} alternatives", listed, event(n)) for n, listed in empty)[:2]


@topic.exchange(
    "logprobs-spell",
    Level.MUST,
    why="Text was lost, changed or repeated on the way; no schema shows it.",
)
def logprobs_spell_the_content(seen: Observation) -> Finding:
    """The content is found in the joined tokens of its logprobs.

    Special tokens around it and a text cut at a stop string are allowed.
    """
    judged = [c for c in seen.choices if c.logprobs and c.content]
    if not seen.good or not judged:
        return None
    faults = []
    for choice in judged:
        spelled = b"".join(_token_bytes(entry) for _, entry in choice.logprobs)
        text = choice.text.encode("utf-8", "replace")
        if text not in spelled and "\ufffd" not in choice.text:
            faults.append(fault(f"the tokens {spelled[:120]!r}", text, f"choice {choice.index}"))
    return tuple(faults)


@topic.exchange(
    "logprobs-bytes", Level.SHOULD, why="Texts put together from tokens and from bytes differ."
)
def logprob_bytes_are_their_token(seen: Observation) -> Finding:
    """The bytes of a logprob entry are those of its token."""
    entries = [(n, e) for c in seen.choices for n, e in c.logprobs if isinstance(e, dict)]
    given = [(n, e) for n, e in entries if e.get("bytes") and is_text(e.get("token"))]
    if not seen.good or not given:
        return None
    return tuple(
        fault(f"the bytes of {entry['token']!r}", entry["bytes"], event(number))
        for number, entry in given
        if _spelled(_token_bytes(entry)) not in (None, entry["token"])
    )[:2]


def _spelled(data: bytes) -> str | None:
    """The text of these bytes; None where they are not whole characters."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _token_bytes(entry: Any) -> bytes:
    raw = entry.get("bytes") if isinstance(entry, dict) else None
    if isinstance(raw, list) and all(is_int(b) and 0 <= b < 256 for b in raw):
        return bytes(raw)
    token = entry.get("token") if isinstance(entry, dict) else ""
    return token.encode("utf-8", "replace") if isinstance(token, str) else b""


@topic.exchange(
    "logprobs-count",
    Level.SHOULD,
    why="A chunk was lost or repeated with its logprobs.",
    evidence=EvidenceGrade.PRACTICE,
)
def logprobs_cover_the_usage(seen: Observation) -> Finding:
    """There are as many logprobs as completion tokens."""
    if not seen.good or len(seen.choices) != 1 or seen.case.asked.get("logprobs") is not True:
        return None
    choice, count = seen.choices[0], seen.completion_tokens
    if not choice.logprobs or count is None or choice.reasoning or choice.calls:
        return None
    if abs(len(choice.logprobs) - count) <= 2:
        return ()
    return (told(f"{count} logprobs", f"{len(choice.logprobs)}", "logprobs.content"),)


@topic.exchange(
    "no-template-token",
    Level.SHOULD,
    why="Users see `<|im_end|>`; a history with it confuses the next turn.",
    evidence=EvidenceGrade.OBSERVED,
    source="ModelTC/LightLLM#130",
)
def content_has_no_special_token(seen: Observation) -> Finding:
    """The content holds no control token of the model's template."""
    if not seen.good or not any(c.content for c in seen.choices):
        return None
    found = [(c, _SPECIAL.search(c.text)) for c in seen.choices]
    return tuple(
        fault("no template token in the content", match.group(), f"choice {choice.index}")
        for choice, match in found
        if match and match.group() not in str(seen.case.asked)
    )
