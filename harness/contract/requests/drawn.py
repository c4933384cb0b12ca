"""Hypothesis strategies for chat and model requests: valid combinations, and single bounds.

What needs no argument is made once: Hypothesis validates every new strategy before its first draw.
"""

from typing import Any

from hypothesis import strategies as st

from harness.contract.case import Case, Expect
from harness.contract.requests.bounds import BOUNDS
from harness.contract.requests.fixed import CLOCK, SCHEMA, USAGE, WEATHER, bound_case
from harness.contract.requests.text import SCRIPTS, SUBJECTS


def _prompts() -> st.SearchStrategy[str]:
    subject = st.sampled_from(SUBJECTS)
    plain = subject.map(lambda s: f"Tell me something about {s}.")
    script = st.sampled_from(SCRIPTS).map(lambda s: f"Say something about this text: {s}")
    free = st.text(max_size=40).map(lambda s: f"Say something about this text: {s}")
    sized = st.sampled_from((1, 400, 5000)).map(lambda n: "word " * n + "- continue.")
    return st.one_of(plain, script, free, sized)


_PROMPTS = _prompts()
"""Short prompts in many scripts, and a few long ones."""
_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from((0, 0.5, 1, 2)),
        "top_p": st.sampled_from((0.1, 1)),
        "max_tokens": st.sampled_from((1, 2, 16, 33, 64)),
        "stop": st.sampled_from(("e", " the", ["a", "o"], ["\n", ".", "?", "!"])),
        "seed": st.integers(0, 2**31),
        "frequency_penalty": st.sampled_from((-2, 0, 2)),
        "user": st.sampled_from(("somebody", "ünï")),
    },
)
_SHAPES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    (
        {},
        {"tools": [WEATHER], "tool_choice": "required", "max_tokens": 200},
        {"tools": [WEATHER, CLOCK], "tool_choice": "auto", "max_tokens": 200},
        {"response_format": SCHEMA, "max_tokens": 256},
        {"response_format": {"type": "json_object"}, "max_tokens": 256},
        {"logprobs": True, "top_logprobs": 3},
    )
)
_TURNS: st.SearchStrategy[list[dict[str, str]]] = st.sampled_from(
    (
        [],
        [{"role": "system", "content": "Be brief."}],
        [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}],
    )
)
_LIMITS = st.sampled_from((1, 8, 32))


@st.composite
def chat_cases(draw: st.DrawFn, *, route: str, model: str) -> Case:
    """A valid chat request of a route, plain or streamed, with up to all optional fields."""
    text = draw(_PROMPTS)
    turns = draw(_TURNS)
    shape = draw(_SHAPES)
    options = draw(_OPTIONS)
    if draw(st.booleans()):
        options |= {"stream": True, "stream_options": USAGE}
    options = {"max_tokens": 32, **options, **shape}
    if "response_format" in shape or "tools" in shape:
        options.pop("stop", None)  # a stop string inside JSON cuts it, and the answer is no JSON
    messages = [*turns, {"role": "user", "content": text}]
    expect = Expect.EITHER if "logprobs" in shape else Expect.ACCEPT
    return Case(route, {"model": model, "messages": messages, **options}, "drawn", expect)


def bound_cases(*, route: str, model: str) -> st.SearchStrategy[Case]:
    """One field at a bound."""
    marks = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=8)
    return st.builds(
        lambda bound, mark: bound_case(route, model, bound, mark), st.sampled_from(BOUNDS), marks
    )


_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.sampled_from((0.5, 1e300, "", "é"))
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def model_cases(draw: st.DrawFn) -> Case:
    """A model request: a prompt and a limit, beside any JSON."""
    document = {
        "prompt": draw(_PROMPTS),
        "max_tokens": draw(_LIMITS),
        "extra": draw(_JSON),
    }
    if draw(st.booleans()):
        document["stream"] = True
    return Case("model", document, "drawn")
