"""How the desk says contracts, rupees and times."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from shared.models import IST, PAPER, Contract


def contract_words(ticker: str, contract: Contract | None) -> str:
    """Return `NIFTY 25800 CE 30 Dec`, or the ticker where the contract is unknown."""
    if contract is None:
        return ticker.removeprefix(PAPER)
    strike = f"{contract.strike.normalize():f}"
    return (
        f"{contract.underlying} {strike} {contract.option_type} {day(contract.expiry)}"
    )


def rupees(amount: Decimal) -> str:
    """Return whole rupees with a sign, grouped as in India: `+₹1,25,000`."""
    whole = int(amount.quantize(Decimal(1), ROUND_HALF_UP))
    sign = "+" if whole > 0 else "\u2212" if whole < 0 else ""
    return f"{sign}₹{grouped(abs(whole))}"


def grouped(whole: int) -> str:
    """Return a number of rupees in lakhs and crores: `12,34,567`."""
    text = str(whole)
    head, tail = text[:-3], text[-3:]
    parts: list[str] = []
    while head:
        parts.insert(0, head[-2:])
        head = head[:-2]
    return ",".join((*parts, tail))


def price(value: Decimal | None) -> str:
    """Return a price with its paise, or a dash."""
    return "–" if value is None else f"{value:.2f}"


def at(instant: datetime) -> str:
    """Return the time of day in IST, to the second."""
    return f"{instant.astimezone(IST):%H:%M:%S}"


def hm(instant: datetime) -> str:
    """Return the time of day in IST."""
    return f"{instant.astimezone(IST):%H:%M}"


def day(value: date) -> str:
    """Return `30 Dec`."""
    return f"{value.day} {value:%b}"


def counted(number: int, noun: str) -> str:
    """Return `1 short`, `2 shorts`."""
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
