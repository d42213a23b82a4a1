"""What FYERS shows oddly, late or not at all, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.account.account import Account
from tests.functional.desk import BOOK, ORDERS, POSITIONS

TAG_FORMS = ["upper", "cut", "upper_cut"]
ODD = [
    {"limitPrice": None},
    {"side": 0},
    {"qty": "many"},
    {"productType": ""},
    {"orderDateTime": None, "status": "?"},
    {"filledQty": 1.5},
]


def row_of(symbol: str, **odd: Any) -> dict[str, Any]:
    """Return a row of either book as FYERS shows it, made odd."""
    row: dict[str, Any] = {
        "id": "26112500000099",
        "symbol": symbol,
        "qty": 10,
        "filledQty": 10,
        "remainingQuantity": 0,
        "side": 1,
        "status": 2,
        "type": 1,
        "productType": "INTRADAY",
        "limitPrice": 5.0,
        "stopPrice": 0,
        "tradedPrice": 5.0,
        "orderTag": "2:Untagged",
        "message": "",
        "orderDateTime": "25-Nov-2026 09:20:00",
        "netQty": 10,
        "dayBuyQty": 10,
        "daySellQty": 0,
        "cfBuyQty": 0,
        "cfSellQty": 0,
    }
    return row | odd


# --- Blind ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [BOOK, POSITIONS])
def test_three_minutes_without_a_book_are_told_once_and_their_end_once(
    account: Account, path: str
) -> None:
    account.open()
    account.run()
    account.fault("html", path, method="GET", times=-1)
    account.pass_(60)
    account.run(3)
    assert account.notices == []
    account.pass_(60)
    account.run(4)
    (notice,) = account.notices
    assert (notice["event"], notice["severity"]) == ("blind", "CRITICAL")
    assert account.ticker in notice["message"]
    account.fyers.faults.clear()
    account.pass_(60)
    account.run(3)
    assert [n["event"] for n in account.notices] == ["blind", "sees_again"]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_row_of_another_instrument_blinds_nothing(
    account: Account, odd: dict[str, Any]
) -> None:
    row = row_of("NSE:SBIN-EQ", **odd)
    account.change(extra_orders=[row], extra_positions=[row])
    account.open()
    account.run(5)
    assert account.notices == []
    account.closed()
    account.run(2)
    assert account.flat()
    assert account.notices == []


@pytest.mark.parametrize(
    "which", ["extra_orders", "extra_positions"], ids=["order book", "positions"]
)
def test_an_odd_row_of_our_contract_stops_a_close_and_is_told(
    account: Account, which: str
) -> None:
    account.open()
    account.run()
    account.change(**{which: [row_of(account.ticker, qty="many", netQty=None)]})
    alert = account.alert(account.kind.closes)
    assert account.delivered(alert) == [503] * 4
    assert account.net == account.kind.sign * account.lot
    account.run(5)
    (blind,) = account.told("blind")
    assert account.ticker in blind["message"]
    (notice,) = account.told("exit_not_sent")
    assert notice["severity"] == "CRITICAL"


# --- Tags and ids ---------------------------------------------------------------------


@pytest.mark.parametrize("form", TAG_FORMS)
def test_an_order_whose_tag_was_changed_is_still_ours(
    account: Account, form: str
) -> None:
    account.change(tag_form=form)
    account.fault("close", ORDERS, method="POST")
    account.fault("html", BOOK, method="GET")
    assert account.post(account.alert(account.kind.opens)).status_code == 202
    account.pass_(40)
    account.run()
    assert account.told("not_sent") == []
    (found,) = account.told("order_found")
    account.is_about(found, account.lot, side=account.kind.opening)
    account.closed()
    account.run(2)
    assert account.flat()


@pytest.mark.parametrize("form", ["sent", *TAG_FORMS])
def test_an_order_whose_id_has_a_suffix_in_the_book_is_followed(
    account: Account, form: str
) -> None:
    account.change(id_suffix="-BO-1", tag_form=form)
    account.open()
    account.run()
    account.pass_(121)
    account.run(2)
    assert account.notices == []
    account.closed()
    account.run()
    account.pass_(121)
    account.run(2)
    assert account.flat()
    assert account.notices == []


def test_an_unclear_refusal_that_was_taken_is_found(account: Account) -> None:
    account.fault("unclear_taken", ORDERS, method="POST")
    account.fault("html", BOOK, method="GET")
    assert account.post(account.alert(account.kind.opens)).status_code == 202
    account.pass_(60)
    account.run()
    assert account.told("not_sent") == []
    assert len(account.told("order_found")) == 1
    account.closed()
    account.run(2)
    assert account.flat()
