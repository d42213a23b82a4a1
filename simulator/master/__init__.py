"""A synthetic NSE_FO or BSE_FO symbol master in FYERS's form, for any date.

    python -m simulator.master OUT --asof 2026-11-24 --rows 100000

Deterministic. A line has FYERS's 21 fields, no header, no quotes; lines are sorted by
the first field as text. The last expiry of a root in a calendar month carries the
monthly ticker, the others the weekly code.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from simulator.expiries import THURSDAY, TUESDAY, listed, trading_day
from simulator.underlyings import (
    FUTURE_OF,
    Root,
    bse_indices,
    bse_stocks,
    indices,
    stocks,
)

IST = timezone(timedelta(hours=5, minutes=30), "IST")
SIZES = {"small": 22_000, "full": 100_000}
"""Least rows of the named sizes; both hold the indices and the known stocks."""
COLUMNS = (18, 19, 21, 22)
MONTH_CODES = "123456789OND"


@dataclass(frozen=True, slots=True)
class House:
    """How an exchange writes its lines."""

    name: str
    code: int
    weekday: int
    """Of its expiries."""
    first_token: int
    future: str
    """What ends the description of a future; BSE's has a space behind it."""
    future_type: str


HOUSES = {
    "NSE": House("NSE", 10, TUESDAY, 35_000, "FUT", "XX"),
    "BSE": House("BSE", 12, THURSDAY, 1_100_000, "FUT ", ""),
}


def lines(
    asof: date,
    stocks: int = 206,
    close: str = "15:40",
    *,
    rows: int | None = None,
    mixed_lots: bool = False,
    columns: int = 21,
    seed: int = 7,
    exchange: str = "NSE",
) -> list[str]:
    """Return the file of `asof`, one line per contract, without line ends.

    `rows` overrides `stocks`: roots are added until there are that many lines or more.
    `columns` is the vintage: 18 (2022), 19 (2023), 21 (today) or 22 (one day, maybe).
    `exchange` is NSE, or BSE with its indices and at most four stocks.
    """
    house = HOUSES[exchange]
    if columns not in COLUMNS:
        raise ValueError(f"columns must be one of {COLUMNS}, not {columns}")
    draw = random.Random(seed)  # noqa: S311 - invented names need no secrecy
    made: list[tuple[str, str]] = []
    ending = _ending(columns)
    at = time.fromisoformat(close)
    for root in _roots(house, asof, draw, stocks, rows, mixed_lots, made):
        made += _root_lines(house, root, asof, at)
    span = max(135_000, len(made) * 13 // 10)
    first = house.first_token
    tokens = draw.sample(range(first, first + span), len(made))
    out = [
        f"{head}{token}{rest.replace('@', str(token), 1)}{ending}"
        for token, (head, rest) in zip(tokens, made, strict=True)
    ]
    return sorted(out, key=lambda line: line[: line.index(",")])


def text(lines_: Sequence[str]) -> bytes:
    """Return lines as the bytes of a file."""
    return ("\n".join(lines_) + "\n").encode() if lines_ else b""


def _roots(
    house: House,
    asof: date,
    draw: random.Random,
    count: int,
    rows: int | None,
    mixed_lots: bool,
    made: list[tuple[str, str]],
) -> Iterator[Root]:
    """Yield roots; `made` is what the caller has written of them so far."""
    expiries = listed(asof, house.weekday)
    if house.name == "BSE":
        yield from bse_indices(expiries)
        more = bse_stocks(expiries)
    else:
        yield from indices(expiries, mixed_lots=mixed_lots)
        more = stocks(expiries, draw)
    for number, root in enumerate(more):
        if len(made) >= rows if rows is not None else number >= count:
            return
        yield root


def _root_lines(
    house: House, root: Root, asof: date, close: time
) -> Iterator[tuple[str, str]]:
    """Yield a contract's line in two parts, `@` where its exchange token goes."""
    last = {(e.year, e.month): e for e in sorted(x.expiry for x in root.ladders)}
    session = f"0915-{close:%H%M}|1815-1915:"
    stamp = trading_day(asof - timedelta(days=1)).isoformat()
    under = f"@,{root.name},{root.token},"
    tail = f",{house.code}10000000{root.token}"

    def fields(day: date, lot: int, tick: float) -> tuple[str, str]:
        epoch = int(datetime.combine(day, close, IST).timestamp())
        before = f",{lot},{tick},,{session},{stamp},{epoch},{house.name}:{root.name}"
        return f"{house.code}11{day:%y%m%d}", before

    for day, lot in root.futures:
        head, before = fields(day, lot, root.future_tick)
        name, kind = f",{root.name} {day:%d %b %y} ", FUTURE_OF[root.instrument]
        code = f"{day:%y%b}".upper()
        rest = (
            f"{house.future},{kind}{before}{code}FUT,{house.code},11,{under}-1.0,"
            f"{house.future_type}{tail}"
        )
        yield head, name + rest
    for ladder in root.ladders:
        day = ladder.expiry
        head, before = fields(day, ladder.lot, root.option_tick)
        name = f",{root.name} {day:%d %b %y} "
        monthly = last[day.year, day.month] == day
        code = f"{day:%y}{MONTH_CODES[day.month - 1]}{day:%d}"
        before += f"{day:%y%b}".upper() if monthly else code
        for strike in ladder.strikes:
            short = repr(strike).removesuffix(".0")
            for side in ("CE", "PE"):
                yield (
                    head,
                    f"{name}{short} {side},{root.instrument}{before}{short}{side}"
                    f",{house.code},11,{under}{strike},{side}{tail}",
                )


def _ending(columns: int) -> str:
    fields = ("None", "0", "0.0", "")
    return "".join(f",{field}" for field in fields[: columns - 18])
