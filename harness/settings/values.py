"""The values a setting may take: each `parse_*` reads one from text and says what was expected."""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.~-]+")
_NO_HOST = re.compile(r"[\s%<>\\^`{|}]")
_VISIBLE = re.compile(r"[!-~]+")
_PATH = re.compile(r"[!-~]*")
_DIGITS = re.compile(r"[0-9]{1,18}")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset(
    {
        *("connection", "content-length", "expect", "keep-alive", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
"""Fields that frame a message or belong to its connection (RFC 9110, section 7.6.1)."""
_YES = frozenset({"1", "true", "yes", "on", "y", "t"})
_NO = frozenset({"0", "false", "no", "off", "n", "f"})


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` in `seconds`."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds}"

    @property
    def per_second(self) -> float:
        """The rate that it allows in the long run."""
        return self.requests / self.seconds


def parse_rate_limit(value: Any) -> RateLimit:
    """`100/60`: a hundred requests in sixty seconds."""
    if isinstance(value, RateLimit):
        return value
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*s?\s*", value) if isinstance(value, str) else None
    if not found or not int(found[1]) or not int(found[2]):
        raise ValueError("expected requests/seconds such as 100/60")
    return RateLimit(int(found[1]), int(found[2]))


def parse_flag(value: Any) -> bool:
    """A word that says yes or no, or a boolean of the file."""
    word = str(value).strip().lower() if isinstance(value, str | bool | int) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("expected 1 or 0, true or false")


def parse_seconds(value: Any) -> int:
    """A whole number of seconds, 0 or more."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not whole and not (isinstance(value, str) and _DIGITS.fullmatch(value.strip())):
        raise ValueError("expected a whole number of seconds, 0 or more")
    return int(value)


def parse_text(value: Any) -> str:
    """Any text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    _refuse_quotes(value)
    return value


def parse_field_name(value: str) -> str:
    """The name of a header field that may be added to a request (RFC 9110, section 5.1)."""
    if not _FIELD_NAME.fullmatch(value):
        raise ValueError("expected the name of a header field: letters, digits and '-'")
    if value.lower() in _FRAMING:
        raise ValueError(f"{value} belongs to the connection and is set by the harness alone")
    return value


def parse_field_value(value: str) -> str:
    """The value of a header field; the message never shows it, which may be a secret."""
    if not value.isprintable() or not value.isascii():
        raise ValueError("expected visible ASCII on one line")
    return value.strip()


def parse_secret_field(value: str) -> str:
    """The value of a header field that is a secret."""
    text = parse_field_value(value)
    _refuse_quotes(text)
    return text


def parse_segment(value: Any) -> str:
    """One segment of a URL's path: an id."""
    if not isinstance(value, str) or not _SEGMENT.fullmatch(value.strip()):
        raise ValueError("expected an id of letters, digits, '-', '_' and '.'")
    return value.strip()


def parse_inputs(value: Any) -> tuple[Mapping[str, Any], ...]:
    """A JSON object, or the name of a file with one on each line."""
    if isinstance(value, Mapping):
        return (value,)
    text = value.strip() if isinstance(value, str) else ""
    if text.startswith(("{", "[", '"')):
        return (_input(text),)
    try:
        lines = Path(text).expanduser().read_text("utf-8-sig").split("\n") if text else []
    except (OSError, UnicodeDecodeError) as exc:
        raise ValueError(f"expected a JSON object, or a file of JSON lines: {exc}") from None
    found = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise ValueError("expected a JSON object, or a file with one on each line")
    return tuple(_input(line, f"{text}, line {number}: ") for number, line in found)


def _input(text: str, where: str = "") -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"{where}expected a JSON object: {exc}") from None
    if isinstance(value, dict):
        return value
    raise ValueError(f'{where}expected a JSON object, such as {{"text": "hello"}}')


def parse_secret(value: Any) -> str:
    """A secret that fits in a header field; the message never shows it."""
    text = value.strip() if isinstance(value, str) else ""
    _refuse_quotes(text)
    if not _VISIBLE.fullmatch(text):
        raise ValueError("expected visible ASCII characters without spaces or line breaks")
    return text


def _refuse_quotes(text: str) -> None:
    """Refuse quotes around a value: `docker --env-file` and some CI systems keep them."""
    marks = sorted({text[:1], text[-1:]} & {"'", '"'})
    if marks:
        raise ValueError(f"the value begins or ends with a quote ({marks[0]}); write it without")


def parse_origin(value: Any) -> str:
    """`scheme://host[:port]` of a URL that has nothing else in it; the message never shows it."""
    try:
        parts = urlsplit(value.strip())
        legal = parts.scheme in ("http", "https") and parts.port != 0
        legal = legal and bool((parts.hostname or "").encode("idna"))
    except (AttributeError, ValueError):  # no text; brackets, port or label out of bounds
        legal = False
    if not legal or _NO_HOST.search(parts.netloc):
        raise ValueError("expected a URL such as https://gateway.ai.cloudflare.com")
    if "@" in parts.netloc:
        raise ValueError("expected no user and password in the URL")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            "expected an origin such as https://gateway.ai.cloudflare.com without a path; the "
            "harness appends /v1/{account}/{gateway} from CLOUDFLARE_ACCOUNT_ID and "
            "CLOUDFLARE_GATEWAY_ID"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_base_url(value: Any) -> str:
    """`scheme://host[:port]/path` without query and user, and without a slash at its end."""
    if not isinstance(value, str) or urlsplit(value).query or urlsplit(value).fragment:
        raise ValueError("expected a URL such as https://inference.baseten.co/v1")
    parts = urlsplit(value.strip())
    origin = parse_origin(f"{parts.scheme}://{parts.netloc}")
    if not _PATH.fullmatch(parts.path):
        raise ValueError("expected a path of visible ASCII characters")
    return f"{origin}{parts.path.rstrip('/')}"


def is_loopback(origin: str) -> bool:
    """Whether the origin is on this machine: 127.0.0.0/8, ::1 or localhost."""
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
