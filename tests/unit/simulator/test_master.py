"""The synthetic symbol master obeys the rules of the real one."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from simulator import master
from simulator.expiries import HOLIDAYS, listed, monthly, trading_day
from simulator.master.__main__ import main
from simulator.options import IST

DAYS = [date(2026, 2, 9) + timedelta(days=53 * step) for step in range(14)]


@cache
def rows(asof: date = date(2026, 11, 24)) -> list[list[str]]:
    return [line.split(",") for line in master.lines(asof, stocks=12)]


def expiry(row: list[str]) -> date:
    return datetime.fromtimestamp(int(row[8]), IST).date()


def test_nifty_lists_the_18_expiries_of_february_2026() -> None:
    found = {expiry(row) for row in rows(date(2026, 2, 9)) if row[13] == "NIFTY"}
    assert sorted(found) == [
        date.fromisoformat(day)
        for day in (
            *("2026-02-10", "2026-02-17", "2026-02-24", "2026-03-02", "2026-03-10"),
            *("2026-03-30", "2026-04-28", "2026-06-30", "2026-09-29", "2026-12-29"),
            *("2027-06-29", "2027-12-28", "2028-06-27", "2028-12-26", "2029-06-26"),
            *("2029-12-24", "2030-06-25", "2030-12-31"),
        )
    ]


@pytest.mark.parametrize(
    ("holiday", "moved"),
    [
        ("2026-03-03", "2026-03-02"),
        ("2026-03-31", "2026-03-30"),
        ("2026-11-10", "2026-11-09"),
        ("2026-11-24", "2026-11-23"),
    ],
)
def test_an_expiry_on_a_holiday_moves_to_the_trading_day_before(
    holiday: str, moved: str
) -> None:
    assert trading_day(date.fromisoformat(holiday)) == date.fromisoformat(moved)


def test_a_monthly_expiry_moves_with_its_holiday() -> None:
    assert monthly(2026, 11) == date(2026, 11, 23)


@pytest.mark.parametrize("asof", DAYS, ids=str)
def test_no_listed_expiry_is_over_or_on_a_holiday(asof: date) -> None:
    found = listed(asof)
    days = (*found.weekly, *found.monthly, *found.quarterly, *found.half_yearly)
    assert [d for d in days if d < asof or d.weekday() > 4 or d in HOLIDAYS] == []


@pytest.mark.parametrize("asof", DAYS, ids=str)
def test_every_day_has_four_weekly_and_three_monthly_expiries(asof: date) -> None:
    found = listed(asof)
    assert (len(set(found.weekly)), len(set(found.monthly))) == (4, 3)


def test_an_expiry_day_still_lists_its_own_contracts() -> None:
    assert min(map(expiry, rows(date(2026, 12, 1)))) == date(2026, 12, 1)


def test_only_nifty_has_weeklies() -> None:
    months = set(listed(date(2026, 11, 24)).monthly)
    later = listed(date(2026, 11, 24)).quarterly
    stray = {r[13] for r in rows() if expiry(r) not in months | set(later)}
    assert stray == {"NIFTY"}


def test_a_contract_is_listed_once() -> None:
    keys = [(r[13], r[8], r[15], r[16]) for r in rows()]
    assert len(set(keys)) == len(keys)


def test_a_ticker_is_listed_once() -> None:
    tickers = [r[9] for r in rows()]
    assert len(set(tickers)) == len(tickers)


def test_lines_are_sorted_by_their_token_as_text() -> None:
    tokens = [r[0] for r in rows()]
    assert tokens == sorted(tokens)


def test_a_token_holds_exchange_segment_expiry_and_scrip_code() -> None:
    wrong = [r for r in rows() if r[0] != f"1011{expiry(r):%y%m%d}{r[12]}"]
    assert wrong == []


def test_the_last_expiry_of_a_month_carries_the_monthly_ticker() -> None:
    last: dict[tuple[str, int, int], date] = defaultdict(lambda: date.min)
    for r in rows():
        day = expiry(r)
        key = r[13], day.year, day.month
        last[key] = max(last[key], day)
    wrong = []
    for r in rows():
        day = expiry(r)
        is_last = last[r[13], day.year, day.month] == day
        code = f"{day:%y%b}".upper()
        if r[9].startswith(f"NSE:{r[13]}{code}") != is_last:
            wrong.append(r[9])
    assert wrong == []


def test_a_weekly_ticker_has_a_month_letter_and_a_two_digit_day() -> None:
    assert "NSE:NIFTY26D0126000CE" in {r[9] for r in rows()}


def test_a_december_weekly_line_has_the_form_of_a_real_one() -> None:
    line = list(next(r for r in rows() if r[9] == "NSE:NIFTY26D0126000CE"))
    line[0] = line[12] = "token"
    assert ",".join(line) == (
        "token,NIFTY 01 Dec 26 26000 CE,14,65,0.05,,0915-1540|1815-1915:,2026-11-23,"
        "1796119800,NSE:NIFTY26D0126000CE,10,11,token,NIFTY,26000,26000.0,CE,"
        "101000000026000,None,0,0.0"
    )


@pytest.mark.parametrize(
    ("root", "lot"),
    [
        ("NIFTY", "65"),
        ("BANKNIFTY", "30"),
        ("FINNIFTY", "60"),
        ("MIDCPNIFTY", "120"),
        ("NIFTYNXT50", "25"),
    ],
)
def test_an_index_has_its_lot_of_2026(root: str, lot: str) -> None:
    assert {r[3] for r in rows() if r[13] == root} == {lot}


@pytest.mark.parametrize("name", ["M&M", "BAJAJ-AUTO", "360ONE", "NAM-INDIA"])
def test_awkward_names_are_listed(name: str) -> None:
    assert any(r[13] == name and r[9].startswith(f"NSE:{name}26") for r in rows())


def test_a_decimal_strike_keeps_its_decimals_in_the_ticker() -> None:
    row = next(r for r in rows() if r[13] == "HINDPETRO" and r[16] == "PE")
    assert row[15].endswith(".75")
    assert row[9].endswith(f"{row[15]}PE")


def test_futures_have_no_strike() -> None:
    assert {r[15] for r in rows() if r[16] == "XX"} == {"-1.0"}


def test_mixed_lots_put_two_lot_sizes_on_one_root() -> None:
    made = master.lines(date(2026, 11, 24), stocks=0, mixed_lots=True)
    lots = {line.split(",")[3] for line in made if ",NIFTY,26000," in line}
    assert lots == {"65", "75"}


@pytest.mark.parametrize("columns", [18, 19, 21, 22])
def test_a_vintage_has_its_number_of_columns(columns: int) -> None:
    made = master.lines(date(2026, 11, 24), stocks=0, columns=columns)
    assert {line.count(",") + 1 for line in made} == {columns}


def test_an_unknown_vintage_is_refused() -> None:
    with pytest.raises(ValueError, match="columns must be one of"):
        master.lines(date(2026, 11, 24), columns=20)


def test_the_close_moves_session_and_epoch() -> None:
    line = master.lines(date(2026, 2, 9), stocks=0, close="15:30")[0].split(",")
    assert line[6] == "0915-1530|1815-1915:"
    assert datetime.fromtimestamp(int(line[8]), IST).time().isoformat() == "15:30:00"


@pytest.mark.parametrize("least", [15_000, 30_000])
def test_rows_sets_a_least_size(least: int) -> None:
    assert 0 <= len(master.lines(date(2026, 11, 24), rows=least)) - least < 1500


def test_the_same_day_makes_the_same_file() -> None:
    asof = date(2026, 11, 24)
    assert master.lines(asof, stocks=11) == master.lines(asof, stocks=11)


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "NSE_FO.csv"
    main([str(out), "--asof", "2026-11-24", "--stocks", "1"])
    assert out.read_bytes().count(b"\n") == len(
        master.lines(date(2026, 11, 24), stocks=1)
    )


REAL = {
    "NSE": (
        "101126092935086,NIFTY 29 Sep 26 29200 CE,14,65,0.05,,0915-1540|1815-1915:,"
        "2026-09-09,1790676600,NSE:NIFTY26SEP29200CE,10,11,35086,NIFTY,26000,29200.0,"
        "CE,101000000026000,None,0,0.0"
    ),
    "BSE": (
        "12112511131101649,SENSEX 13 Nov 25 74700 CE,14,20,0.05,,0915-1540|1815-1915:,"
        "2025-11-12,1763028600,BSE:SENSEX25N1374700CE,12,11,1101649,SENSEX,1,74700.0,"
        "CE,12100000001,None,0,0.0"
    ),
}
"""Lines of FYERS's files; the second has today's date order and close."""


@pytest.mark.parametrize(
    ("exchange", "asof"), [("NSE", date(2026, 9, 9)), ("BSE", date(2025, 11, 13))]
)
def test_a_line_differs_from_a_real_one_only_in_token_and_date(
    exchange: str, asof: date
) -> None:
    real = REAL[exchange].split(",")
    made = master.lines(asof, stocks=0, exchange=exchange)
    line = next(row for row in (x.split(",") for x in made) if row[9] == real[9])
    token, day = real[12], real[7]
    line[0] = line[0].removesuffix(line[12]) + token
    line[7], line[12] = day, token
    assert line == real


BSE = date(2026, 11, 25)


@cache
def bse_rows() -> list[list[str]]:
    made = master.lines(BSE, rows=7_000, exchange="BSE")
    return [line.split(",") for line in made]


def test_sensex_has_weeklies_on_thursdays_and_bankex_none() -> None:
    found = {
        name: sorted({expiry(r) for r in bse_rows() if r[13] == name})
        for name in ("SENSEX", "BANKEX")
    }
    months = ["2026-11-26", "2026-12-31", "2027-01-28"]
    weeks = ["2026-12-03", "2026-12-10", "2026-12-17", "2026-12-24"]
    assert [d.isoformat() for d in found["BANKEX"]] == months
    assert [d.isoformat() for d in found["SENSEX"]][:7] == sorted(months + weeks)


def test_a_bse_file_has_its_exchange_in_ticker_token_and_column() -> None:
    wrong = [
        r
        for r in bse_rows()
        if not (r[9].startswith(f"BSE:{r[13]}") and r[0].startswith("1211"))
        or r[10] != "12"
    ]
    assert (wrong, len(bse_rows()) >= 7_000) == ([], True)


def test_a_bse_future_has_no_option_type() -> None:
    futures = [r for r in bse_rows() if r[15] == "-1.0"]
    assert {(r[16], r[1][-5:]) for r in futures} == {("", " FUT ")}


def test_bse_lists_some_stocks_of_nse_too() -> None:
    assert {"RELIANCE", "SBIN"} < {r[13] for r in bse_rows()}
