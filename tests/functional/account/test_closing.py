"""What one close does, whatever else works or is open in its contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.account.account import EVERY, SHORTS, SOLD, Account, Kind
from tests.functional.desk import ORDERS
from tests.support.waiting import until

CANCELS = "/api/v3/"


@pytest.fixture(params=[*EVERY, SOLD], ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def test_a_far_order_of_the_owner_takes_nothing_off_a_close(account: Account) -> None:
    account.open(lots=2)
    far = 5.0 if account.kind.side == "BUY" else 300.0
    resting = account.by_hand(account.kind.side, type=1, limitPrice=far)
    reply = account.closed()
    assert account.sent()[1:] == [(account.kind.side, 2 * account.lot)]
    assert account.net == 0
    assert account.working() == [resting]
    (notice,) = account.told("hand_order_works")
    assert resting in notice["message"]
    assert resting in reply["note"]
    account.is_about(notice, 2 * account.lot)


@pytest.mark.parametrize("kind_of_stop", [3, 4], ids=["SL-M", "SL-L"])
def test_a_stop_placed_by_hand_in_place_of_a_lost_one_stops_no_close(
    account: Account, kind_of_stop: int
) -> None:
    account.change(stop_orders="allowed")
    account.fault("exits_vanish", ORDERS)
    account.open()
    account.run()
    account.pass_(61)
    account.run()
    assert [n["event"] for n in account.notices] == ["exits_missing"]
    up = -account.kind.sign
    limit: dict[str, Any] = {"limitPrice": 100.0 + up * 20} if kind_of_stop == 4 else {}
    stop = account.by_hand(
        account.kind.side, type=kind_of_stop, stopPrice=100.0 + up * 15, **limit
    )
    account.closed()
    assert account.net == 0
    if account.working():
        (notice,) = account.told("hand_order_works")
        assert stop in notice["message"]


def test_the_exits_of_a_short_go_only_after_its_cover_was_sent(
    shorts: Account,
) -> None:
    shorts.open()
    shorts.closed()
    calls = [call.method for call in shorts.fyers.calls if call.method != "GET"]
    assert calls == ["POST", "POST", "DELETE"]
    assert shorts.flat()


def test_the_exits_of_a_long_are_cancelled_before_its_sell_is_sent(
    longs: Account,
) -> None:
    longs.open()
    longs.closed()
    calls = [call.method for call in longs.fyers.calls if call.method != "GET"]
    assert calls == ["POST", "DELETE", "POST"]
    assert longs.flat()


@pytest.mark.parametrize("kind", [*SHORTS, SOLD], ids=str)
def test_half_of_a_position_is_closed_and_the_exits_keep_the_rest(
    account: Account,
) -> None:
    account.open(lots=2)
    account.closed(qty=account.lot)
    assert account.net == account.kind.sign * account.lot
    account.run(2)
    assert account.exits() == {"stop": account.lot, "target": account.lot}
    assert account.notices == []


# --- An entry that still works --------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY, ids=str)
def test_a_working_entry_is_cancelled_by_the_close_and_the_answer_says_so(
    account: Account,
) -> None:
    account.rests()
    entry = account.open()["order_id"]
    reply = account.close()
    assert reply.status_code == 400
    assert entry in reply.json()["error"]
    assert "cancelled" in reply.json()["error"]
    assert account.row(entry)["status"] == 1
    assert account.flat()


@pytest.mark.parametrize("kind", EVERY, ids=str)
def test_an_entry_that_fills_while_it_is_cancelled_is_closed(account: Account) -> None:
    account.rests()
    entry = account.open()["order_id"]
    account.fault("slow", CANCELS, method="DELETE", when="before", delay=0.4)
    closing = account.posting(account.alert(account.kind.closes))
    until(lambda: bool(account.calls("DELETE")))
    account.change(orders=[{"id": entry, "status": "filled"}])
    first = closing.reply()
    if first.status_code == 503:  # it filled, so its exits had to be read and cut too
        assert account.close().status_code == 200
    account.run(2)
    assert account.flat()
    assert account.told("unexpected_position") == []


@pytest.mark.parametrize("kind", EVERY, ids=str)
def test_an_entry_that_cannot_be_cancelled_makes_the_close_wait_and_then_tells(
    account: Account,
) -> None:
    account.rests()
    account.open()
    account.fault("html", CANCELS, method="DELETE", times=-1, when="before")
    alert = account.alert(account.kind.closes)
    assert account.delivered(alert) == [503] * 4
    account.pass_(31)
    account.run()
    (notice,) = account.told("exit_not_sent")
    assert notice["severity"] == "CRITICAL"
    assert account.sent() == [(account.kind.opening, account.lot)]


def test_the_rest_of_an_entry_goes_with_the_close_of_its_filled_part(
    account: Account,
) -> None:
    account.fault("partfill", ORDERS, method="POST")
    entry = account.open(lots=2)["order_id"]
    assert account.net == account.kind.sign * account.lot
    reply = account.closed()
    assert entry in reply["note"]
    assert account.row(entry)["status"] == 1
    assert account.sent()[1:] == [(account.kind.side, account.lot)]
    account.run(2)
    assert account.flat()


# --- A close that does not trade ------------------------------------------------------


def test_the_stop_stands_when_a_cover_is_refused_a_moment_later(
    shorts: Account,
) -> None:
    shorts.open()
    shorts.fault("rms_later", ORDERS, method="POST")
    shorts.closed()
    shorts.pass_(1)
    shorts.run()
    assert shorts.exits() == {"stop": shorts.lot, "target": shorts.lot}
    (notice,) = shorts.told("order_rejected")
    assert notice["severity"] == "CRITICAL"
    assert "stop works for all of it" in notice["message"]
    shorts.is_about(notice, shorts.lot)


def test_the_exits_go_when_a_resting_cover_trades_later(shorts: Account) -> None:
    shorts.open()
    shorts.rests()
    cover = shorts.closed()["order_id"]
    shorts.run()
    shorts.change(orders=[{"id": cover, "status": "filled"}])
    shorts.pass_(60)
    shorts.run()
    assert shorts.flat()


def test_a_sell_that_is_refused_a_moment_later_says_that_no_stop_works(
    longs: Account,
) -> None:
    longs.open()
    longs.fault("rms_later", ORDERS, method="POST")
    longs.closed()
    longs.pass_(1)
    longs.run()
    (notice,) = longs.told("order_rejected")
    assert notice["severity"] == "CRITICAL"
    assert "NO stop works" in notice["message"]
    longs.pass_(61)
    longs.run()
    (missing,) = longs.told("exits_missing")
    longs.is_about(missing, longs.lot)


# --- Size -----------------------------------------------------------------------------


def test_a_position_beyond_the_freeze_quantity_is_closed_whole(
    account: Account,
) -> None:
    size = 30 * account.lot  # 1,950 NIFTY; FYERS takes 1,800 in one order
    account.change(
        positions=[
            {
                "symbol": account.ticker,
                "productType": account.kind.product,
                "netQty": account.kind.sign * size,
            }
        ]
    )
    reply = account.closed()
    assert account.net == 0
    assert len(reply["order_response"]["ids"]) == 2


def test_the_part_of_a_large_close_that_is_refused_is_named_and_told(
    account: Account,
) -> None:
    size = 30 * account.lot
    account.change(
        positions=[
            {
                "symbol": account.ticker,
                "productType": account.kind.product,
                "netQty": account.kind.sign * size,
            }
        ],
        slice_refused=[1],
    )
    reply = account.closed()
    assert "refused" in reply["note"]
    assert account.net != 0
    account.run()
    assert account.notices != []
    account.change(slice_refused=[])
    account.pass_(10)
    account.closed()
    assert account.net == 0


# --- Refused for margin ---------------------------------------------------------------


def test_a_cover_refused_for_margin_goes_once_more_without_the_exits(
    shorts: Account,
) -> None:
    shorts.open()
    shorts.change(exits_hold_margin=True)
    assert "they were cancelled and it was sent once more" in shorts.closed()["note"]
    assert shorts.sent()[1:] == [("BUY", shorts.lot)] * 2
    assert shorts.flat()
    shorts.run(2)
    assert shorts.notices == []


def test_a_cover_refused_for_margin_whose_exits_cannot_go_is_told_at_once(
    shorts: Account,
) -> None:
    shorts.open()
    shorts.change(exits_hold_margin=True)
    shorts.fault("html", CANCELS, method="DELETE", when="before", times=-1)
    assert shorts.close().status_code == 424
    assert shorts.exits() == {"stop": shorts.lot, "target": shorts.lot}
    (notice,) = shorts.told("order_rejected")
    assert notice["severity"] == "CRITICAL"
    assert "stop still works" in notice["message"]
