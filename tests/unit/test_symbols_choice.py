"""Which contract an alert means: the expiry first, then exactly that strike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.models import IST, Contract, ExpiryWord, OptionType, WantedExpiry
from shared.symbols import Snapshot
from tests.unit.symbol_rows import (
    MONTHLY,
    NEXT,
    WEEKLY,
    pick,
    row,
    snapshot,
)

MARKET = snapshot()
REAL_ROWS = Path(__file__).parents[3] / "shared" / "data" / "NSE_FO_real_rows.csv"


def ist(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=IST)


def both(day: date, monthly: bool = False, close: str = "15:30") -> list[str]:
    return [
        row(day=day, side=side, monthly=monthly, close=close) for side in ("CE", "PE")
    ]


def refusal(found: Snapshot, **words: object) -> str:
    with pytest.raises(BadRequest) as refused:
        pick(found, **words)  # type: ignore[arg-type]  # the words of one test row
    assert refused.value.code == "unknown_symbol"
    return refused.value.message


def test_a_contract_is_the_row_it_stands_in() -> None:
    assert pick(MARKET) == Contract(
        ticker="NSE:NIFTY2621025800CE",
        underlying="NIFTY",
        expiry=WEEKLY,
        expires_at=ist("2026-02-10T15:30"),
        strike=Decimal(25800),
        option_type=OptionType.CE,
        lot=65,
        tick=Decimal("0.05"),
    )


@pytest.mark.parametrize(
    ("expiry", "day"),
    [
        pytest.param(ExpiryWord.WEEKLY, WEEKLY, id="nearest"),
        pytest.param(ExpiryWord.MONTHLY, MONTHLY, id="nearest of the monthly form"),
        pytest.param(WEEKLY, WEEKLY, id="date of the nearest"),
        pytest.param(NEXT, NEXT, id="date of a later week"),
        pytest.param(MONTHLY, MONTHLY, id="date of the monthly"),
    ],
)
def test_an_expiry_is_chosen_by_its_word_or_its_date(
    expiry: WantedExpiry, day: date
) -> None:
    assert pick(MARKET, expiry=expiry).expiry == day


@pytest.mark.parametrize(
    ("now", "day"),
    [
        pytest.param("2026-02-09T15:29:59", WEEKLY, id="the day before"),
        pytest.param("2026-02-10T00:00:00", WEEKLY, id="expiry day, midnight"),
        pytest.param(
            "2026-02-10T04:00:00", WEEKLY, id="expiry day, still 9 Feb in UTC"
        ),
        pytest.param("2026-02-10T09:15:00", WEEKLY, id="expiry day, open"),
        pytest.param("2026-02-10T15:29:59", WEEKLY, id="a second before the close"),
        pytest.param("2026-02-10T15:30:00", WEEKLY, id="at the close"),
        pytest.param("2026-02-10T15:30:01", NEXT, id="a second after the close"),
        pytest.param("2026-02-11T09:15:00", NEXT, id="the day after"),
        pytest.param("2026-02-17T15:30:01", MONTHLY, id="only the monthly is left"),
    ],
)
def test_weekly_is_the_nearest_expiry_that_is_not_over(now: str, day: date) -> None:
    assert pick(MARKET, now=ist(now)).expiry == day


def test_the_clock_may_be_in_any_zone() -> None:
    after = datetime(2026, 2, 10, 10, 0, 1, tzinfo=UTC)
    assert pick(MARKET, now=after).expiry == NEXT


@pytest.mark.parametrize(
    ("close", "now", "day"),
    [
        ("15:30", "2026-02-10T15:35", NEXT),
        ("15:40", "2026-02-10T15:35", WEEKLY),
        ("15:40", "2026-02-10T15:41", NEXT),
        ("20:00", "2026-02-10T19:59", WEEKLY),
    ],
)
def test_the_masters_own_epoch_says_when_an_expiry_is_over(
    close: str, now: str, day: date
) -> None:
    found = snapshot(both(WEEKLY, close=close) + both(NEXT, close=close))
    assert pick(found, now=ist(now)).expiry == day


def test_an_expiry_with_two_closes_is_over_at_the_later() -> None:
    found = snapshot([*both(WEEKLY), row(strike="25900.0", close="15:40")])
    assert pick(found).expires_at == ist("2026-02-10T15:40")


def test_a_date_matches_whatever_the_time_of_its_epoch() -> None:
    for close in ("00:00", "15:30", "15:40", "23:59"):
        found = snapshot(both(NEXT, close=close))
        assert pick(found, expiry=NEXT).expiry == NEXT


def test_monthly_is_told_by_the_ticker_and_not_by_the_calendar() -> None:
    # 30 March 2026 is a Monday: the last Tuesday is a holiday.
    moved, weekly = date(2026, 3, 30), date(2026, 3, 24)
    found = snapshot(both(weekly) + both(moved, monthly=True))
    assert pick(found, expiry=ExpiryWord.MONTHLY).expiry == moved


def test_a_weekly_after_the_monthly_stays_a_weekly() -> None:
    # BANKNIFTY, January 2024: monthly on the 25th, weekly on the 31st.
    monthly, weekly = date(2026, 2, 24), date(2026, 2, 26)
    later = date(2026, 3, 30)
    found = snapshot(
        both(monthly, monthly=True) + both(weekly) + both(later, monthly=True)
    )
    now = ist("2026-02-25T10:00")
    assert pick(found, expiry=ExpiryWord.WEEKLY, now=now).expiry == weekly
    assert pick(found, expiry=ExpiryWord.MONTHLY, now=now).expiry == later


@pytest.mark.parametrize("month", [10, 11, 12])
def test_october_to_december_weeklies_are_no_monthlies(month: int) -> None:
    day = date(2026, month, 6)
    letter = "OND"[month - 10]
    found = snapshot([row(day=day, ticker=f"NSE:NIFTY26{letter}0625800CE")])
    assert pick(found, expiry=ExpiryWord.WEEKLY).expiry == day
    assert "no MONTHLY expiry" in refusal(found, expiry=ExpiryWord.MONTHLY)


def test_a_monthly_of_december_29_is_not_taken_for_a_date() -> None:
    day = date(2029, 12, 24)
    found = snapshot([row(day=day, strike="24000.0", ticker="NSE:NIFTY29DEC24000CE")])
    assert pick(found, expiry=ExpiryWord.MONTHLY, strike="24000").expiry == day


def test_weekly_of_a_stock_is_its_nearest_monthly() -> None:
    assert pick(MARKET, "RELIANCE", strike="1400").expiry == MONTHLY


@pytest.mark.parametrize("strike", ["57.5", "57.50", "57.500", "5.75E+1"], ids=str)
def test_a_strike_is_compared_as_a_number(strike: str) -> None:
    assert pick(MARKET, "PETRONET", strike=strike).ticker == "NSE:PETRONET26FEB57.5CE"


@pytest.mark.parametrize(
    "strike",
    [
        "58",
        "57",
        "57.49",
        "57.501",
        "57.5000000000000000000000000000000001",
        "-57.5",
        "0",
        "5750",
        "NaN",
        "sNaN",
        "Infinity",
        "1E+999999",
        "1E-999999",
    ],
    ids=lambda text: text[:12],
)
def test_a_strike_that_is_not_listed_is_refused(strike: str) -> None:
    message = refusal(MARKET, underlying="PETRONET", strike=strike)
    assert message.endswith("CE is not listed for 2026-02-24; nearest strikes: 57.5")


def test_a_strike_of_another_week_is_never_taken() -> None:
    found = snapshot([row(strike="25800.0"), row(day=NEXT, strike="25900.0")])
    assert "is not listed for 2026-02-10" in refusal(found, strike="25900")


def test_a_refused_strike_names_the_nearest() -> None:
    assert refusal(MARKET, strike="25790") == (
        "NIFTY 25790 CE is not listed for 2026-02-10; "
        "nearest strikes: 25700, 25750, 25800, 25850"
    )


def test_an_unpaired_strike_has_only_its_own_side() -> None:
    found = snapshot([row(side="CE"), row(strike="25850.0", side="PE")])
    assert pick(found, strike="25800", side="CE").option_type is OptionType.CE
    assert "nearest strikes: 25850" in refusal(found, strike="25800", side="PE")


@pytest.mark.parametrize(
    ("expiry", "words"),
    [
        (
            date(2026, 2, 12),
            "NIFTY has no expiry on 2026-02-12; "
            "nearest: 2026-02-10, 2026-02-17, 2026-02-24",
        ),
        (date(2030, 1, 1), "nearest: 2026-02-10, 2026-02-17, 2026-02-24"),
    ],
)
def test_a_date_that_is_not_listed_names_the_nearest(expiry: date, words: str) -> None:
    assert words in refusal(MARKET, expiry=expiry)


def test_a_date_that_is_over_says_so() -> None:
    now = ist("2026-02-10T15:31")
    message = refusal(MARKET, expiry=WEEKLY, now=now)
    assert message == "the 2026-02-10 expiry of NIFTY is over"


def test_when_every_expiry_is_over_nothing_is_chosen() -> None:
    message = refusal(MARKET, now=ist("2026-02-24T15:31"))
    assert message == "NIFTY has no WEEKLY expiry that is not over"


@pytest.mark.parametrize(
    ("name", "strike", "ticker"),
    [
        ("NIFTY", "25800", "NSE:NIFTY2621025800CE"),
        ("NIFTYNXT50", "25800", "NSE:NIFTYNXT5026FEB25800CE"),
        ("RELIANCE", "1400", "NSE:RELIANCE26FEB1400CE"),
        ("PETRONET", "57.5", "NSE:PETRONET26FEB57.5CE"),
        ("M&M", "3500", "NSE:M&M26FEB3500CE"),
        ("BAJAJ-AUTO", "9500", "NSE:BAJAJ-AUTO26FEB9500CE"),
        ("360ONE", "1140", "NSE:360ONE26FEB1140CE"),
    ],
)
def test_names_are_matched_whole(name: str, strike: str, ticker: str) -> None:
    assert pick(MARKET, name, strike=strike).ticker == ticker


@pytest.mark.parametrize(
    "name", ["NIFT", "NIFTY50", "NIFTYN", "ANCE", "CE", "", "M", "../meta.json", "*"]
)
def test_a_part_of_a_name_or_more_is_not_the_name(name: str) -> None:
    assert MARKET.chain(name) is None


@settings(max_examples=50)
@given(
    strikes=st.lists(
        st.decimals("0.05", "99999", places=2), min_size=1, max_size=20, unique=True
    ),
    asked=st.decimals("0.05", "99999", places=2),
)
def test_a_strike_is_found_exactly_if_it_is_listed(
    strikes: list[Decimal], asked: Decimal
) -> None:
    found = snapshot(row(strike=str(strike)) for strike in strikes)
    for strike in (*strikes, asked):
        if strike in strikes:
            assert pick(found, strike=str(strike)).strike == strike
        else:
            refusal(found, strike=str(strike))


def test_real_rows_of_fyers_are_read() -> None:
    if not REAL_ROWS.exists():
        pytest.skip("the reference rows are not on this machine")
    lines = REAL_ROWS.read_text().splitlines()
    options = [fields for line in lines if (fields := line.split(","))[16] != "XX"]
    # The rows stem from several days: one date had two closes.
    for fields in options:
        now = datetime.fromtimestamp(int(fields[8]), IST) - timedelta(hours=1)
        found = pick(
            snapshot([",".join(fields), row("FINNIFTY")], now),
            fields[13],
            now.date(),
            fields[15],
            fields[16],
            now=now,
        )
        assert (found.ticker, str(found.lot)) == (fields[9], fields[3])
