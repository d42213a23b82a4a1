"""What happens to a position beside the alerts, and what the next run makes of it."""

from __future__ import annotations

import pytest

from tests.functional.account.account import EVERY, Account
from tests.functional.desk import ORDERS, keep_login
from tests.support.waiting import until

STOP_REACHED = {-1: 116.0, 1: 84.0}
TARGET_REACHED = {-1: 74.0, 1: 126.0}
"""Prices that trade an exit of a short, or of a long, opened at 100."""


# --- A sign nobody asked for ----------------------------------------------------------


def test_a_position_that_vanishes_under_its_close_is_told_in_one_run(
    account: Account,
) -> None:
    account.open()
    account.fault("slow", ORDERS, method="POST", when="before", delay=0.5)
    closing = account.posting(account.alert(account.kind.closes))
    until(lambda: len(account.calls("POST", ORDERS)) == 2)
    account.hand_close()
    assert closing.reply().status_code == 200
    assert account.net == -account.kind.sign * account.lot
    account.run()
    (notice,) = account.told("unexpected_position")
    assert notice["severity"] == "CRITICAL"
    account.is_about(notice, account.lot, side=account.kind.opening)
    if account.kind.sign > 0:
        assert "NO stop works" in notice["message"]
    assert account.exits() == {}
    account.hand_open()
    account.pass_(60)
    account.run()
    assert account.flat()
    assert len(account.told("unexpected_position")) == 1


# --- Exits that outlive their position ------------------------------------------------


def test_exits_left_working_by_a_hand_close_are_cancelled_in_one_run(
    account: Account,
) -> None:
    account.open()
    account.run()
    account.hand_close()
    account.run()
    assert account.flat()


def test_exits_left_working_by_fyers_square_off_are_cancelled_in_one_run(
    account: Account,
) -> None:
    account.clock.set(0, 15, 10)
    account.open()
    account.run()
    if account.kind.product == "MARGIN":
        account.hand_close()
    account.change(square_off=True)
    account.pass_(5 * 60)
    account.run()
    assert account.flat()


def test_exits_that_cannot_be_cancelled_are_told_in_one_run(account: Account) -> None:
    account.open()
    account.hand_close()
    account.fault("html", "/api/v3/", method="DELETE", when="before", times=-1)
    account.run()
    (notice,) = account.told("exits_left_behind")
    assert notice["severity"] == "CRITICAL"
    account.fyers.faults.clear()
    account.pass_(60)
    account.run()
    assert account.flat()


def test_exits_that_nobody_can_recognise_are_told_when_their_position_is_gone(
    account: Account,
) -> None:
    account.change(legs={"parent": "absent", "tag": ""})
    account.open()
    account.run()
    account.hand_close()
    account.run(2)
    assert len(account.working()) == 2  # not known as ours, so not cut
    told = [n for n in account.notices if n["severity"] == "CRITICAL"]
    assert told != []
    assert told[0]["contract"] == account.ticker


# --- How exits are recognised ---------------------------------------------------------


@pytest.mark.parametrize(
    "legs",
    [
        *({"parent": parent} for parent in ("own", "absent", "-", "0", 0, "")),
        {"tag": "2:"},
        *({"product": word} for word in ("CO", "BO", "CNC")),
    ],
    ids=str,
)
def test_exits_are_found_by_their_parent_or_their_tag(
    account: Account, legs: dict[str, object]
) -> None:
    account.change(legs=legs)
    account.open()
    account.run()
    account.pass_(61)
    account.run()
    assert account.notices == []
    account.closed()
    account.run(2)
    assert account.flat()


@pytest.mark.parametrize("parent", ["-", "0", 0, ""], ids=repr)
def test_a_plain_row_with_an_empty_parent_is_no_leg(
    account: Account, parent: object
) -> None:
    account.change(plain_parent=parent)
    account.open()
    account.run()
    account.pass_(61)
    account.run()
    account.closed()
    account.run(2)
    assert account.flat()
    assert account.notices == []


def test_a_close_beside_exits_nobody_can_recognise_goes_out_and_names_them(
    account: Account,
) -> None:
    account.change(legs={"parent": "absent", "tag": ""})
    account.open()
    left = account.working()
    account.closed()
    assert account.net == 0
    (notice,) = account.told("hand_order_works")
    assert all(leg in notice["message"] for leg in left)


