"""The roots of synthetic F&O lists: indices, known stocks and made-up ones.

Lots, strike steps and ladders are those of 2026. Made-up names start with `ZZ`; some
end in CE, PE, BANK or FIN, as real ones do, to catch matching by prefix or suffix.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from simulator.expiries import Expiries

INDEX, STOCK = 14, 15
"""FYERS instrument types of options; a future of the same root is 3 or 2 below."""
FUTURE_OF = {INDEX: 11, STOCK: 13}

Strikes = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """The strikes of one expiry and the lot size of its contracts."""

    expiry: date
    lot: int
    strikes: Strikes


@dataclass(frozen=True, slots=True)
class Root:
    """One underlying with everything listed on it."""

    name: str
    token: int
    instrument: int
    option_tick: float
    future_tick: float
    futures: tuple[tuple[date, int], ...]
    """Expiry and lot size."""
    ladders: tuple[Ladder, ...]


STEPS = {20: 52, 10: 40, 5: 32, 50: 27, 2.5: 25, 1: 19, 100: 11, 250: 4, 500: 2}
"""Strike step to its weight among stocks."""
SPOTS: dict[float, tuple[float, float]] = {
    1: (9, 150),
    2.5: (150, 400),
    5: (350, 1000),
    10: (700, 1500),
    20: (1000, 3000),
    50: (2500, 7000),
    100: (6000, 14000),
    250: (15000, 40000),
    500: (60000, 150000),
}
KNOWN: dict[str, tuple[int, int, float, float]] = {
    "RELIANCE": (2885, 500, 1400, 10),
    "SBIN": (3045, 750, 1080, 5),
    "M&M": (2031, 200, 3500, 50),
    "BAJAJ-AUTO": (16669, 75, 9500, 100),
    "360ONE": (13061, 500, 1140, 20),
    "NAM-INDIA": (357, 700, 900, 10),
    "HINDPETRO": (1406, 2025, 430, 5),
    "MARUTI": (10999, 50, 15000, 100),
    "IDEA": (14366, 71475, 11, 1),
}
"""Name to cash token, lot, spot and strike step."""
BSE_TOKENS = {"RELIANCE": 500325, "SBIN": 500112, "M&M": 500520, "MARUTI": 532500}
"""Cash tokens of the known stocks that BSE lists too."""
SHIFTED = {"HINDPETRO": 0.75}
"""Strikes moved by a corporate action, as HINDPETRO's 300.75."""
LETTERS = "ABCDEFGHIJKLMNOPRSTUVY"


def indices(expiries: Expiries, *, mixed_lots: bool) -> Iterator[Root]:
    """Yield the five index roots.

    `mixed_lots` keeps the old lot on the near month and the quarterlies of NIFTY and
    BANKNIFTY, as in the files of late 2025 (75 beside 65, 35 beside 30).
    """
    near, near2, near3 = expiries.monthly
    stale = {near, *expiries.quarterly} if mixed_lots else set()

    def ladder(expiry: date, lot: int, old: int, strikes: Strikes) -> Ladder:
        return Ladder(expiry, old if expiry in stale else lot, strikes)

    core = tuple(19600.0 + 50 * i for i in range(231))
    wide = tuple(sorted({*core, *(9000.0 + 1000 * i for i in range(33))}))
    far = tuple(3000.0 + 1500 * i for i in range(32))
    nifty = [ladder(e, 65, 75, core) for e in (*expiries.weekly, near, near3)]
    nifty.append(ladder(near2, 65, 75, wide))
    later = (*expiries.quarterly, *expiries.half_yearly)
    nifty += [ladder(e, 65, 75, far) for e in later]
    bank_near = _grid(36000, 44000, 76300, 83000, 100, 5)
    bank_far = tuple(36000.0 + 1500 * i for i in range(32))
    bank = [ladder(e, 30, 35, bank_near) for e in expiries.monthly]
    bank += [ladder(e, 30, 35, bank_far) for e in expiries.quarterly]
    fin = [Ladder(near, 60, _grid(18000, 23000, 32000, 37000, 50, 2))]
    fin_far = _grid(18000, 21000, 34500, 37000, 100, 5)
    fin += [Ladder(e, 60, fin_far) for e in (near2, near3)]
    mid = _grid(8500, 11000, 16500, 18600, 25, 4)
    next50 = _grid(36500, 54000, 82400, 100500, 100, 5)
    yield _index("NIFTY", 26000, 0.1, nifty, expiries)
    yield _index("BANKNIFTY", 26009, 0.2, bank, expiries)
    yield _index("FINNIFTY", 26037, 0.1, fin, expiries)
    months = expiries.monthly
    yield _index(
        "MIDCPNIFTY", 26074, 0.05, [Ladder(e, 120, mid) for e in months], expiries
    )
    yield _index(
        "NIFTYNXT50", 26013, 0.2, [Ladder(e, 25, next50) for e in months], expiries
    )


