"""Bodies from a template are those that the routes' own builders make."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load import prompts as prompts_module
from harness.load.prompts import Prompt, Prompts
from harness.load.template import Template
from harness.routes import compat, model, native
from harness.routes.address import Address
from harness.routes.route import ROUTES

NONCES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", max_size=30)
TEXT = st.text(st.characters(), max_size=20) | st.text(st.characters(categories=["Cs"]), max_size=3)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PARTS = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=2)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(("user", "system"))}, optional={"content": st.none() | TEXT | PARTS}
)
MORE = st.dictionaries(
    TEXT
    | st.sampled_from(("model", "stream", "max_tokens", "max_completion_tokens", "temperature")),
    JSON,
    max_size=3,
)
LINES: st.SearchStrategy[Prompt] = st.builds(
    lambda asked, more: {**more, **asked},
    st.fixed_dictionaries({"prompt": TEXT})
    | st.fixed_dictionaries({"messages": st.lists(MESSAGE, min_size=1, max_size=3)}),
    MORE,
)


def prompts(*lines: Prompt, stream: bool = True, name: str = "openai/gpt-oss-120b") -> Prompts:
    return Prompts(model=name, stream=stream, max_output_tokens=7, prompt_tokens=40, prompts=lines)


def built(route: str, body: dict[str, Any]) -> bytes:
    """What the route's own builder makes of a body."""
    if route == "native":
        return native.build(Address("http://h", "acc", "gw"), body).body
    if route == "compat":
        return compat.build(Address("http://h", "acc", "gw"), body).body
    return model.build(Address("http://h", "acc", "gw"), body, model_id="abcd1234").body


@settings(deadline=None)
@given(
    line=LINES,
    route=st.sampled_from(ROUTES),
    nonce=NONCES,
    stream=st.booleans(),
    name=st.sampled_from(("m", "baseten/m", "nonce-0-")),
)
def test_a_template_gives_the_bytes_of_the_builder(
    line: Prompt, route: str, nonce: str, stream: bool, name: str
) -> None:
    made = prompts(line, stream=stream, name=name)
    body = made.body(route, index=0, nonce=nonce)

    template = made.template(route, 0)

    assert template.body(nonce.encode()) == built(route, body)
    assert template.prompt_bytes == len(built(route, body)) - len(nonce)
    assert template.most_output == made.most_output(body)
    assert template.streams == (body.get("stream") is True)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "line",
    [
        {"prompt": "nonce-0- and nonce-1-"},
        {"prompt": "half \ud800 a pair", "user": "nonce-0-"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "in\u2028parts "}]}]},
        {"messages": [{"role": "user", "content": " \t"}, {"role": "user", "content": "nonce-0-"}]},
    ],
)
def test_what_looks_like_a_nonce_in_a_prompt_stays(route: str, line: Prompt) -> None:
    made = prompts(line)

    body = made.template(route, 0).body(b"run-load-0-3")

    assert body == built(route, made.body(route, index=0, nonce="run-load-0-3"))


def test_each_prompt_is_encoded_once() -> None:
    made = prompts({"prompt": "a"}, {"prompt": "b"})

    templates = [made.template("native", index) for index in range(4)]

    assert templates[0] is templates[2]
    assert templates[1] is templates[3]
    assert templates[0] is not templates[1]


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts_module, "MOST_KEPT_BYTES", 1000)
    made = prompts(*({"prompt": "x" * 300 + str(number)} for number in range(50)))

    kept = [made.template("model", index) is made.template("model", index) for index in range(50)]

    assert 1 <= sum(kept) <= 3


def test_a_template_does_not_show_its_prompt() -> None:
    assert "secret" not in repr(Template({"prompt": "secret"}, b"secret", b"secret", 1, True))
