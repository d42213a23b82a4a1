"""A frozen dataclass as the stores keep it: nested maps of primitives, named alike.

Instants stay `datetime` (Firestore's own timestamps); a store of text writes them as
ISO 8601, and `decode` accepts both. Decimals and dates are text. What equals its
default is left out, so `expires_at` exists only on what may expire; a field the
document does not know takes its default. Names that the dataclass does not know are
passed over: a store may add what it searches by.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from shared.errors import Unusable

_T = typing.TypeVar("_T")


class NotARecord(Unusable):
    """The stored document does not describe such a record."""


def encode(record: Any) -> dict[str, Any]:
    """Return the document of a dataclass instance."""
    document = {}
    for name, (_, default) in _fields(record.__class__).items():
        value = getattr(record, name)
        if value is not None and value != default:
            document[name] = _plain(value)
    return document


def decode(kind: type[_T], document: Mapping[str, Any]) -> _T:
    """Return the record of a document; raise `NotARecord` naming a bad field."""
    record: _T = _record(kind, document, kind.__name__.lower())
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum | Decimal):
        return str(value)
    if isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return encode(value)
    raise TypeError(f"a record holds no {type(value).__name__}")


@functools.cache
def _fields(kind: type) -> dict[str, tuple[Any, Any]]:
    """Return each field's type and default (`MISSING` where it must be there)."""
    hints = typing.get_type_hints(kind)
    found: dict[str, tuple[Any, Any]] = {}
    for field in dataclasses.fields(kind):
        hint, default = hints[field.name], field.default
        if typing.get_origin(hint) in (types.UnionType, typing.Union):
            hint = next(
                arm for arm in typing.get_args(hint) if arm is not types.NoneType
            )
            default = None
        found[field.name] = hint, default
    return found


def _read(kind: Any, raw: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast(type, kind), raw, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(raw, list):
            raise NotARecord(f"{where} is not a list")
        return tuple(_read(typing.get_args(kind)[0], item, where) for item in raw)
    try:
        return _scalar(kind, raw)
    except (TypeError, ValueError, InvalidOperation):
        # Without its text: a document may hold anything.
        raise NotARecord(f"{where} is not a {kind.__name__}") from None


def _record(kind: type, raw: Any, where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise NotARecord(f"{where} is not a map")
    values = {}
    for name, (hint, default) in _fields(kind).items():
        if raw.get(name) is not None:
            values[name] = _read(hint, raw[name], f"{where}.{name}")
        elif default is dataclasses.MISSING:
            raise NotARecord(f"{where}.{name} is missing")
        else:
            values[name] = default
    return kind(**values)


def _scalar(kind: type, raw: Any) -> Any:
    if kind in (str, int, bool):
        if type(raw) is not kind:
            raise TypeError
        return raw
    if kind is datetime:
        return _instant(raw)
    if not isinstance(raw, str):
        raise TypeError
    return date.fromisoformat(raw) if kind is date else kind(raw)


def _instant(raw: Any) -> datetime:
    read = datetime.fromisoformat(raw) if isinstance(raw, str) else raw
    if not isinstance(read, datetime) or read.tzinfo is None:
        raise TypeError
    return read.astimezone(UTC)
