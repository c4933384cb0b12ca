"""`harness.toml`: where it is, what may stand in it, and what is said about the rest.

Top-level keys are settings; `[headers]` and `[headers_env]` add header fields; each
`[targets.NAME]` table is a gateway with the same keys, and `[gate]` has the objectives of a launch,
which `gateway-harness gate` reads. A key may also be spelled as its environment variable. A secret
never stands in the file, because files are committed: `provider_key_env`, `gateway_token_env` and
`[headers_env]` name the environment variable that holds it, and a secret written out is refused.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UsageError, did_you_mean
from harness.settings.redaction import is_secret_name
from harness.settings.values import parse_field_name, parse_field_value
from harness.settings.variables import VARIABLES

NAME = "harness.toml"
TABLES = ("targets", "gate")
RESERVED = ("mock", "local", "live")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_SECRETS = {variable.key for variable in VARIABLES if variable.secret}
_SPELLINGS = {name.lower(): v.key for v in VARIABLES for name in (v.key, v.name)}
_KEYS = sorted(
    {v.key for v in VARIABLES if not v.secret}
    | {f"{key}_env" for key in _SECRETS}
    | {"headers", "headers_env"}
)


@dataclass(frozen=True, slots=True)
class SettingsTable:
    """The settings of the top level or of one target: values by key, and where they stand."""

    values: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    headers_env: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A checked `harness.toml`; `path` is None when there is none."""

    path: Path | None = None
    top: SettingsTable = field(default_factory=SettingsTable)
    targets: Mapping[str, SettingsTable] = field(default_factory=dict)
    gate: Mapping[str, Any] | None = None


def find_file(folder: Path) -> Path | None:
    """The nearest `harness.toml` in `folder` or its parents, never above the repository's root.

    Outside a repository only `folder` itself is searched.
    """
    candidates = []
    for candidate in (folder, *folder.parents):
        candidates.append(candidate / NAME)
        if (candidate / ".git").exists():
            return next((path for path in candidates if path.is_file()), None)
    return candidates[0] if candidates[0].is_file() else None


def read_file(path: Path) -> File:
    """The checked content of the file; UsageError names the file, the line and what to do."""
    text, document = read_toml(path)
    return _File(path, text).parse(document)


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """A TOML file as text and as what it says; UsageError when it cannot be read."""
    text = _read_text(path)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"{path} is not valid TOML: {exc}") from exc


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path} is not valid TOML: byte {exc.start} is not UTF-8") from exc


class _File:
    """One file while it is checked; every complaint names its line."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.split("\n")  # a string may hold U+2028, which ends no line of TOML

    def parse(self, document: Mapping[str, Any]) -> File:
        targets = document.get("targets", {})
        if not isinstance(targets, Mapping):
            raise self._error((), "targets", "expected tables [targets.NAME]")
        gate = document.get("gate")
        if gate is not None and not isinstance(gate, Mapping):
            raise self._error((), "gate", "expected a table [gate]")
        top = {key: value for key, value in document.items() if key not in TABLES}
        return File(
            self._path,
            self._table(top, ()),
            {name: self._target(name, table) for name, table in targets.items()},
            gate,
        )

    def _target(self, name: str, table: Any) -> SettingsTable:
        if not isinstance(table, Mapping):
            raise self._error(("targets",), name, f"expected a table [targets.{name}]")
        if name in RESERVED:
            raise self._error(("targets", name), name, f"{name} is built in; choose another name")
        return self._table(table, ("targets", name))

    def _table(self, table: Mapping[str, Any], where: tuple[str, ...]) -> SettingsTable:
        values: dict[str, Any] = {}
        for written, value in table.items():
            key = self._key(written, where)
            if key in values:
                raise self._error(where, written, f"{key} is set twice")
            if key.endswith("_env"):
                self._variable(value, where, written)
            values[key] = value
        headers = self._fields(values.pop("headers", {}), (*where, "headers"))
        for header, value in headers.items():
            if is_secret_name(header):
                raise self._secret((*where, "headers"), header, f'headers_env = {{"{header}" = ')
            self._checked(parse_field_value, value, (*where, "headers"), header)
        headers_env = self._fields(values.pop("headers_env", {}), (*where, "headers_env"))
        for header, variable in headers_env.items():
            self._variable(variable, (*where, "headers_env"), header)
        place = f"{self._path}" + (f" [{'.'.join(where)}]" if where else "")
        return SettingsTable(values, headers, headers_env, place)

    def _variable(self, value: Any, where: tuple[str, ...], key: str) -> None:
        """Refuse what is no name of a variable, without showing it: it may be a pasted key."""
        if isinstance(value, str) and not _VARIABLE.fullmatch(value):
            raise self._error(
                where,
                key,
                f"{key!r} takes the name of an environment variable in capitals, such as "
                "STAGING_BASETEN_KEY, not the secret itself",
            )

    def _key(self, written: str, where: tuple[str, ...]) -> str:
        key = _SPELLINGS.get(written.lower(), written)
        if key in _SECRETS:
            raise self._secret(where, written, f"{key}_env = ")
        if key in _KEYS:
            return key
        if is_secret_name(written) and not written.endswith("_env"):
            raise self._secret(where, written, "provider_key_env = ")
        known = _KEYS if where else [*_KEYS, *TABLES]
        hint = did_you_mean(written, known, otherwise=f"known keys: {', '.join(known)}")
        raise self._error(where, written, f"unknown key {written!r}; {hint}")

    def _fields(self, table: Any, where: tuple[str, ...]) -> Mapping[str, str]:
        if not isinstance(table, Mapping):
            raise self._error(where[:-1], where[-1], "expected a table of header fields")
        for name, value in table.items():
            if not isinstance(value, str):
                raise self._error(where, name, "expected a string")
            self._checked(parse_field_name, name, where, name)
        return table

    def _checked(
        self, parse: Callable[[str], str], text: str, where: tuple[str, ...], name: str
    ) -> None:
        """Refuse what no request can carry, as `--header` does."""
        try:
            parse(text)
        except ValueError as exc:
            raise self._error(where, name, f"the header {name!r}: {exc}") from None

    def _secret(self, where: tuple[str, ...], key: str, instead: str) -> UsageError:
        closing = "}" if "{" in instead else ""
        advice = f'export it in the shell and write {instead}"NAME_OF_THE_VARIABLE"{closing}'
        return self._error(
            where, key, f"{key!r} is a secret and does not belong in a file; {advice}"
        )

    def _error(self, where: tuple[str, ...], key: str, message: str) -> UsageError:
        line = self._line(where, key)
        return UsageError(f"{self._path}{f', line {line}' if line else ''}: {message}")

    def _line(self, where: tuple[str, ...], key: str) -> int | None:
        """The line of `key` in the table `where`: a search, as tomllib keeps no positions."""
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[([^\[\]]+)\]", line)
            if header:
                table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
                if table[: len(where) + 1] == (*where, key):
                    return number
            dotted = re.match(r"\s*([\w\"'.\- ]+?)\s*=", line)
            if dotted:
                parts = tuple(part.strip().strip("\"'") for part in dotted[1].split("."))
                if (*table, *parts)[: len(where) + 1] == (*where, key):
                    return number
        return None
