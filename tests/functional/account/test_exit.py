"""What an EXIT closes whose strike is counted from the money."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.functional.account.account import EVERY, Account, Kind
from tests.functional.clocked import SharedClock
from tests.functional.desk import ORDERS, desks

INDEX = "NSE:NIFTY50-INDEX"
STEP = 50
"""Between two strikes of NIFTY, points."""


def spot(account: Account, price: float) -> None:
    account.change(prices={INDEX: price, account.ticker: 100.0})


def test_it_closes_the_one_contract_that_is_held_wherever_the_money_is_now(
    account: Account,
) -> None:
    spot(account, account.desk.strike)
    account.open(strikeprice="ATM")
    spot(account, account.desk.strike + 4 * STEP)
    reply = account.post(account.alert("EXIT", strikeprice="ATM"))
    assert reply.status_code == 200, reply.text
    assert reply.json()["symbol"] == account.ticker
    account.run(2)
    assert account.flat()


def test_of_several_it_closes_the_one_at_the_money(account: Account) -> None:
    spot(account, account.desk.strike)
    account.open()
    account.open(strikeprice=account.desk.strike + 2 * STEP)
    reply = account.post(account.alert("EXIT", strikeprice="ATM"))
    assert reply.status_code == 200, reply.text
    assert reply.json()["symbol"] == account.ticker
    assert account.net == 0


@pytest.mark.parametrize("kind", [k for k in EVERY if k.product == "INTRADAY"], ids=str)
def test_without_attached_exits_an_entry_says_no_levels(
    tmp_path: Path, kind: Kind
) -> None:
    clock = SharedClock(tmp_path / "added")
    clock.set(0, 10, 30)
    with desks(tmp_path, env={"ATTACH_EXITS": "false"}, clock=clock) as desk:
        account = Account(desk, clock, kind)
        reply = account.open()
        (call,) = account.calls("POST", ORDERS)
        assert {"stopLoss", "takeProfit"}.isdisjoint(json.loads(call.content))
        assert (reply["stop_loss"], reply["take_profit"]) == (None, None)
        account.run(3)
        assert account.told("exits_missing") == []
