"""What a symbol master may look like, and what never becomes a snapshot."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.models import IST, Contract
from shared.symbols import Snapshot, SnapshotRefused
from shared.symbols.master import build
from tests.unit.symbol_rows import (
    MONTHLY,
    NEXT,
    NOW,
    WEEKLY,
    future,
    market,
    packed,
    pick,
    row,
    snapshot,
    summary,
)


def test_a_snapshot_says_what_it_holds() -> None:
    found = summary(market())
    assert (found.rows, found.contracts, found.underlyings, found.broken) == (
        44,
        42,
        7,
        0,
    )
    assert (found.built_at, found.file_date) == (NOW, date(2026, 2, 6))


def test_the_summary_survives_storing() -> None:
    assert Snapshot(packed()).summary == summary(market())


def test_a_snapshot_of_another_format_is_refused() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("meta.json", '{"format": 2}')
    with pytest.raises(SnapshotRefused, match="another format"):
        Snapshot(other.getvalue())


def test_the_same_file_packs_to_the_same_bytes() -> None:
    assert packed() == packed()


@pytest.mark.parametrize("columns", [17, 18, 19, 21, 22])
def test_every_vintage_reads_alike(columns: int) -> None:
    lines = [row(columns=columns), row(side="PE", columns=columns)]
    assert pick(snapshot(lines)) == pick(snapshot())


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line + "\n" for line in market()], id="LF"),
        pytest.param([line + "\r\n" for line in market()], id="CRLF"),
        pytest.param(["\ufeff" + market()[0], *market()[1:]], id="BOM"),
        pytest.param([",".join(f"c{i}" for i in range(21)), *market()], id="header"),
        pytest.param(["\ufeffFytoken,Details\n", *market()], id="BOM and header"),
        pytest.param(["\n", *market(), "", "\r\n"], id="blank lines"),
        pytest.param(market()[1:], id="first row lost"),
        pytest.param(market()[::-1], id="another order"),
        pytest.param([*market(), market()[0]], id="a row twice"),
    ],
)
def test_harmless_oddities_change_nothing(lines: list[str]) -> None:
    assert pick(snapshot(lines), side="PE") == pick(snapshot(), side="PE")


@pytest.mark.parametrize(
    "strike", ["24000", "24000.0", "24000.00", "24000.000000"], ids=str
)
def test_a_strike_is_the_same_however_it_is_written(strike: str) -> None:
    found = pick(snapshot([row(strike=strike)]), strike="24000")
    assert found.ticker == "NSE:NIFTY2621024000CE"


@pytest.mark.parametrize("kind", ["XX", ""], ids=["XX", "empty type"])
def test_futures_are_counted_and_never_matched(kind: str) -> None:
    found = summary([*market(), future("SBIN", kind)])
    assert (found.rows, found.contracts, found.underlyings) == (45, 42, 7)


@pytest.mark.parametrize("name", ["M&M", "BAJAJ-AUTO", "360ONE"])
def test_odd_names_are_safe_member_names(name: str) -> None:
    chain = snapshot().chain(name)
    assert chain is not None
    assert chain.underlying == name


def test_a_snapshot_has_one_member_per_underlying() -> None:
    names = zipfile.ZipFile(io.BytesIO(packed())).namelist()
    assert sorted(names) == [
        "chain/360ONE",
        "chain/BAJAJ-AUTO",
        "chain/M%26M",
        "chain/NIFTY",
        "chain/NIFTYNXT50",
        "chain/PETRONET",
        "chain/RELIANCE",
        "meta.json",
    ]


def test_lot_and_tick_belong_to_the_row() -> None:
    found = snapshot(
        [row(lot="25"), row(day=NEXT, lot="75", tick="0.01"), row(side="PE", lot="50")]
    )
    weekly, following, put = (
        pick(found),
        pick(found, expiry=NEXT),
        pick(found, side="PE"),
    )
    assert [(c.lot, c.tick) for c in (weekly, following, put)] == [
        (25, Decimal("0.05")),
        (75, Decimal("0.01")),
        (50, Decimal("0.05")),
    ]


def test_the_commonest_date_is_the_files() -> None:
    lines = [*market(), row("SBIN", file_date="2026-01-02")]
    assert summary(lines).file_date == date(2026, 2, 6)


def test_a_file_without_a_date_is_as_of_its_building() -> None:
    found = summary([row(file_date="None")])
    assert (found.file_date, found.as_of) == (None, NOW.astimezone(IST).date())


BROKEN = {
    "too few fields": row(columns=16),
    "another exchange": row().replace("NSE:", "BSE:"),
    "another underlying": row(ticker="NSE:BANKNIFTY2621025800CE"),
    "a longer underlying": row(ticker="NSE:NIFTYNXT502621025800CE"),
    "no underlying": row(underlying=""),
    "underlying with a space": row(underlying="NI FTY"),
    "shifted by one field": "x," + row(),
    "a quoted field": '"' + row().replace(",", '","') + '"',
    "a web page": "<html><body>Service Unavailable</body></html>",
}
"""Nobody can tell whose rows these are."""


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_row_is_left_out_and_counted(line: str) -> None:
    found = summary([row("BANKNIFTY"), line, row("BANKNIFTY", side="PE")])
    assert (found.rows, found.contracts, found.broken) == (2, 2, 1)
    assert found.left_out == ()


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_more_than_a_few_broken_rows_refuse_the_file(line: str) -> None:
    lines = [*market(), *([line] * 11), market()[0]]
    with pytest.raises(
        SnapshotRefused, match="11 rows are broken, the last at line 55"
    ):
        build(lines, NOW, least_rows=1)


ODD = {
    "type cut": [row().replace(",CE,", ",C,")],
    "type in lower case": [row().replace(",CE,", ",ce,")],
    "type of the other side": [row(ticker="NSE:NIFTY2621025800PE")],
    "another strike in the ticker": [row(ticker="NSE:NIFTY2621025850CE")],
    "strike cut to whole": [row(strike="57.5", ticker="NSE:NIFTY2621057CE")],
    "strike of a longer name": [row(strike="800.0", ticker="NSE:NIFTY2621025800CE")],
    "no date code": [row(ticker="NSE:NIFTY25800CE")],
    "month thirteen": [row(ticker="NSE:NIFTY26P1025800CE")],
    "a month nobody knows": [row(ticker="NSE:NIFTY26FOO25800CE")],
    "no expiry": [row(epoch="")],
    "expiry in milliseconds": [row(epoch="1770717600000")],
    "expiry is a date": [row(epoch="2026-02-10")],
    "no lot": [row(lot="")],
    "lot zero": [row(lot="0")],
    "half a lot": [row(lot="0.5")],
    "negative lot": [row(lot="-65")],
    "tick zero": [row(tick="0.0")],
    "tick is text": [row(tick="None")],
    "tick is not a number": [row(tick="nan")],
    "negative strike": [row(strike="-1.0")],
    "strike zero": [row(strike="0.0")],
    "strike below a paisa": [row(strike="57.505")],
    "strike is not a number": [row(strike="nan")],
    "other digits": [row(lot="٦٥")],
    "one contract on two lots": [row(), row(lot="75")],
    "one contract on two ticks": [row(), row(tick="0.01")],
    "one date under two codes": [row(), row(monthly=True)],
    "one code on two dates": [row(), row(day=NEXT, ticker="NSE:NIFTY2621025800CE")],
}
"""Rows of NIFTY that contradict themselves or each other."""


@pytest.mark.parametrize("lines", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("times", [1, 40])
def test_an_odd_underlying_is_left_out_by_name_and_the_others_stay(
    lines: list[str], times: int
) -> None:
    rows = lines * times
    others = [row(f"NAME{number}") for number in range(20)]
    found = snapshot([*rows[:1], *market(), *others, *rows[1:], *others])
    assert found.summary.left_out == ("NIFTY",)
    assert (found.summary.broken, found.summary.underlyings) == (0, 26)
    assert found.chain("NIFTY") is None
    assert pick(found, "NIFTYNXT50").strike == 25800


def test_a_corporate_action_leaves_out_its_own_stock_only() -> None:
    before = [row(f"NAME{number}") for number in range(20)] + market()
    odd = row("NAME7", strike="0.0")
    built = build([*before, odd], NOW, previous=summary(before), least_rows=1)
    assert built.summary.left_out == ("NAME7",)
    assert built.summary.underlyings == 26


REFUSED = {
    "nothing": ([], "0 rows"),
    "only a header": ([",".join(f"c{i}" for i in range(21))], "0 rows"),
    "a web page": (["<!DOCTYPE html>", "<html>"], "web page"),
    "a web page after a BOM": (["\ufeff <html>"], "web page"),
    "the JSON twin": (['{"NSE:NIFTY2621025800CE": {"fyToken": "1"}}'], "JSON"),
    "only futures": ([future(), row(), future("SBIN")], "another segment"),
    "last line cut in the used fields": ([*market(), row()[:60]], "cut off"),
    "last line cut behind them": ([*market(), row(columns=19)], "cut off"),
    "last line cut, then blanks": ([*market(), row()[:60], "\n"], "cut off"),
    "no index": ([row("SBIN"), row("RELIANCE")], "no index"),
    "its only index is odd": ([row("SBIN"), row(lot="0")], "no index"),
    "a file of the future": ([row(file_date="2026-02-11")], "in the future"),
}


@pytest.mark.parametrize(("lines", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_cannot_be_trusted_is_refused(lines: list[str], why: str) -> None:
    with pytest.raises(SnapshotRefused, match=why):
        build(lines, NOW, least_rows=1)


def test_too_few_rows_are_refused_by_default() -> None:
    with pytest.raises(SnapshotRefused, match="fewer than the least 20000"):
        build(market(), NOW)


def test_less_than_half_of_the_last_file_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="21 rows where the last had 44"):
        build(market()[:21], NOW, previous=summary(market()), least_rows=1)


def test_half_of_the_last_file_is_enough() -> None:
    lines = [row(strike=f"{strike}.0") for strike in range(1, 45)]
    built = build(lines[:22], NOW, previous=summary(lines), least_rows=1)
    assert built.summary.rows == 22


@pytest.mark.parametrize(("left", "fine"), [(18, True), (17, False)])
def test_a_tenth_of_the_underlyings_may_go_at_once_and_no_more(
    left: int, fine: bool
) -> None:
    names = [f"NAME{number}" for number in range(19)]
    before = [row(name) for name in ("NIFTY", *names)]
    lines = before[:left]
    if fine:
        built = build(lines, NOW, previous=summary(before), least_rows=1)
        assert built.summary.underlyings == left
        return
    with pytest.raises(SnapshotRefused, match="17 underlyings where the last had 20"):
        build(lines, NOW, previous=summary(before), least_rows=1)


def test_a_file_of_bse_is_read_with_bses_own_measure() -> None:
    lines = [row("SENSEX", exchange="BSE"), row("BANKEX", exchange="BSE")]
    built = build(lines, NOW, exchange="BSE", least_rows=1)
    assert (built.summary.exchange, built.summary.contracts) == ("BSE", 2)
    assert Snapshot(built.data).summary == built.summary
    with pytest.raises(SnapshotRefused, match="fewer than the least 1000"):
        build(lines, NOW, exchange="BSE")


def test_a_file_of_the_other_exchange_is_refused() -> None:
    lines = [row(strike=f"{n}.0", exchange="BSE") for n in range(1, 20)]
    with pytest.raises(SnapshotRefused, match="rows are broken"):
        build(lines, NOW, least_rows=1)


def test_a_snapshot_from_before_there_were_two_exchanges_is_nses() -> None:
    old = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed())) as new, zipfile.ZipFile(old, "w") as to:
        for name in new.namelist():
            text = new.read(name)
            if name == "meta.json":
                meta = json.loads(text)
                del meta["exchange"], meta["left_out"]
                text = json.dumps(meta).encode()
            to.writestr(name, text)
    assert Snapshot(old.getvalue()).summary == summary(market())


def test_a_file_older_than_the_last_is_refused() -> None:
    lines = [row(file_date="2026-02-05")]
    with pytest.raises(SnapshotRefused, match="dated 2026-02-05, the last 2026-02-06"):
        build(lines, NOW, previous=summary([row()]), least_rows=1)


@pytest.mark.parametrize("days", [0, 1, 4, 40])
def test_weekends_and_holidays_do_not_make_a_file_bad(days: int) -> None:
    built = build(market(), NOW + timedelta(days=days), least_rows=1)
    assert built.summary.file_date == date(2026, 2, 6)


@settings(max_examples=50)
@given(position=st.integers(0, len(market()) - 1), cut=st.integers(1, 140))
def test_a_cut_row_never_yields_a_wrong_contract(position: int, cut: int) -> None:
    line = row(strike="25825.0")
    lines = [
        *market()[:position],
        line[: max(0, len(line) - cut)],
        *market()[position:],
    ]
    assert set(_contracts(snapshot(lines))) <= set(
        _contracts(snapshot([*market(), line]))
    )


@settings(max_examples=50)
@given(data=st.data())
def test_a_changed_character_never_moves_another_contract(data: st.DataObject) -> None:
    lines = market()
    index = data.draw(st.integers(1, len(lines) - 2))
    line = lines[index]
    place = data.draw(st.integers(0, len(line) - 1))
    letter = data.draw(st.sampled_from("0123456789ABCEPX,.-: "))
    lines[index] = line[:place] + letter + line[place + 1 :]
    before = _contracts(snapshot())
    try:
        after = _contracts(snapshot(lines))
    except SnapshotRefused:
        return
    assert {key: after[key] for key in after if key in before} == {
        key: before[key] for key in after if key in before
    }
    lost = {ticker[4:9] for ticker in set(before) - set(after)}
    assert len(lost) <= 1  # one underlying at most


def _contracts(found: Snapshot) -> dict[str, tuple[date, Decimal, str]]:
    names = (
        "NIFTY",
        "NIFTYNXT50",
        "RELIANCE",
        "PETRONET",
        "M&M",
        "BAJAJ-AUTO",
        "360ONE",
    )
    strikes = ("25700", "25750", "25800", "25825", "25850", "25900", "57.5")
    return {
        contract.ticker: (contract.expiry, contract.strike, contract.option_type)
        for name in names
        for strike in (*strikes, "1400", "3500", "9500", "1140")
        for side in ("CE", "PE")
        for day in (WEEKLY, NEXT, MONTHLY)
        for contract in _found(found, name, day, strike, side)
    }


def _found(
    found: Snapshot, name: str, day: date, strike: str, side: str
) -> list[Contract]:
    try:
        return [pick(found, name, day, strike, side)]
    except (AssertionError, BadRequest):
        return []
