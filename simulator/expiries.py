"""Expiry days: NSE's Tuesdays and BSE's Thursdays, moved to before a holiday.

Holidays are those of 2025-10 to 2026-12 and the one the 2029 contracts show; other
years have weekends only, which is enough for a stand-in of any date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        *("2025-10-02", "2025-10-21", "2025-10-22", "2025-11-05", "2025-12-25"),
        *("2026-01-15", "2026-01-26", "2026-03-03", "2026-03-26", "2026-03-31"),
        *("2026-04-03", "2026-04-14", "2026-05-01", "2026-05-28", "2026-06-26"),
        *("2026-09-14", "2026-10-02", "2026-10-20", "2026-11-10", "2026-11-24"),
        *("2026-12-25", "2029-12-25"),
    )
)

TUESDAY, THURSDAY = 1, 3
WEEKLIES, MONTHLIES, QUARTERLIES, HALF_YEARLIES = 4, 3, 3, 8


@dataclass(frozen=True, slots=True)
class Expiries:
    """What NIFTY or SENSEX lists on a day; the other roots list a part of it."""

    weekly: tuple[date, ...]
    monthly: tuple[date, ...]
    quarterly: tuple[date, ...]
    half_yearly: tuple[date, ...]


def trading_day(day: date) -> date:
    """Return `day`, or the last trading day before it."""
    while day.weekday() > 4 or day in HOLIDAYS:
        day -= timedelta(days=1)
    return day


def monthly(year: int, month: int, weekday: int = TUESDAY) -> date:
    """Return the expiry of a month: its last such weekday or the trading day before."""
    day = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    while day.weekday() != weekday:
        day -= timedelta(days=1)
    return trading_day(day)


def listed(asof: date, weekday: int = TUESDAY) -> Expiries:
    """Return the expiries in the file of `asof`, that day's own included."""
    first = 0 if monthly(asof.year, asof.month, weekday) >= asof else 1
    months = [_month_after(asof, first + step) for step in range(64)]
    near = [monthly(*month, weekday) for month in months[:MONTHLIES]]
    far = months[MONTHLIES:]
    quarters = [month for month in far if month[1] % 3 == 0]
    quarterly = [monthly(*month, weekday) for month in quarters][:QUARTERLIES]
    half = [monthly(*month, weekday) for month in far if month[1] % 6 == 0]
    return Expiries(
        weekly=_weekly(asof, near, weekday),
        monthly=tuple(near),
        quarterly=tuple(quarterly),
        half_yearly=tuple(d for d in half if d not in quarterly)[:HALF_YEARLIES],
    )


def _weekly(asof: date, months: list[date], weekday: int) -> tuple[date, ...]:
    next_one = asof + timedelta(days=(weekday - asof.weekday()) % 7)
    days: list[date] = []
    while len(days) < WEEKLIES:
        day = trading_day(next_one)
        if day >= asof and day not in months:
            days.append(day)
        next_one += timedelta(days=7)
    return tuple(days)


def _month_after(day: date, count: int) -> tuple[int, int]:
    years, month = divmod(day.month - 1 + count, 12)
    return day.year + years, month + 1
