"""Which texts are secret, and how they are kept out of everything that is written.

Redaction is by value, never by the name of a field: a rule that hides what is called "token" also
hides `max_tokens` and breaks the reproduction it was meant to protect.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from harness.settings.fragments import Fragments
from harness.settings.variables import VARIABLES

_SHORT = 8
_LONG = 12
_WORD = re.compile(r"[a-z-]{1,15}")
_SECRET_WORDS = re.compile(
    r"authorization|cookie|password|passwd|secret|token|credential|jwt|(?<!cache-)key$",
    re.IGNORECASE,
)
_BY_NUMBER = (
    *("{:02x}", "{:02X}", "%{:02x}", "%{:02X}", "\\x{:02x}", "\\u{:04x}"),
    *("&#{};", "&#x{:x};", "&#x{:X};"),
)
"""How a character is written by its number: hex, in URLs, in Python, in JSON and in HTML."""
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def is_secret_name(name: str) -> bool:
    """Whether a header field or an environment variable of that name usually holds a secret."""
    return _SECRET_WORDS.search(name.replace("_", "-")) is not None


class Secrets:
    """The secret values of a run, each with the name to write in its place.

    `redact` puts `$NAME` for a value in every form in which it may leave a program: as it is, JSON-
    or HTML-escaped, quoted for Python or a shell, percent-encoded, in Base64 or Base32 at any
    alignment; and as nobody writes it by chance: in hex, with every character escaped, in another
    case, backwards.
    A value that is short or reads like a word is replaced only where it stands alone, or half of a
    report would be dollar signs. Of a long value the name also stands for every piece of six
    characters or more, because a text may have been cut before, or a target sends only a part.
    """

    __slots__ = ("__dict__", "_named")

    def __init__(self, named: Iterable[tuple[str, str]] = ()) -> None:
        self._named = tuple((name, value) for name, value in named if value.strip())

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Secrets":
        """Every long value whose variable has a secret's name: a wide net, for tracebacks."""
        return cls((k, v) for k, v in environment.items() if is_secret_name(k) and len(v) >= _SHORT)

    @classmethod
    def of_process(cls, environment: Mapping[str, str], arguments: Sequence[str]) -> "Secrets":
        """The settings that are secrets, the passwords of proxies, and `--header NAME:VALUE`."""
        named = ((v.name, environment.get(v.name, "")) for v in VARIABLES if v.secret)
        fields = (text.removeprefix("--header=").partition(":") for text in arguments)
        found = [(name.strip(), value.strip()) for name, colon, value in fields if colon]
        return cls((*named, *proxy_passwords(environment))) | of_headers(found)

    def __or__(self, other: "Secrets") -> "Secrets":
        return Secrets((*self._named, *other._named))

    def __bool__(self) -> bool:
        return bool(self._named)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted({name for name, _ in self._named}))})"

    def redact(self, text: str) -> str:
        """The text with `$NAME` in place of every secret."""
        pattern, names = self._table
        if pattern is None:
            return text
        pieces, done = [], 0
        for match in pattern.finditer(text):
            pieces += [self._fragments.redact(text[done : match.start()]), names[match[0]]]
            done = match.end()
        return "".join((*pieces, self._fragments.redact(text[done:])))

    def redact_document(self, document: Any) -> Any:
        """The decoded JSON value with every string in it redacted, keys too."""
        if isinstance(document, str):
            return self.redact(document)
        if isinstance(document, Mapping):
            return {self.redact(str(k)): self.redact_document(v) for k, v in document.items()}
        if isinstance(document, list | tuple):
            return [self.redact_document(item) for item in document]
        return document

    @cached_property
    def _table(self) -> tuple[re.Pattern[str] | None, Mapping[str, str]]:
        names: dict[str, str] = {}
        for name, value in self._named:
            for form in _forms(value):
                names.setdefault(form, f"${name}")
        longest_first = sorted(names, key=len, reverse=True)
        if not longest_first:
            return None, names
        return re.compile("|".join(_alternative(form) for form in longest_first)), names

    @cached_property
    def _fragments(self) -> Fragments:
        """The pieces of every long form."""
        forms = self._table[1].items()
        long = ((f, name, 1) for f, name in forms if len(f) >= _LONG and not _WORD.fullmatch(f))
        made = ((f, f"${name}", n) for name, value in self._named for f, n in _derived(value))
        return Fragments((*made, *long))


def of_headers(headers: Iterable[tuple[str, str]]) -> Secrets:
    """The values of header fields that usually hold secrets, with and without their scheme."""
    found = [(_variable(name), value) for name, value in headers if is_secret_name(name)]
    return Secrets((*found, *((name, value.rpartition(" ")[2]) for name, value in found)))


def _variable(header: str) -> str:
    return header.upper().replace("-", "_")


def _alternative(form: str) -> str:
    alone = len(form) < _SHORT or _WORD.fullmatch(form)
    return rf"(?<![\w-]){re.escape(form)}(?![\w-])" if alone else re.escape(form)


def _forms(value: str) -> Iterator[str]:
    for plain in dict.fromkeys((value, value.strip())):
        escaped = json.dumps(plain)[1:-1]
        yield from (plain, escaped, escaped.replace("/", "\\/"))
        yield json.dumps(plain, ensure_ascii=False)[1:-1]
        yield from (repr(escaped)[1:-1], json.dumps(escaped)[1:-1])  # JSON shown or kept as text
        yield from (html.escape(plain), html.escape(plain, quote=False), repr(plain)[1:-1])
        yield plain.replace("'", "'\"'\"'")
        for encoded in (quote(plain), quote(plain, safe=""), quote_plus(plain)):
            yield from (encoded, re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), encoded))
        data = plain.encode("utf-8", "surrogateescape")
        yield base64.b64encode(data).decode()
        for core in _cores(data, base64.b64encode, bits=6, alignments=3):
            yield from (core, core.translate(str.maketrans("+/", "-_")))


def _derived(value: str) -> Iterator[tuple[str, int]]:
    """What somebody makes of a long value, and how many characters then stand for one of it."""
    plain = value.strip()
    if len(plain) < _LONG or _WORD.fullmatch(plain):
        return
    cased = (plain.lower(), plain.upper(), plain.swapcase(), plain.capitalize(), plain.title())
    data = plain.encode("utf-8", "surrogateescape")
    for form in (*cased, plain[::-1]):
        yield form, 1
    for core in _cores(data, base64.b32encode, bits=5, alignments=5):
        yield from ((core, 1), (core.lower(), 1))
    for style in _BY_NUMBER:
        yield "".join(map(style.format, data)), len(style.format(data[0]))


def _cores(
    data: bytes, encode: Callable[[bytes], bytes], *, bits: int, alignments: int
) -> Iterator[str]:
    """The characters of Base64 or Base32 that depend on `data` alone, for all its alignments."""
    for offset in range(alignments):
        text = encode(b"\0" * offset + data).decode()
        core = text[-(-offset * 8 // bits) : (offset + len(data)) * 8 // bits]
        if len(core) >= _SHORT:
            yield core


def proxy_passwords(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The passwords in the URLs of proxies, as written and decoded, each with a name for it."""
    for name, value in environment.items():
        if name.upper() in _PROXIES and "@" in value:
            user = value.rpartition("@")[0].rpartition("//")[2]
            password = user.partition(":")[2]
            yield from ((f"{name}_PASSWORD", form) for form in (password, unquote(password)))
