"""Hypothesis strategies for requests that are legal and rare: what careless readers change.

Whether a provider accepts them is nobody's promise, so either answer is expected; what comes must
be well formed, and nothing of it may disturb other requests.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from harness.contract.case import Case, Expect
from harness.contract.strategies.fixed import body
from harness.contract.strategies.text import nonce
from harness.routes.compat import PREFIX

DEEP = 60
"""Levels of nesting in a schema; parsers are known to stop at 64, 100 or 128."""
_LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


def odd_cases(*, route: str, model: str) -> st.SearchStrategy[Case]:
    """A chat request of a route that differs from an everyday one in one rare way."""
    marks = st.integers(0, 10**6).map(lambda number: nonce(7, number))

    def plain(mark: str) -> dict[str, Any]:
        return body(model, f"Say hello to {mark}.", max_tokens=16)

    def case(made: tuple[str, bytes]) -> Case:
        return Case(route, made[1], f"drawn: {made[0]}", Expect.EITHER)

    documents = marks.map(plain)
    if route == "compat":
        documents = marks.map(lambda mark: {**plain(mark), "model": PREFIX + model})
    spelt = st.one_of(*(change(documents) for change in _CHANGES)).map(case)
    return st.one_of(spelt, _with_header(route, documents))


def _surrogate(
    documents: st.SearchStrategy[dict[str, Any]],
) -> st.SearchStrategy[tuple[str, bytes]]:
    """One half of a surrogate pair, escaped: JSON, but no text (RFC 8259, section 8.2)."""
    halves = st.integers(0xD800, 0xDFFF).map(chr)

    def spell(document: dict[str, Any], half: str) -> tuple[str, bytes]:
        said = [{"role": "user", "content": f"Say hello.{half}"}]
        return "a lone surrogate", json.dumps({**document, "messages": said}).encode("ascii")

    return st.builds(spell, documents, halves)


def _twice(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """A key that comes twice: readers take the first, the last, or refuse (RFC 8259, section 4)."""

    def spell(document: dict[str, Any], value: float) -> tuple[str, bytes]:
        again = f', "temperature": {value}, "temperature": 0}}'
        return "a key twice", json.dumps(document)[:-1].encode() + again.encode()

    return st.builds(spell, documents, st.sampled_from((0, 1, 2)))


def _spaced(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """White space of every kind between all tokens, and text in escapes or not."""

    def spell(document: dict[str, Any], space: str, ascii_only: bool) -> tuple[str, bytes]:
        separators = (f"{space},{space}", f"{space}:{space}")
        text = json.dumps(document, separators=separators, ensure_ascii=ascii_only)
        return "white space", f"{space}{text}{space}".encode()

    return st.builds(spell, documents, st.text(" \t\r\n", min_size=1, max_size=20), st.booleans())


def _deep(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """A tool whose parameters nest deeply, under drawn names."""

    def spell(document: dict[str, Any], name: str, depth: int) -> tuple[str, bytes]:
        schema: dict[str, Any] = {"type": "string"}
        for _ in range(depth):
            schema = {"type": "object", "properties": {name: schema}}
        function = {"name": name, "description": f"Does {name}.", "parameters": schema}
        tools = [{"type": "function", "function": function}]
        return "a deep schema", json.dumps({**document, "tools": tools}).encode()

    return st.builds(spell, documents, _LETTERS, st.integers(1, DEEP))


def _large(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """A seed at and beyond what JavaScript and 64 bits can hold."""
    edges = [2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63]

    def spell(document: dict[str, Any], value: int) -> tuple[str, bytes]:
        return "a large seed", json.dumps({**document, "seed": value}).encode()

    return st.builds(spell, documents, st.sampled_from(edges))


def _long(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Very many and very short messages, empty ones among them."""

    def spell(document: dict[str, Any], texts: list[str]) -> tuple[str, bytes]:
        turns = [{"role": ("user", "assistant")[n % 2], "content": t} for n, t in enumerate(texts)]
        messages = [*turns, {"role": "user", "content": "Go on."}]
        return "many messages", json.dumps({**document, "messages": messages}).encode()

    lists = st.lists(st.text(max_size=3), min_size=2, max_size=60)
    return st.builds(spell, documents, lists)


_Change = Callable[[st.SearchStrategy[dict[str, Any]]], st.SearchStrategy[tuple[str, bytes]]]
_CHANGES: tuple[_Change, ...] = (_surrogate, _twice, _spaced, _deep, _large, _long)


def _with_header(
    route: str, documents: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[Case]:
    """A header field of every byte that RFC 9110, section 5.5, allows in a value."""
    legal = "".join(map(chr, (*range(0x21, 0x7F), *range(0xA0, 0x100))))
    values = st.text(legal, min_size=1, max_size=40)

    def build(document: dict[str, Any], value: str) -> Case:
        case = Case(route, json.dumps(document).encode(), "drawn: header bytes", Expect.EITHER)
        return replace(case, headers=(("x-harness-note", value),))

    return st.builds(build, documents, values)
