"""A claim as the stores keep it: nested maps of primitives, named as in `Claim`.

Instants stay `datetime` (Firestore's own timestamps); a store of text writes them as
ISO 8601, and `decode` accepts both. Decimals and dates are text. What is None is left
out, so `expires_at` exists only on what may expire. A field that an older document does
not know takes its default.
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

from shared.idempotency import Claim

WATCHED = "watched_at"
"""`due_at` while the claim is watched, else absent: its index picks and orders."""


class NotAClaim(Exception):
    """The stored document does not describe a claim."""


def encode(claim: Claim) -> dict[str, Any]:
    """Return the document of a claim."""
    document: dict[str, Any] = _plain(claim)
    if claim.due_at is not None:
        document[WATCHED] = claim.due_at
    return document


def decode(document: Mapping[str, Any]) -> Claim:
    """Return the claim of a document; raise `NotAClaim` naming the first bad field."""
    claim: Claim = _read(Claim, document, "claim")
    return claim


def names() -> frozenset[str]:
    """Return every top-level name a document may have."""
    return frozenset(_fields(Claim)) | {WATCHED}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {name: getattr(value, name) for name in _fields(value.__class__)}
        return {name: _plain(part) for name, part in parts.items() if part is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, StrEnum | Decimal):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int):
        return value
    raise TypeError(f"a claim holds no {type(value).__name__}")


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
            raise NotAClaim(f"{where} is not a list")
        return tuple(_read(typing.get_args(kind)[0], item, where) for item in raw)
    try:
        return _scalar(kind, raw)
    except (TypeError, ValueError, InvalidOperation):
        # Without its text: a document may hold anything.
        raise NotAClaim(f"{where} is not a {kind.__name__}") from None


def _record(kind: type, raw: Any, where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise NotAClaim(f"{where} is not a map")
    values = {}
    for name, (hint, default) in _fields(kind).items():
        if raw.get(name) is not None:
            values[name] = _read(hint, raw[name], f"{where}.{name}")
        elif default is dataclasses.MISSING:
            raise NotAClaim(f"{where}.{name} is missing")
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
    # Rebuilt: Firestore answers with a subclass that carries nanoseconds.
    day, time = read.astimezone(UTC).date(), read.astimezone(UTC).time()
    return datetime.combine(day, time, UTC)
