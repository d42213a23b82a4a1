"""Five thousand alerts on two whole masters, each against a slow second opinion.

The oracle knows nothing of the snapshot: it scans the master's rows for every question.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import product

from shared.errors import BadRequest
from shared.models import (
    IST,
    ExpiryWord,
    OptionType,
    RelativeStrike,
    StrikeKind,
    WantedExpiry,
)
from shared.symbols import EXCHANGES, Symbols
from shared.symbols.master import build
from simulator import master
from tests.unit.symbol_rows import FOREVER, Clockwork, KeptBytes, row

DRAWS = 5_000
ASOF = date(2026, 11, 24)
BUILT = datetime(2026, 11, 24, 8, 0, tzinfo=IST)


@dataclass(frozen=True)
class Row:
    """One option, read once more and differently."""

    ticker: str
    underlying: str
    closes: datetime
    strike: Decimal
    side: str

    @property
    def monthly(self) -> bool:
        """Return whether the characters behind year and name are a month's letters."""
        rest = self.ticker.split(":", 1)[1][len(self.underlying) :]
        return rest[2:5].isalpha()


@cache
def nse() -> tuple[str, ...]:
    """Return a master with every index and some stocks."""
    return tuple(master.lines(ASOF, stocks=25, mixed_lots=True))


@cache
def bse() -> tuple[str, ...]:
    """Return a master of uneven ladders; RELIANCE is at both exchanges."""
    draw = random.Random(11)
    lines = []
    for name, start, step in (
        ("SENSEX", 84_000, 100),
        ("BANKEX", 62_000, 100),
        ("RELIANCE", 1_300, 10),
        ("ONLYBSE", 300, 5),
    ):
        days = {ASOF + timedelta(days=draw.randint(0, 90)) for _ in range(7)}
        strikes = [start + step * number / Decimal(2) for number in range(60)]
        for day, strike, side in product(days, strikes, ("CE", "PE")):
            if draw.random() < 0.9:  # a strike may lack one side, or both
                last = max(
                    d for d in days if (d.year, d.month) == (day.year, day.month)
                )
                lines.append(_bse_row(name, day, strike, side, monthly=day == last))
    return tuple(lines)


def _bse_row(name: str, day: date, strike: Decimal, side: str, *, monthly: bool) -> str:
    short = f"{strike.normalize():f}"
    weekly = f"{day:%y}{'123456789OND'[day.month - 1]}{day:%d}"
    code = f"{day:%y%b}".upper() if monthly else weekly
    return row(
        name,
        day,
        short,
        side,
        ticker=f"BSE:{name}{code}{short}{side}",
        exchange="BSE",
        close="15:40",
        file_date="2026-11-23",
    )


