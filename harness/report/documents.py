"""Records as JSON documents, documents as files, and documents read back as records."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from harness.errors import UsageError
from harness.foreign import harmless_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")
NAMES: Mapping[Any, str] = {float: "a number", int: "a whole number", str: "a text", bool: "a flag"}
SHOWN = 200


def document(value: Any) -> Any:
    """A value as JSON has it: a record says itself what it is, or is an object of its fields."""
    told = getattr(value, "document", None)
    if told is not None:
        return told()
    if is_dataclass(value) and not isinstance(value, type):
        return fields_of(value)
    if isinstance(value, Mapping):
        return {name: document(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [document(each) for each in value]
    return value


def fields_of(record: Any) -> dict[str, Any]:
    """The fields of a record, each as JSON has it."""
    return {each.name: document(getattr(record, each.name)) for each in fields(record)}


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document; a number that JSON cannot hold (NaN, infinity) becomes null."""
    text = json.dumps(_plain(document), indent=2, ensure_ascii=False, default=str, allow_nan=False)
    write_text(path, harmless_json(text) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8; a lone surrogate, which UTF-8 cannot hold, is escaped."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(path)
    except OSError as error:  # of a write, which does not know its file
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def read(kind: type[Record], found: Any, where: str) -> Record:
    """The record that a document holds; UsageError with the place of a field that it does not.

    A field with a default may be missing. One that the record does not know is passed over: within
    a schema version fields may be added.
    """
    _expect(isinstance(found, Mapping), "an object", found, where)
    given: dict[str, Any] = {}
    for each in fields(kind):
        if each.name in found:
            place = f"{where}.{each.name}"
            given[each.name] = _value(_hints(kind)[each.name], found[each.name], place)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise UsageError(f"{where}: expected the field {each.name}, got {_names(found)}")
    return kind(**given)


def _value(kind: Any, found: Any, where: str) -> Any:
    """A value of the type of a field."""
    if NoneType in get_args(kind):
        (of,) = (each for each in get_args(kind) if each is not NoneType)
        return None if found is None else _value(of, found, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return read(kind, found, where)
    if hasattr(kind, "from_dict"):
        return _parsed(kind, found, where)
    if get_origin(kind) is tuple:
        return _items(get_args(kind), found, where)
    if get_origin(kind) is not None:
        _expect(isinstance(found, Mapping), "an object", found, where)
        of = get_args(kind)[1]
        return {name: _value(of, each, f"{where}.{name}") for name, each in found.items()}
    if kind is not Any:
        wanted = (int, float) if kind is float else kind
        fits = isinstance(found, wanted) and (kind is bool or not isinstance(found, bool))
        _expect(fits, NAMES[kind], found, where)
    return found


def _parsed(kind: Any, found: Any, where: str) -> Any:
    try:
        return kind.from_dict(found)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: {error!r}") from error


def _items(of: tuple[Any, ...], found: Any, where: str) -> tuple[Any, ...]:
    """A list of any length of one type, or of a type at each place."""
    _expect(isinstance(found, list | tuple), "a list", found, where)
    types = [of[0]] * len(found) if of[-1] is Ellipsis else list(of)
    _expect(len(types) == len(found), f"a list of {len(types)}", found, where)
    pairs = enumerate(zip(types, found, strict=True))
    return tuple(_value(kind, each, f"{where}[{place}]") for place, (kind, each) in pairs)


def _expect(fits: bool, what: str, found: Any, where: str) -> None:
    if not fits:
        raise UsageError(f"{where}: expected {what}, got {repr(found)[:SHOWN]}")


def _names(found: Mapping[str, Any]) -> str:
    return ", ".join(map(str, found))[:SHOWN] or "an empty object"


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
