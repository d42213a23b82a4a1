"""TradingView's alert: from raw bytes to a frozen `Alert`, one step at a time.

The order of the steps is a promise: JSON object, then the secret, then the fields.
Until the secret matches nothing else is validated, read or stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from shared.errors import BadRequest, Unauthorized
from shared.models import Action, Alert, OptionType, Secret, Wanted

Value = object
"""A JSON value as parsed: numbers are `int` or `Decimal`, never float."""

_Word = TypeVar("_Word", bound=StrEnum)

_ENTRY_ONLY = ("sl", "tp", "productType")
"""Fields that serve entries only: on a BUY they are read if good, else ignored."""

_LONGEST = 20
"""Digits a number may span; keeps `1e999999` from becoming a very long int."""


def read_body(body: bytes) -> Mapping[str, Value]:
    """Return the JSON object in `body`, whatever its content type said."""
    try:
        value = json.loads(
            body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=Decimal
        )
    except (ValueError, InvalidOperation, RecursionError):
        raise BadRequest("the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object")
    return value


def authenticate(fields: Mapping[str, Value], secret: Secret) -> None:
    """Raise `Unauthorized` unless the field `token` is the secret.

    Compared as bytes in constant time: `compare_digest` refuses non-ASCII text.
    """
    token = fields.get("token")
    given = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
    if not hmac.compare_digest(given, secret.open().encode()):
        raise Unauthorized("the token is missing or wrong")


def parse(
    fields: Mapping[str, Value], header_key: str | None, now: datetime, max_age: int
) -> Alert:
    """Return the alert; raise `BadRequest` naming the first field that is wrong.

    `max_age` is in seconds, 0 accepts any age.
    """
    try:
        _refuse_placeholders(fields, header_key)
        mark = fingerprint(fields)
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    action = _word(fields, "action", Action)
    entry = action is Action.SELL
    alert = Alert(
        symbol=_text(fields, "symbol").upper(),
        strike=_price(fields, "strikeprice"),
        option_type=_word(fields, "optionType", OptionType),
        expiry=_expiry(fields),
        action=action,
        qty=_quantity(fields),
        product=_product(fields, entry),
        sl=_level(fields, "sl", entry),
        tp=_level(fields, "tp", entry),
        key=header_key or _key(fields),
        fingerprint=mark,
    )
    _refuse_stale(fields, now, max_age)
    return alert


def fingerprint(fields: Mapping[str, Value]) -> str:
    """Return SHA-256 of the fields without `token`, whatever their order."""
    text = json.dumps(
        {name: value for name, value in fields.items() if name != "token"},
        sort_keys=True,
        separators=(",", ":"),
        default=lambda number: f"number {number}",
    )
    return hashlib.sha256(text.encode()).hexdigest()


def document_id(alert: Alert) -> str:
    """Return the claim's id: SHA-256 of the key, or the fingerprint without one."""
    if alert.key is None:
        return alert.fingerprint
    return hashlib.sha256(alert.key.encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_placeholders(fields: Mapping[str, Value], header_key: str | None) -> None:
    buying = str(fields.get("action", "")).strip().upper() == Action.BUY
    for name, value in fields.items():
        ignored = buying and name in _ENTRY_ONLY
        if not ignored and name != "token" and "{{" in f"{name} {value}":
            raise BadRequest(f"{name[:40]} still holds a placeholder: {{{{…}}}}")
    if header_key is not None and "{{" in header_key:
        raise BadRequest("Idempotency-Key still holds a placeholder: {{…}}")


def _refuse_stale(fields: Mapping[str, Value], now: datetime, max_age: int) -> None:
    value = fields.get("time")
    if value is None:
        return
    try:
        fired = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise BadRequest("time is not an ISO time like 2026-11-23T09:15:00Z") from None
    if fired.tzinfo is None:
        raise BadRequest("time has no time zone; use {{timenow}}")
    if max_age and now - fired > timedelta(seconds=max_age):
        age = int((now - fired).total_seconds())
        raise BadRequest(
            f"time is {age} s ago; alerts older than {max_age} s are not traded",
            "stale_alert",
        )


def _text(fields: Mapping[str, Value], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name} is missing or empty")
    text = value.strip()
    if text.upper() in ("NA", "NAN", "NULL"):
        raise BadRequest(f"{name} has no value")
    return text


def _word(fields: Mapping[str, Value], name: str, words: type[_Word]) -> _Word:
    try:
        return words(_text(fields, name).upper())
    except ValueError:
        raise BadRequest(f"{name} must be {' or '.join(words)}") from None


def _decimal(value: Value) -> Decimal | None:
    """Return a finite decimal of sane length, or None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    spans = len(number.as_tuple().digits) <= _LONGEST and abs(number.adjusted()) <= 12
    return number if spans or number == 0 else None


def _price(fields: Mapping[str, Value], name: str) -> Decimal:
    number = _decimal(fields.get(name))
    if number is None or number <= 0:
        raise BadRequest(f"{name} must be a number above 0")
    return number


def _level(fields: Mapping[str, Value], name: str, entry: bool) -> Decimal | None:
    if fields.get(name) is None:
        return None
    try:
        return _price(fields, name)
    except BadRequest:
        if entry:
            raise
        return None


def _quantity(fields: Mapping[str, Value]) -> int | None:
    value = fields.get("qty")
    if value is None:
        return None
    number = _decimal(value)
    if number is None or number != number.to_integral_value():
        raise BadRequest("qty must be a whole number of contracts")
    if number <= 0:
        raise BadRequest("qty must be above 0", "bad_quantity")
    return int(number)


def _product(fields: Mapping[str, Value], entry: bool) -> Wanted | None:
    if fields.get("productType") is None:
        return None
    try:
        return _word(fields, "productType", Wanted)
    except BadRequest:
        if entry:
            raise
        return None


def _expiry(fields: Mapping[str, Value]) -> str | date:
    text = _text(fields, "expiry").upper()
    if text in ("WEEKLY", "MONTHLY"):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            "expiry must be WEEKLY, MONTHLY or a date like 2026-11-24"
        ) from None


def _key(fields: Mapping[str, Value]) -> str | None:
    if fields.get("idempotency_key") is None:
        return None
    return _text(fields, "idempotency_key")