@cache
def rows(exchange: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for line in nse() if exchange == "NSE" else bse():
        fields = line.split(",")
        if fields[16] in ("CE", "PE"):
            closes = datetime.fromtimestamp(int(fields[8]), IST)
            found[fields[13]].append(
                Row(fields[9], fields[13], closes, Decimal(fields[15]), fields[16])
            )
    return found


@cache
def by_close(exchange: str, underlying: str) -> dict[datetime, list[Row]]:
    found: dict[datetime, list[Row]] = defaultdict(list)
    for one in rows(exchange).get(underlying, []):
        found[one.closes].append(one)
    return found


@cache
def nearest(exchange: str, underlying: str) -> list[Decimal]:
    """Return the strikes of the nearest expiry, where the money is; the last twice."""
    listed = rows(exchange)[underlying]
    first = min(row.closes for row in listed)
    ladder = sorted({row.strike for row in listed if row.closes == first})
    return [*ladder, ladder[-1]]


@dataclass(frozen=True)
class Question:
    underlying: str
    exchange: str
    expiry: WantedExpiry
    strike: Decimal | RelativeStrike
    side: OptionType
    price: Decimal
    now: datetime


def oracle(asked: Question) -> str:
    """Return the ticker meant, or empty where none is."""
    listed = by_close(asked.exchange or "NSE", asked.underlying)
    if not listed and not asked.exchange:
        listed = by_close("BSE", asked.underlying)
    days = sorted(closes for closes in listed if closes >= asked.now)
    months = [closes for closes in days if listed[closes][0].monthly]
    by_word = {
        ExpiryWord.WEEKLY: days[:1],
        ExpiryWord.NEXT_WEEKLY: days[1:2],
        ExpiryWord.MONTHLY: months[:1],
        ExpiryWord.NEXT_MONTHLY: months[1:2],
    }
    if isinstance(asked.expiry, ExpiryWord):
        chosen = by_word[asked.expiry]
    else:
        chosen = [day for day in days if day.date() == asked.expiry]
    ladder = sorted(
        (row for day in chosen for row in listed[day] if row.side == asked.side),
        key=lambda row: row.strike,
    )
    if not isinstance(asked.strike, RelativeStrike):
        exact = [row.ticker for row in ladder if row.strike == asked.strike]
        return exact[0] if exact else ""
    if not ladder:
        return ""
    atm = min(ladder, key=lambda row: (abs(row.strike - asked.price), row.strike))
    steps = asked.strike.steps
    if asked.strike.kind is not StrikeKind.ATM:
        call, out = asked.side == "CE", asked.strike.kind is StrikeKind.OTM
        steps = steps if call == out else -steps
    place = ladder.index(atm) + steps
    return ladder[place].ticker if 0 <= place < len(ladder) else ""


def answer(symbols: Symbols, asked: Question) -> str:
    try:
        if isinstance(asked.strike, RelativeStrike):
            found = symbols.expiry(
                asked.underlying, asked.expiry, FOREVER, asked.exchange
            )
            return found.near(asked.strike, asked.side, asked.price).ticker
        return symbols.find(
            asked.underlying,
            asked.expiry,
            asked.strike,
            asked.side,
            FOREVER,
            asked.exchange,
        ).ticker
    except BadRequest:
        return ""


def drawn(draw: random.Random) -> Question:
    exchange = draw.choice(("", "", *EXCHANGES))
    names = [*rows("NSE"), *rows("BSE")]
    weighted = ["NIFTY", "SENSEX", "RELIANCE", "ONLYBSE", "BANKEX", "BANKNIFTY"]
    underlying = draw.choice(weighted if draw.random() < 0.7 else names)
    listed = rows(exchange or "NSE").get(underlying) or rows("BSE").get(
        underlying, rows("NSE")["NIFTY"]
    )
    ladder = nearest(listed[0].ticker[:3], listed[0].underlying)
    place = draw.randrange(len(ladder) - 1)
    money, tie = ladder[place], sum(ladder[place : place + 2], Decimal(0)) / 2
    near = draw.choice(listed)
    expiry: WantedExpiry = draw.choice([*ExpiryWord, near.closes.date()])
    strike: Decimal | RelativeStrike = near.strike + draw.choice((0, 0, 0, 1))
    if draw.random() < 0.6:
        kind = draw.choice(list(StrikeKind))
        least = -20 if kind is StrikeKind.ATM else 1
        strike = RelativeStrike(kind, draw.randint(least, 20))
    # On a strike, between two (a tie), or anywhere near one.
    anywhere = money * draw.randint(-300, 300) / 10_000
    price = draw.choice((money, tie, money + anywhere))
    now = BUILT + timedelta(minutes=draw.randint(0, 60 * 24 - 1))
    side = draw.choice(list(OptionType))
    return Question(underlying, exchange, expiry, strike, side, price, now)


def test_five_thousand_alerts_mean_the_contract_the_oracle_names() -> None:
    draw = random.Random(2026)
    clock = Clockwork(BUILT)
    stores = {
        "NSE": KeptBytes(build(nse(), BUILT, least_rows=1).data),
        "BSE": KeptBytes(build(bse(), BUILT, exchange="BSE", least_rows=1).data),
    }
    symbols = Symbols(stores, clock)
    found = 0
    for _ in range(DRAWS):
        asked = drawn(draw)
        clock.now = asked.now
        expected = oracle(asked)
        assert answer(symbols, asked) == expected, asked
        found += bool(expected)
    assert found > DRAWS / 2  # most questions have an answer
