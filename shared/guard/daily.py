"""What is carried overnight: FYERS's attached exits end with the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

from shared.guard.state import Watch
from shared.idempotency import Stored
from shared.models import IST

EVENING = time(15, 35)
MORNING_FROM, MORNING_UNTIL = time(8, 45), time(9, 15)
"""IST."""


def expired(group: Iterable[Stored], today: date) -> bool:
    """Return whether a contract can hold nothing any more."""
    expiries = [
        stored.claim.contract.expiry
        for stored in group
        if stored.claim.contract is not None
    ]
    return bool(expiries) and max(expiries) < today


def carried_tonight(ticker: str, size: int, ist: datetime) -> str:
    """Return what the owner must know of a position kept overnight, or empty.

    `size` is what is open as MARGIN, contracts, signed.
    """
    if not size or ist.time() < EVENING:
        return ""
    what = "short" if size < 0 else "long"
    return (
        f"the {what} of {abs(size)} {ticker} is carried overnight. Its stop and target "
        "at FYERS end with this day: tomorrow it has none until you place them."
    )


def carried_without_stop(watch: Watch, ist: datetime) -> str:
    """Return the morning's word on what is carried, from what the store knows."""
    seen = watch.seen
    if seen is None or not seen.net:
        return ""
    today = seen.at.astimezone(IST).date() == ist.date()
    if today and seen.stop is not None:
        return ""  # yesterday's stop, though, has ended with its day
    if not MORNING_FROM <= ist.time() < MORNING_UNTIL or ist.weekday() >= 5:
        return ""
    what = "short" if seen.net < 0 else "long"
    return (
        f"the {what} of {abs(seen.net)} {watch.ticker} was carried overnight and has "
        "no stop: FYERS's exits ended with the day. Place a stop at 09:15 in the FYERS "
        "app, or close it."
    )
