"""The forms a single value may have. Each reader raises `BadRequest` by field name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeVar

from shared.errors import BadRequest
from shared.models import (
    ExpiryWord,
    OptionType,
    RelativeStrike,
    Strike,
    StrikeKind,
    Verb,
    Wanted,
    WantedExpiry,
)

_T = TypeVar("_T")

Reader = Callable[[object, str], _T]
"""Read one value, given the name it came under."""

MOST_STEPS = 20
"""The farthest a relative strike may be from ATM, in strikes."""

_LONGEST = 20
"""Digits a number may span; keeps `1e999999` from becoming a very long int."""

_OPTION_TYPES = {
    **dict.fromkeys(("CE", "CALL", "C"), OptionType.CE),
    **dict.fromkeys(("PE", "PUT", "P"), OptionType.PE),
}
_PRODUCTS = {
    **{str(word): word for word in Wanted},
    "MIS": Wanted.INTRADAY,
    "NRML": Wanted.MARGIN,
}
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"

_RELATIVE = re.compile(r"(ATM)([+-][0-9]{1,2})?|(OTM|ITM)([0-9]{1,2})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DASHED = re.compile(r"([0-9]{2})-([0-9]{2})-([0-9]{4})")
_SHORT = re.compile(rf"([0-9]{{2}})({_MONTHS})([0-9]{{2}})")
_TICKER = re.compile(
    r"(.+?)([0-9]{2})([0-9]{2})([0-9]{2})([CP])([0-9]{1,9}(?:\.[0-9]{1,2})?)"
)
"""TradingView's option ticker: underlying, YYMMDD, C or P, strike."""


def text(value: object, name: str) -> str:
    """Return a text that says something."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name} is missing or empty")
    found = value.strip()
    if found.upper() in ("NA", "NAN", "NULL"):
        raise BadRequest(f"{name} has no value")
    return found


def note(longest: int) -> Reader[str]:
    """Return the reader of a free text of so many characters at most."""

    def read(value: object, name: str) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise BadRequest(f"{name} must be a text")
        found = str(value).strip()
        if len(found) > longest:
            raise BadRequest(f"{name} is longer than {longest} characters")
        return found

    return read


def flag(value: object, name: str) -> bool:
    """Return true or false, as JSON or as a word."""
    words = {"true": True, "false": False}
    found = value.strip().lower() if isinstance(value, str) else value
    if isinstance(found, bool):
        return found
    if isinstance(found, str) and found in words:
        return words[found]
    raise BadRequest(f"{name} must be true or false")


def number(value: object) -> Decimal | None:
    """Return a finite decimal of sane length, or None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    if not found.is_finite():
        return None
    spans = len(found.as_tuple().digits) <= _LONGEST and abs(found.adjusted()) <= 12
    return found if spans or found == 0 else None


def above_zero(value: object, name: str) -> Decimal:
    """Return a number above 0."""
    found = number(value)
    if found is None or found <= 0:
        raise BadRequest(f"{name} must be a number above 0")
    return found


def whole(what: str) -> Reader[int]:
    """Return the reader of a whole number of `what`, above 0."""

    def read(value: object, name: str) -> int:
        found = number(value)
        if found is None or found != found.to_integral_value():
            raise BadRequest(f"{name} must be a whole number of {what}")
        if found <= 0:
            raise BadRequest(f"{name} must be above 0", "bad_quantity")
        return int(found)

    return read


def verb(value: object, name: str) -> Verb:
    """Return the action."""
    return _word({str(word): word for word in Verb}, value, name)


def option_type(value: object, name: str) -> OptionType:
    """Return CE or PE."""
    return _word(_OPTION_TYPES, value, name)


def product(value: object, name: str) -> Wanted:
    """Return the product wanted."""
    return _word(_PRODUCTS, value, name)


def market(value: object, name: str) -> None:
    """Return nothing for MARKET, the only order type there is."""
    if text(value, name).upper() != "MARKET":
        raise BadRequest(f"{name} may only be MARKET: every order goes at the market")


def strike(value: object, name: str) -> Strike:
    """Return an exact strike or a relative one."""
    word = re.sub(r"\s", "", value).upper() if isinstance(value, str) else ""
    found = _RELATIVE.fullmatch(word)
    if found is None:
        if word[:3] in tuple(StrikeKind):
            raise BadRequest(f"{name} must be like ATM, ATM+2, ATM-2, OTM1 or ITM1")
        return above_zero(value, name)
    kind = StrikeKind(found[1] or found[3])
    steps = int(found[2] or found[4] or 0)
    if abs(steps) > MOST_STEPS or (kind is not StrikeKind.ATM and not steps):
        raise BadRequest(f"{name} may be at most {MOST_STEPS} strikes from ATM")
    return RelativeStrike(kind, steps)


def expiry(value: object, name: str) -> WantedExpiry:
    """Return an expiry word or an IST date."""
    word = text(value, name).upper()
    if word in tuple(ExpiryWord):
        return ExpiryWord(word)
    try:
        if found := _ISO.fullmatch(word):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _DASHED.fullmatch(word):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if found := _SHORT.fullmatch(word):
            month = _MONTHS.index(found[2]) // 4 + 1
            return date(2000 + int(found[3]), month, int(found[1]))
    except ValueError:
        pass  # a form that is right around a day that does not exist
    raise BadRequest(
        f"{name} must be {', '.join(ExpiryWord)}, or a date like 2026-12-29, "
        "29DEC26 or 29-12-2026"
    )


class Symbol(NamedTuple):
    """What a symbol says: an underlying, or with an option's ticker the contract."""

    exchange: str
    underlying: str
    strike: Strike | None = None
    option_type: OptionType | None = None
    expiry: WantedExpiry | None = None


def symbol(value: object, name: str) -> Symbol:
    """Return the underlying, or the contract that TradingView's ticker names."""
    word = text(value, name).upper()
    exchange, colon, rest = word.rpartition(":")
    if colon and exchange not in ("NSE", "BSE"):
        raise BadRequest(f"{name} may only begin with NSE: or BSE:")
    found = _TICKER.fullmatch(rest)
    if found is None:
        return Symbol(exchange, text(rest, name))
    try:
        day = date(2000 + int(found[2]), int(found[3]), int(found[4]))
    except ValueError:
        raise BadRequest(f"{name} holds a date that does not exist") from None
    return Symbol(
        exchange,
        found[1],
        above_zero(found[6], name),
        _OPTION_TYPES[found[5]],
        day,
    )


def fired(value: object, name: str) -> datetime:
    """Return the instant the alert fired."""
    try:
        found = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise BadRequest(
            f"{name} is not an ISO time like 2026-11-23T09:15:00Z"
        ) from None
    if found.tzinfo is None:
        raise BadRequest(f"{name} has no time zone; use {{{{timenow}}}}")
    return found


def _word(words: dict[str, _T], value: object, name: str) -> _T:
    found = words.get(text(value, name).upper())
    if found is None:
        raise BadRequest(f"{name} must be {' or '.join(words)}")
    return found
