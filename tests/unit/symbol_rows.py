"""Rows of a symbol master as FYERS writes them, for one contract at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal

from shared.errors import Doubtful
from shared.models import (
    IST,
    Contract,
    Deadline,
    ExpiryWord,
    OptionType,
    WantedExpiry,
)
from shared.symbols import Snapshot, Summary
from shared.symbols.master import build

NOW = datetime(2026, 2, 9, 9, 20, tzinfo=IST)
FOREVER = Deadline(1e9, lambda: 0.0)

WEEKLY = date(2026, 2, 10)
NEXT = date(2026, 2, 17)
MONTHLY = date(2026, 2, 24)


def row(
    underlying: str = "NIFTY",
    day: date = WEEKLY,
    strike: str = "25800.0",
    side: str = "CE",
    *,
    lot: str = "65",
    tick: str = "0.05",
    close: str = "15:30",
    monthly: bool = False,
    ticker: str | None = None,
    epoch: str | None = None,
    exchange: str = "NSE",
    file_date: str = "2026-02-06",
    columns: int = 21,
) -> str:
    """Return one option's line, without its end."""
    at = datetime.combine(day, time.fromisoformat(close), IST)
    code = f"{day:%y%b}".upper() if monthly else f"{day:%y}{day.month:X}{day:%d}"
    short = f"{Decimal(strike).normalize():f}" if strike[0].isdigit() else strike
    fields = [
        f"1011{day:%y%m%d}40000",
        f"{underlying} {day:%d %b %y} {short} {side}",
        "14",
        lot,
        tick,
        "",
        "0915-1530|1815-1915:",
        file_date,
        str(int(at.timestamp())) if epoch is None else epoch,
        f"{exchange}:{underlying}{code}{short}{side}" if ticker is None else ticker,
        "10",
        "11",
        "40000",
        underlying,
        "26000",
        strike,
        side,
        "101000000026000",
        *("None", "0", "0.0", "9"),
    ]
    return ",".join(fields[:columns])


def future(underlying: str = "NIFTY", kind: str = "XX") -> str:
    """Return a future's line."""
    line = row(underlying, MONTHLY, ticker=f"NSE:{underlying}26FEBFUT")
    return line.replace(",25800.0,CE,", f",-1.0,{kind},")


def market() -> list[str]:
    """Return a small market: one index with weeklies, names that trap the careless."""
    lines = [
        row(day=day, strike=f"{strike}.0", side=side, monthly=day is MONTHLY)
        for day in (WEEKLY, NEXT, MONTHLY)
        for strike in (25700, 25750, 25800, 25850, 25900)
        for side in ("CE", "PE")
    ]
    names = (("NIFTYNXT50", "25800.0"), ("RELIANCE", "1400.0"), ("PETRONET", "57.5"))
    odd = (("M&M", "3500.0"), ("BAJAJ-AUTO", "9500.0"), ("360ONE", "1140.0"))
    lines += [
        row(name, MONTHLY, strike, side, monthly=True)
        for name, strike in names + odd
        for side in ("CE", "PE")
    ]
    return [*lines, future(), future("RELIANCE")]


def snapshot(lines: Iterable[str] | None = None, now: datetime = NOW) -> Snapshot:
    """Return a snapshot in memory."""
    return Snapshot(packed(lines, now))


def packed(lines: Iterable[str] | None = None, now: datetime = NOW) -> bytes:
    """Return a snapshot as stored."""
    return build(market() if lines is None else lines, now, least_rows=1).data


def bse(names: Iterable[str] = ("SENSEX", "BANKEX", "RELIANCE")) -> bytes:
    """Return BSE's snapshot as stored: one strike of each underlying, both sides."""
    lines = [
        row(name, MONTHLY, "1400.0", side, monthly=True, exchange="BSE")
        for name in names
        for side in ("CE", "PE")
    ]
    return build(lines, NOW, exchange="BSE", least_rows=1).data


def summary(lines: Iterable[str]) -> Summary:
    """Return what a build says of the lines."""
    return build(lines, NOW, least_rows=1).summary


def pick(
    found: Snapshot,
    underlying: str = "NIFTY",
    expiry: WantedExpiry = ExpiryWord.WEEKLY,
    strike: str = "25800",
    side: str = "CE",
    now: datetime = NOW,
) -> Contract:
    """Return the contract a snapshot gives for an alert's words."""
    chain = found.chain(underlying)
    assert chain is not None
    return chain.expiry(expiry, now).contract(Decimal(strike), OptionType(side))


class KeptBytes:
    """A symbol store in memory that can be scripted to fail."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data
        self.down = False
        self.waited: list[float] = []
        self.writes = 0

    @property
    def reads(self) -> int:
        return len(self.waited)

    def read(self, deadline: Deadline) -> bytes | None:
        self.waited.append(deadline.left())
        if self.down:
            raise Doubtful("the store is down")
        return self.data

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        self.writes += 1
        if self.down:
            raise Doubtful("the store is down")
        self.data = snapshot


class Clockwork:
    """A clock that a test sets."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
