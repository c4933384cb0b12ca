"""Hypothesis strategies for requests that are legal and rare: what careless readers change.

Whether a provider accepts them is nobody's promise, so either answer is expected; what comes must
be well formed, and nothing of it may disturb other requests.
"""

import json
from typing import Any

from hypothesis import strategies as st

from harness.contract.case import Case, Expect
from harness.contract.requests.fixed import body
from harness.contract.requests.text import nonce
from harness.routes.compat import PREFIX

DEEP = 60
"""Levels of nesting in a schema; parsers are known to stop at 64, 100 or 128."""
_LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
_HALVES = st.integers(0xD800, 0xDFFF).map(chr)
_VALUES = st.text("".join(map(chr, (*range(0x21, 0x7F), *range(0xA0, 0x100)))), min_size=1)


def odd_cases(*, route: str, model: str) -> st.SearchStrategy[Case]:
    """A chat request of a route that differs from an everyday one in one rare way."""
    marks = st.integers(0, 10**6).map(lambda number: nonce(7, number))
    plain = marks.map(lambda mark: body(model, f"Say hello to {mark}.", max_tokens=16))
    spelt = plain if route == "native" else plain.map(_prefixed)

    def case(topic: str, asked: dict[str, Any] | bytes, headers: tuple[str, ...] = ()) -> Case:
        fields = tuple(("x-harness-note", value) for value in headers)
        return Case(route, asked, f"drawn: {topic}", Expect.EITHER, fields)

    def beside(topic: str, fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Case]:
        return st.builds(lambda asked, more: case(topic, {**asked, **more}), plain, fields)

    return st.one_of(
        beside("a lone surrogate", _HALVES.map(lambda half: _said(f"Say hello.{half}"))),
        beside("a deep schema", st.builds(_deep, _LETTERS, st.integers(1, DEEP))),
        beside("a large seed", st.sampled_from(_SEEDS).map(lambda value: {"seed": value})),
        beside("many messages", st.lists(st.text(max_size=3), min_size=2, max_size=60).map(_turns)),
        st.builds(lambda asked, value: case("header bytes", asked, (value,)), plain, _VALUES),
        st.builds(lambda asked, value: case("a key twice", _twice(asked, value)), spelt, _TEMPERED),
        st.builds(lambda asked, space: case("white space", _spaced(asked, space)), spelt, _SPACES),
    )


_SEEDS = (2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63)
"""What JavaScript and 64 bits can hold, and one beyond."""
_TEMPERED = st.sampled_from((0, 1, 2))
_SPACES = st.text(" \t\r\n", min_size=1, max_size=20)


def _prefixed(asked: dict[str, Any]) -> dict[str, Any]:
    """What compat sends: a body given as bytes keeps its model."""
    return {**asked, "model": PREFIX + asked["model"]}


def _said(text: str) -> dict[str, Any]:
    """One half of a surrogate pair is JSON when escaped, but no text (RFC 8259, section 8.2)."""
    return {"messages": [{"role": "user", "content": text}]}


def _turns(texts: list[str]) -> dict[str, Any]:
    """Very many and very short messages, empty ones among them."""
    turns = [{"role": ("user", "assistant")[n % 2], "content": t} for n, t in enumerate(texts)]
    return {"messages": [*turns, {"role": "user", "content": "Go on."}]}


def _deep(name: str, depth: int) -> dict[str, Any]:
    """A tool whose parameters nest deeply."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {name: schema}}
    function = {"name": name, "description": f"Does {name}.", "parameters": schema}
    return {"tools": [{"type": "function", "function": function}], "max_tokens": 200}


def _twice(asked: dict[str, Any], value: float) -> bytes:
    """A key twice: readers take the first, the last, or refuse (RFC 8259, section 4)."""
    again = f', "temperature": {value}, "temperature": 0}}'
    return json.dumps(asked)[:-1].encode() + again.encode()


def _spaced(asked: dict[str, Any], space: str) -> bytes:
    """White space between all tokens."""
    text = json.dumps(asked, separators=(f"{space},{space}", f"{space}:{space}"))
    return f"{space}{text}{space}".encode()
