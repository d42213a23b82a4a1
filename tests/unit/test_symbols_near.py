"""Strikes counted from the money: ties, edges, gaps and prices that are none."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from shared.errors import BadRequest, Unavailable
from shared.models import IST, ExpiryWord, OptionType, RelativeStrike, StrikeKind
from shared.symbols import Expiry, choose_strike
from tests.unit.symbol_rows import MONTHLY, NEXT, NOW, WEEKLY, row, snapshot

CE, PE = OptionType.CE, OptionType.PE
LADDER = tuple(Decimal(strike) for strike in (25700, 25750, 25800, 25850, 26000))


def word(text: str) -> RelativeStrike:
    return RelativeStrike(StrikeKind(text[:3]), int(text[3:] or 0))


def chosen(text: str, price: str, side: OptionType = CE) -> int:
    return int(choose_strike(word(text), side, Decimal(price), LADDER))


@pytest.mark.parametrize(
    ("price", "strike"),
    [
        ("25800", 25800),
        ("25820", 25800),
        ("25825", 25800),
        ("25825.05", 25850),
        ("25775", 25750),
        ("25925", 25850),
        ("25925.05", 26000),
        ("25000", 25700),
        ("30000", 26000),
    ],
)
def test_atm_is_the_nearest_strike_and_the_lower_of_a_tie(
    price: str, strike: int
) -> None:
    assert chosen("ATM", price) == strike


@pytest.mark.parametrize(
    ("text", "side", "strike"),
    [
        ("ATM+1", CE, 25850),
        ("ATM+1", PE, 25850),
        ("ATM-2", CE, 25700),
        ("OTM1", CE, 25850),
        ("OTM1", PE, 25750),
        ("ITM1", CE, 25750),
        ("ITM1", PE, 25850),
        ("OTM2", CE, 26000),
    ],
)
def test_steps_are_listed_strikes_and_out_depends_on_the_side(
    text: str, side: OptionType, strike: int
) -> None:
    assert chosen(text, "25800", side) == strike


@pytest.mark.parametrize("text", ["ATM+3", "ATM-3", "OTM3", "ITM3"])
def test_beyond_the_last_strike_there_is_none(text: str) -> None:
    with pytest.raises(LookupError):
        chosen(text, "25800")


@pytest.mark.parametrize("price", ["0", "12000", "2580000"])
def test_a_price_out_of_all_proportion_is_none_of_this_underlying(price: str) -> None:
    with pytest.raises(Unavailable):
        chosen("ATM", price)


def listed() -> Expiry:
    lines = [row(strike=f"{strike}.0") for strike in (25700, 25750, 25850)]
    chain = snapshot([*lines, row(strike="25800.0", side="PE")]).chain("NIFTY")
    assert chain is not None
    return chain.expiry(ExpiryWord.WEEKLY, NOW)


def test_only_the_strikes_of_the_side_itself_count() -> None:
    expiry = listed()
    assert expiry.near(word("ATM"), PE, Decimal(25700)).strike == 25800
    assert expiry.near(word("ATM"), CE, Decimal(25800)).strike == 25750
    assert expiry.near(word("ATM+1"), CE, Decimal(25790)).ticker == (
        "NSE:NIFTY2621025850CE"
    )


def test_a_strike_beyond_the_edge_says_where_the_edge_is() -> None:
    with pytest.raises(BadRequest) as refused:
        listed().near(word("OTM5"), CE, Decimal(25750))
    assert refused.value.code == "unknown_symbol"
    assert refused.value.message == (
        "NIFTY lists no OTM5 CE for 2026-02-10: its strikes go from 25700 to 25850"
    )


def test_a_side_without_a_strike_is_refused() -> None:
    chain = snapshot([row(side="PE")]).chain("NIFTY")
    assert chain is not None
    with pytest.raises(BadRequest, match="NIFTY lists no CE for 2026-02-10"):
        chain.expiries[0].near(word("ATM"), CE, Decimal(25800))


LATER = date(2026, 3, 30)
LISTED = [
    row(day=WEEKLY),
    row(day=NEXT),
    row(day=MONTHLY, monthly=True),
    row(day=LATER, monthly=True),
]


@pytest.mark.parametrize(
    ("expiry", "now", "day"),
    [
        (ExpiryWord.NEXT_WEEKLY, NOW, NEXT),
        (ExpiryWord.NEXT_MONTHLY, NOW, LATER),
        (ExpiryWord.NEXT_WEEKLY, datetime(2026, 2, 10, 15, 31, tzinfo=IST), MONTHLY),
        (ExpiryWord.NEXT_WEEKLY, datetime(2026, 2, 17, 15, 31, tzinfo=IST), LATER),
    ],
)
def test_next_is_the_one_after_the_nearest(
    expiry: ExpiryWord, now: datetime, day: date
) -> None:
    chain = snapshot(LISTED).chain("NIFTY")
    assert chain is not None
    assert chain.expiry(expiry, now).day == day


@pytest.mark.parametrize("expiry", [ExpiryWord.NEXT_WEEKLY, ExpiryWord.NEXT_MONTHLY])
def test_without_one_more_expiry_next_is_none(expiry: ExpiryWord) -> None:
    chain = snapshot([row(day=MONTHLY, monthly=True)]).chain("NIFTY")
    assert chain is not None
    with pytest.raises(BadRequest, match=f"NIFTY has no {expiry} expiry"):
        chain.expiry(expiry, NOW)
