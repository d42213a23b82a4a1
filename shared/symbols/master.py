"""FYERS's symbol master, read strictly and made into the snapshot.

Only eight columns are used, by position: 3 lot, 4 tick, 7 file date, 8 expiry epoch,
9 ticker, 13 underlying, 15 strike, 16 CE or PE. Their places never moved, while the
number of columns did (19, 21, 22); column 1 changed its date format and is not read.

A row must agree with itself: its ticker has to be its underlying, a date code, its
strike and its side. Within an underlying one date code stands for one date, so a row
that slipped cannot put a contract under another expiry. An underlying whose rows do not
agree (as after a corporate action) is left out by name; the others are not its fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import chain

from shared.errors import Unusable
from shared.models import IST
from shared.symbols.snapshot import ExpiryRows, SnapshotRefused, Summary, pack
from shared.symbols.underlyings import indexes

LEAST_ROWS = {"NSE": 20_000, "BSE": 1_000}
"""Fewer rows are not an exchange's derivatives: NSE had 78,000 to 105,000 in 2024 to
2026, BSE 55,000, of which SENSEX and BANKEX alone are thousands."""

MOST_BROKEN = 10
"""Rows that may belong to no underlying. An expiry lists 30 contracts at the least, so
this many may hide a strike (an error for its alert) but never a whole expiry (which
would make the next one look like the nearest)."""

_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_CODE = re.compile(rf"[0-9]{{2}}(?:{_MONTHS}|[1-9OND][0-9]{{2}})")
_NAME = re.compile(r"[!-~]+")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_EPOCH = re.compile(r"[0-9]{9,10}")


@dataclass(frozen=True, slots=True)
class Built:
    """A snapshot ready to be stored."""

    data: bytes
    summary: Summary


def build(
    lines: Iterable[str],
    now: datetime,
    *,
    exchange: str = "NSE",
    previous: Summary | None = None,
    least_rows: int | None = None,
) -> Built:
    """Return the snapshot of a master's lines; raise `SnapshotRefused`.

    A header, blank lines, a BOM and any line ends are fine. What is left without the
    odd underlyings has to be plausible: an index among it, and against `previous` no
    less than half the rows, nine tenths of the underlyings, nor an older file.
    """
    master = _Master(exchange)
    master.read(lines)
    summary = master.summary(now)
    least = LEAST_ROWS[exchange] if least_rows is None else least_rows
    if summary.rows < least:
        raise SnapshotRefused(
            f"the file has {summary.rows} rows, fewer than the least {least}"
        )
    if master.listed * 2 < summary.rows:
        raise SnapshotRefused("most rows are no options: this is another segment")
    if summary.as_of > now.astimezone(IST).date() + timedelta(days=1):
        raise SnapshotRefused(f"the file is dated {summary.as_of}, in the future")
    if not indexes(exchange) & master.chains.keys():
        raise SnapshotRefused("no index is left in the file")
    if previous is not None:
        _compare(summary, previous)
    return Built(pack(master.chains, summary), summary)


def _compare(summary: Summary, previous: Summary) -> None:
    if summary.rows * 2 < previous.rows:
        raise SnapshotRefused(
            f"the file has {summary.rows} rows where the last had {previous.rows}"
        )
    if summary.underlyings * 10 < previous.underlyings * 9:
        left_out = ", ".join(summary.left_out[:_NAMED]) or "none"
        raise SnapshotRefused(
            f"the file has {summary.underlyings} underlyings where the last had "
            f"{previous.underlyings}; left out as odd: {left_out}"
        )
    if (
        summary.file_date is not None
        and previous.file_date is not None
        and summary.file_date < previous.file_date
    ):
        raise SnapshotRefused(
            f"the file is dated {summary.file_date}, the last {previous.file_date}"
        )


_NAMED = 10
"""Odd underlyings that a refusal names."""


class _Broken(Unusable):
    """A row contradicts itself or another one, or cannot be read."""


class _Master:
    """The rows read so far, by underlying and date code."""

    def __init__(self, exchange: str) -> None:
        self.chains: dict[str, dict[str, ExpiryRows]] = {}
        self._exchange = exchange
        self._prefix = f"{exchange}:"
        self._odd: set[str] = set()
        self.listed = 0
        self._rows = self._broken = 0
        self._dates: Counter[str] = Counter()
        # By underlying and expiry epoch; a row that fits its own needs no more looks.
        self._known: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}

    def read(self, lines: Iterable[str]) -> None:
        """Take every row; raise `SnapshotRefused` where the file cannot be trusted."""
        usual = width = 0
        for number, line in _numbered(lines, self._prefix):
            row = line.strip()
            if not row:
                continue
            fields = row.split(",")
            width = len(fields)
            usual = usual or width
            try:
                self._take(fields)
                self._rows += 1
            except _Broken:
                self._broken += 1
                if self._broken > MOST_BROKEN:
                    raise SnapshotRefused(
                        f"{self._broken} rows are broken, the last at line {number}"
                    ) from None
        if width < usual:
            raise SnapshotRefused("the last line is cut off")
        for underlying in self._odd:
            self.chains.pop(underlying, None)

    def summary(self, now: datetime) -> Summary:
        """Return what was read."""
        usual = max(self._dates, key=lambda day: self._dates[day], default="")
        return Summary(
            built_at=now,
            file_date=_date(usual),
            rows=self._rows,
            contracts=sum(
                len(expiry.rows)
                for expiries in self.chains.values()
                for expiry in expiries.values()
            ),
            underlyings=len(self.chains),
            broken=self._broken,
            exchange=self._exchange,
            left_out=tuple(sorted(self._odd)),
        )

    def _take(self, fields: list[str]) -> None:
        if len(fields) < 17 or not fields[9].startswith(self._prefix):
            raise _Broken
        self._dates[fields[7]] += 1
        side = fields[16]
        if side == "XX" or not side:  # a future
            return
        try:
            self._list(fields, side)
        except _Broken:
            underlying = fields[13]
            code = fields[9].removeprefix(self._prefix + underlying)
            # Else it cannot be told whose row it is: NIFTY's ticker begins
            # NIFTYNXT50's as well.
            if not (_NAME.fullmatch(underlying) and code[:1].isdigit()):
                raise
            self._odd.add(underlying)
        self.listed += 1

    def _list(self, fields: list[str], side: str) -> None:
        key, tail = _key(fields[15], side)
        ticker, underlying, epoch = fields[9], fields[13], fields[8]
        terms = f"{ticker} {_terms(fields[3], fields[4])}"
        head, rows = self._known.get((underlying, epoch), _NEW)
        if head + tail != ticker:
            head, rows = self._listing(underlying, ticker, tail, epoch)
        # The same row twice is harmless; the same contract on other terms is not.
        if rows.setdefault(key, terms) != terms:
            raise _Broken

    def _listing(
        self, underlying: str, ticker: str, tail: str, epoch: str
    ) -> tuple[str, dict[str, str]]:
        """Return how an expiry's tickers begin, and its rows."""
        head = self._prefix + underlying
        if not (ticker.startswith(head) and ticker.endswith(tail)):
            raise _Broken
        code = ticker[len(head) : -len(tail)]
        known = head + code, self._expiry(underlying, code, epoch).rows
        self._known[underlying, epoch] = known
        return known

    def _expiry(self, underlying: str, code: str, epoch: str) -> ExpiryRows:
        closes, day = _close(epoch)
        expiries = self.chains.get(underlying)
        expiry = None if expiries is None else expiries.get(code)
        if expiry is None:
            expiry = self._open(underlying, code, ExpiryRows(day, closes))
        elif expiry.day != day:
            raise _Broken  # one code on two dates
        elif expiry.closes < closes:
            expiry.closes = closes
        return expiry

    def _open(self, underlying: str, code: str, expiry: ExpiryRows) -> ExpiryRows:
        if not _CODE.fullmatch(code) or not _NAME.fullmatch(underlying):
            raise _Broken
        if underlying != underlying.upper():
            raise _Broken  # alerts are matched without regard to case
        expiries = self.chains.setdefault(underlying, {})
        if any(known.day == expiry.day for known in expiries.values()):
            raise _Broken  # one date under two codes
        return expiries.setdefault(code, expiry)


