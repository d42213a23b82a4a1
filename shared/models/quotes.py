"""Prices as FYERS shows them: one contract's quote, one underlying's option chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """A contract's prices, rupees above 0; None where there is none."""

    ltp: Decimal | None
    """The last traded price; before the day's first trade yesterday's close."""
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OptionChain:
    """The contracts round an underlying's price, of one expiry."""

    price: Decimal | None
    """The underlying's own price, rupees; None where FYERS named none."""
    quotes: Mapping[str, Quote]
    """By ticker. A contract of another expiry is not in here."""
    timestamps: Mapping[date, str]
    """By IST expiry date: what FYERS wants to be asked for that expiry's chain."""
