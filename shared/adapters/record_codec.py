"""A frozen dataclass as the stores keep it: nested maps of primitives, named alike.

Instants stay `datetime` (Firestore's own timestamps); a store of text writes them as
ISO 8601, and `decode` accepts both. Decimals and dates are text. What equals its
default is left out, so `expires_at` exists only on what may expire; a field the
document does not know takes its default. Names that the dataclass does not know are
passed over: a store may add what it searches by. A field whose type differs from record
to record (a TypeVar) is its caller's to write and to read.

A type's fields are looked at once: an entry decodes every claim that is watched, and
asking each value for its type anew took most of that time.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from shared.errors import Unusable

_T = typing.TypeVar("_T")

_Step = Callable[[Any], Any]
"""From a field's value to what is stored, or back."""


class NotARecord(Unusable):
    """The stored document does not describe such a record.

    Each record on the way out puts its field's name before what is wrong. The text that
    was stored is left out: a document may hold anything.
    """


def encode(record: Any) -> dict[str, Any]:
    """Return the document of a dataclass instance."""
    document = {}
    for field in _fields(record.__class__):
        value = getattr(record, field.name)
        if value is not None and value != field.default:
            document[field.name] = field.write(value)
    return document


def decode(
    kind: type[_T], document: Mapping[str, Any], where: str = "", **known: Any
) -> _T:
    """Return the record of a document; raise `NotARecord` naming a bad field.

    The fields that are `known` are not looked for; `where` is what the record is called
    if it is not its type's name.
    """
    try:
        record: _T = _record(kind, document, known)
    except NotARecord as bad:
        raise NotARecord(f"{where or kind.__name__.lower()}{bad}") from None
    return record


class _Field(typing.NamedTuple):
    name: str
    default: Any
    """`MISSING` where the document must have it."""
    write: _Step
    read: _Step


@functools.cache
def _fields(kind: type) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        hint, default = hints[field.name], field.default
        if isinstance(hint, typing.TypeVar):
            continue
        if typing.get_origin(hint) in (types.UnionType, typing.Union):
            hint = next(
                arm for arm in typing.get_args(hint) if arm is not types.NoneType
            )
            default = None
        found.append(_Field(field.name, default, _writer(hint), _reader(hint)))
    return tuple(found)


def _writer(hint: Any) -> _Step:
    if typing.get_origin(hint) is tuple:
        item = _writer(typing.get_args(hint)[0])
        return lambda value: [item(each) for each in value]
    if dataclasses.is_dataclass(hint):
        return encode
    if hint is datetime:
        return _zoned
    if hint is date:
        return date.isoformat
    return str if issubclass(hint, StrEnum | Decimal) else _primitive


def _primitive(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    raise TypeError(f"a record holds no {type(value).__name__}")


def _zoned(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return value


def _reader(hint: Any) -> _Step:
    if typing.get_origin(hint) is tuple:
        return functools.partial(_items, _reader(typing.get_args(hint)[0]))
    if dataclasses.is_dataclass(hint):
        return functools.partial(_record, hint)
    if hint in (str, int, bool):
        return functools.partial(_exactly, hint)
    if hint is datetime:
        return _instant
    return functools.partial(_parsed, date.fromisoformat if hint is date else hint)


def _record(kind: Any, raw: Any, known: dict[str, Any] | None = None) -> Any:
    if not isinstance(raw, dict) and not isinstance(raw, Mapping):
        raise NotARecord(" is not a map")
    values = known or {}
    for name, default, _, read in _fields(kind):
        if name in values:
            continue
        value = raw.get(name)
        if value is not None:
            try:
                value = read(value)
            except NotARecord as bad:
                raise NotARecord(f".{name}{bad}") from None
        elif default is dataclasses.MISSING:
            raise NotARecord(f".{name} is missing")
        else:
            value = default
        values[name] = value
    return kind(**values)


def _items(item: _Step, raw: Any) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise NotARecord(" is not a list")
    return tuple(item(each) for each in raw)


def _exactly(kind: type, raw: Any) -> Any:
    if type(raw) is not kind:
        raise NotARecord(f" is not a {kind.__name__}")
    return raw


def _parsed(parse: _Step, raw: Any) -> Any:
    try:
        if isinstance(raw, str):
            return parse(raw)
    except (TypeError, ValueError, InvalidOperation):
        pass
    raise NotARecord(f" is not a {getattr(parse, '__name__', 'date')}")


def _instant(raw: Any) -> datetime:
    try:
        read = datetime.fromisoformat(raw) if isinstance(raw, str) else raw
    except ValueError:
        read = None
    if not isinstance(read, datetime) or read.tzinfo is None:
        raise NotARecord(" is not a datetime")
    return read if read.tzinfo is UTC else read.astimezone(UTC)
