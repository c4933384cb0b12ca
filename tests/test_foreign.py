"""What a target says is shown, and obeyed by nothing."""

import csv
import html.parser
import io
import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.foreign import Place, harmless, harmless_json

ANY = st.text() | st.text("\x1b]0;[\\\x07::set-output #\r\n\t=+-@<>|\u2028\u202e\x9b\ud800")


@given(ANY, st.sampled_from(Place), st.booleans())
def test_no_control_character_passes_anywhere(text: str, place: Place, lines: bool) -> None:
    shown = harmless(text, place, lines=lines)

    kinds = {unicodedata.category(each) for each in shown if each not in "\n\t"}
    assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert lines or "\n" not in shown


@given(ANY, st.integers(1, 50), st.sampled_from([Place.TERMINAL, Place.CSV]))
def test_a_long_text_is_cut(text: str, most: int, place: Place) -> None:
    shown = harmless(text, place, most=most)

    assert len(shown.replace("\\u003a", ":").replace("\\u0023", "#")) <= most + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
        ("a\x1b[2Jb", "a\\u001b[2Jb"),
        ("\x9b31mred", "\\u009b31mred"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("half \ud83d", "half \\ud83d"),
        ("one\r\ntwo\n three", "one two three"),
        ("a\u2028b", "a b"),
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_number(text: str, shown: str) -> None:
    assert harmless(text, Place.TERMINAL) == shown


@pytest.mark.parametrize(
    "command",
    [
        "::set-output name=x::y",
        "::error::boom",
        "::add-mask::secret",
        "::stop-commands::word",
        "##[error]boom",
        "##vso[task.setvariable variable=x]y",
    ],
)
def test_a_command_of_a_ci_system_is_shown_and_not_given(command: str) -> None:
    shown = harmless(f"line\n  {command}\nline", Place.TERMINAL, lines=True)

    assert command not in shown
    assert command[1:] in shown


@pytest.mark.parametrize("text", ["std::io", "a::b: c", "http://[::1]:80", "sha::256 of ::x"])
def test_two_colons_alone_are_no_command(text: str) -> None:
    assert harmless(text, Place.TERMINAL) == text


@given(ANY | st.sampled_from(["::error::x", "##[group]x", "\U000e0001"]))
@example("::set-output name=x::y")
def test_a_json_document_stays_the_same_document(text: str) -> None:
    for ascii_only in (True, False):
        written = harmless_json(json.dumps({text: [text]}, ensure_ascii=ascii_only))

        assert json.loads(written) == {text: [text]}
        assert "::error::" not in written
        kinds = {unicodedata.category(each) for each in written}
        assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# head", r"\# head"),
        ("![x](https://e.example/p.png)", r"\!\[x\](https:\//e.example/p.png)"),
        ("see https://e.example now", r"see https:\//e.example now"),
        ("www.e.example", r"www\.e.example"),
        ("<img src=x>", r"\<img src=x\>"),
        ("a | b", r"a \| b"),
        ("`code` *b* _i_ ~s~ @team &lt;", r"\`code\` \*b\* \_i\_ \~s\~ \@team \&lt;"),
    ],
)
def test_markdown_is_shown_as_it_was_written(text: str, shown: str) -> None:
    assert harmless(text, Place.MARKDOWN) == shown


class Tags(html.parser.HTMLParser):
    """Notes the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Note a tag."""
        del attrs
        self.found.append(tag)


@given(ANY)
@example("<script>alert(1)</script><img src=x onerror=y>")
def test_html_holds_the_text_and_no_tag(text: str) -> None:
    page = Tags()

    page.feed(harmless(text, Place.HTML))

    assert page.found == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1"])
def test_a_formula_is_a_text_in_a_table(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([harmless(text, Place.CSV)])

    assert out.getvalue().lstrip('"').startswith("'")