# --- Exits that are not what was sent -------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [
        {"stop_offset": 0.15},
        {"stop_offset": -0.15},
        {"target_offset": 0.15},
        {"qty_offset": 65},
        {"stop_type": 1},
    ],
    ids=str,
)
def test_exits_that_are_not_what_was_sent_are_told_once(
    account: Account, shape: dict[str, object]
) -> None:
    account.change(legs=shape)
    account.open()
    account.run(3)
    (notice,) = account.told("exits_wrong")
    assert notice["severity"] == "CRITICAL"
    assert notice["contract"] == account.ticker
    assert notice["quantity"] == account.lot


def test_after_wrong_exits_no_entry_is_taken_and_every_close_still_is(
    account: Account,
) -> None:
    account.change(legs={"stop_offset": 0.15})
    account.open()
    account.run()
    reply = account.post(account.alert(account.kind.opens))
    assert (reply.status_code, reply.json()["code"]) == (400, "paused")
    account.closed()
    account.run(2)
    assert account.flat()


# --- Exits that are not there ---------------------------------------------------------


@pytest.mark.parametrize("how", ["exits_vanish", "exits_rejected"])
def test_a_position_without_exits_is_told_after_a_minute(
    account: Account, how: str
) -> None:
    account.fault(how, ORDERS, method="POST")
    account.open()
    account.run()
    assert account.told("exits_missing") == []
    account.pass_(61)
    account.run()
    (notice,) = account.told("exits_missing")
    assert notice["severity"] == "CRITICAL"
    account.is_about(notice, account.lot)


def test_a_stop_that_is_reached_and_does_not_fill_is_told_in_two_runs(
    account: Account,
) -> None:
    account.change(stops_fill=False)
    account.open()
    account.run()
    account.price(STOP_REACHED[account.kind.sign])
    account.pass_(60)
    account.run(2)
    (notice,) = account.told("stop_not_filled")
    assert notice["severity"] == "CRITICAL"
    account.is_about(notice, account.lot)


# --- Another product, another day -----------------------------------------------------


@pytest.mark.parametrize("kind", [k for k in EVERY if k.product == "INTRADAY"], ids=str)
def test_a_position_converted_in_the_app_is_told_or_cut_in_one_run(
    account: Account,
) -> None:
    account.open()
    account.run()
    account.change(convert=[{"symbol": account.ticker}])
    account.run()
    if account.exits():
        (notice,) = account.told("position_converted")
        assert notice["severity"] == "CRITICAL"
        account.is_about(notice, account.lot)
    account.pass_(61)
    account.run()
    assert len(account.told("position_converted")) <= 1
    assert account.post(account.alert("EXIT")).status_code == 200
    account.run(2)
    assert account.net == 0


@pytest.mark.parametrize("kind", [k for k in EVERY if k.product == "MARGIN"], ids=str)
@pytest.mark.parametrize("logged_in", [True, False], ids=["login", "no login yet"])
def test_what_is_carried_overnight_is_told_in_the_evening_and_in_the_morning(
    account: Account, logged_in: bool
) -> None:
    account.open()
    account.run()
    account.clock.set(0, 15, 34)
    account.run()
    assert account.notices == []
    account.clock.set(0, 15, 36)
    account.change(end_day=True)
    account.run(2)
    (evening,) = account.told("carried_overnight")
    assert evening["severity"] == "CRITICAL"
    account.is_about(evening, account.lot)
    account.clock.set(1, 8, 46)
    account.change(new_day=True)
    if logged_in:
        keep_login(account.desk.world)
    account.run(2)
    assert len(account.told("carried_overnight")) == 2
    keep_login(account.desk.world)
    account.clock.set(1, 9, 16)
    before = len(account.told("exits_missing"))
    account.run()
    account.pass_(61)
    account.run()
    assert len(account.told("exits_missing")) == before + 1
    account.is_about(account.told("exits_missing")[-1], account.lot)
    assert account.closed()["qty"] == account.lot
    account.run(2)
    assert account.flat()