def _numbered(lines: Iterable[str], prefix: str) -> Iterator[tuple[int, str]]:
    """Return the lines with their numbers, without a header."""
    rest = enumerate(lines, 1)
    number, first = next(rest, (1, ""))
    if first.lstrip("\ufeff \t")[:1] in ("<", "{"):
        raise SnapshotRefused("this is a web page or JSON, not the symbol master")
    return chain([(number, first)], rest) if prefix in first else rest


_NEW: tuple[str, dict[str, str]] = "", {}
"""An expiry of which no row was read; no ticker is a strike and a side alone."""


@lru_cache(maxsize=32768)
def _key(text: str, side: str) -> tuple[str, str]:
    """Return strike and side in paise and as tickers end: `5750CE`, `57.5CE`."""
    if side not in ("CE", "PE"):
        raise _Broken
    strike = _positive(text)
    paise = int(strike * 100)
    if paise != strike * 100:
        raise _Broken
    return f"{paise}{side}", f"{strike.normalize():f}{side}"


@lru_cache(maxsize=1024)
def _terms(lot: str, tick: str) -> str:
    """Return lot and tick as the snapshot writes them: `65 0.05`."""
    contracts = _positive(lot)
    if contracts != int(contracts):
        raise _Broken
    return f"{int(contracts)} {_positive(tick).normalize():f}"


def _positive(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text) or not (number := Decimal(text)):
        raise _Broken
    return number


@lru_cache(maxsize=1024)
def _close(epoch: str) -> tuple[int, date]:
    """Return an expiry epoch and its IST date; the time of day is not to be trusted."""
    if not _EPOCH.fullmatch(epoch):
        raise _Broken
    return int(epoch), datetime.fromtimestamp(int(epoch), IST).date()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