def bse_indices(expiries: Expiries) -> Iterator[Root]:
    """Yield SENSEX, with weeklies, and BANKEX, without."""
    near = _grid(60000, 74000, 96000, 110000, 100, 5)
    far = tuple(60000.0 + 1000 * i for i in range(51))
    sensex = [Ladder(e, 20, near) for e in (*expiries.weekly, *expiries.monthly)]
    sensex += [Ladder(e, 20, far) for e in expiries.quarterly]
    bank = _grid(45000, 54000, 76000, 85000, 100, 5)
    bankex = [Ladder(e, 30, bank) for e in expiries.monthly]
    yield _index("SENSEX", 1, 0.05, sensex, expiries)
    yield _index("BANKEX", 12, 0.05, bankex, expiries)


def bse_stocks(expiries: Expiries) -> Iterator[Root]:
    """Yield the known stocks that BSE lists too."""
    for name, token in BSE_TOKENS.items():
        _, lot, spot, step = KNOWN[name]
        yield _stock(name, token, lot, spot, step, 0, expiries)


def stocks(expiries: Expiries, draw: random.Random) -> Iterator[Root]:
    """Yield stock roots without end: the known ones, then made-up ones."""
    for name, (token, lot, spot, step) in KNOWN.items():
        yield _stock(name, token, lot, spot, step, SHIFTED.get(name, 0), expiries)
    taken = set(KNOWN)
    token = 20000
    while True:
        token += 1
        step = draw.choices(list(STEPS), list(STEPS.values()))[0]
        spot = draw.uniform(*SPOTS[step])
        lot = max(15, round(draw.uniform(7.5e5, 1.5e6) / spot / 25) * 25)
        shift = draw.choice((0.35, 0.75)) if draw.random() < 0.03 else 0
        middle = "".join(draw.choices(LETTERS, k=draw.randint(3, 9)))
        name = f"ZZ{middle}{draw.choice(('', '', '', 'CE', 'PE', 'BANK', 'FIN'))}"
        if name not in taken:
            taken.add(name)
            yield _stock(name, token, lot, spot, step, shift, expiries)


def _index(
    name: str, token: int, tick: float, ladders: list[Ladder], expiries: Expiries
) -> Root:
    lots = {ladder.expiry: ladder.lot for ladder in ladders}
    futures = tuple((day, lots[day]) for day in expiries.monthly)
    return Root(name, token, INDEX, 0.05, tick, futures, tuple(ladders))


def _stock(
    name: str,
    token: int,
    lot: int,
    spot: float,
    step: float,
    shift: float,
    expiries: Expiries,
) -> Root:
    half = max(8, min(46, int(spot * 0.33 / step)))
    centre, double = round(spot / step) * step, 2 * step
    middle, reach = round(centre / double) * double, half // 2 * double
    low, high = 0.45 * spot, 1.55 * spot
    near = _grid(low, centre - half * step, centre + half * step, high, step, 2)
    far = _grid(low, middle - reach, middle + reach, high, double, 2)
    if shift:
        near = tuple(round(strike + shift, 2) for strike in near)
    one, two, three = expiries.monthly
    ladders = (Ladder(one, lot, near), Ladder(two, lot, near), Ladder(three, lot, far))
    futures = tuple((day, lot) for day in expiries.monthly)
    option_tick = 0.01 if spot < 250 else 0.05
    return Root(name, token, STOCK, option_tick, _future_tick(spot), futures, ladders)


def _future_tick(spot: float) -> float:
    bands = ((250, 0.01), (1000, 0.05), (5000, 0.1), (10000, 0.5), (20000, 1.0))
    return next((tick for below, tick in bands if spot < below), 5.0)


def _grid(
    low: float, core_low: float, core_high: float, high: float, step: float, wing: int
) -> Strikes:
    """Return strikes `step` apart in the core and `wing` steps apart outside it."""
    out = [core_low + step * i for i in range(int((core_high - core_low) / step) + 1)]
    wide = wing * step
    out += [core_low - wide * i for i in range(1, int((core_low - low) / wide) + 1)]
    out += [core_high + wide * i for i in range(1, int((high - core_high) / wide) + 1)]
    return tuple(sorted({round(float(strike), 2) for strike in out if strike > 0}))
