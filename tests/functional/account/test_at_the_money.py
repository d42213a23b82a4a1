"""Entries whose strike is counted from the money, over HTTP: the chain as it can be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional.account.account import Account
from tests.functional.account.test_exit import STEP, spot
from tests.functional.desk import ORDERS
from tests.support.waiting import until

CHAIN = "/data/options-chain-v3"
QUOTES = "/data/quotes"


@pytest.mark.parametrize("kind_of_fault", ["cut", "garbage", "empty", "html", "reset"])
def test_half_a_chain_sends_nothing_and_the_resend_is_the_one_order(
    account: Account, kind_of_fault: str
) -> None:
    spot(account, account.desk.strike)
    account.fault(kind_of_fault, CHAIN, times=-1)
    alert = account.alert(account.kind.opens, strikeprice="ATM")
    assert account.post(alert).status_code == 503
    assert account.sent() == []
    account.fyers.faults.clear()
    account.pass_(5)
    assert account.post(alert).status_code == 200
    assert len(account.sent()) == 1


def test_a_chain_that_comes_too_late_is_answered_in_time_and_resent(
    account: Account,
) -> None:
    spot(account, account.desk.strike)
    account.fault("slow", CHAIN, delay=4.0, times=-1)
    alert = account.alert(account.kind.opens, strikeprice="ATM")
    reply = account.post(alert)
    assert reply.status_code == 503
    assert reply.elapsed.total_seconds() < 4.0
    assert account.sent() == []
    account.fyers.faults.clear()
    account.pass_(5)
    assert account.post(alert).status_code == 200
    assert len(account.sent()) == 1


def test_a_chain_late_once_is_asked_for_again_and_the_order_goes(
    account: Account,
) -> None:
    spot(account, account.desk.strike)
    account.fault("slow", CHAIN, delay=4.0)
    assert account.open(strikeprice="ATM")["symbol"] == account.ticker
    assert len(account.sent()) == 1


def test_two_deliveries_while_the_price_crosses_a_strike_are_one_order(
    account: Account,
) -> None:
    """Whichever of the two decides, there is one contract and the other says so."""
    spot(account, account.desk.strike)
    account.fault("slow", CHAIN, delay=0.4)
    alert = account.alert(account.kind.opens, strikeprice="ATM")
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(account.post, alert)
        until(lambda: bool(account.calls("GET", CHAIN)))
        spot(account, account.desk.strike + 2 * STEP)
        second = threads.submit(account.post, alert)
        replies = [first.result(), second.result()]
    for _ in range(3):
        if all(reply.status_code == 200 for reply in replies):
            break
        account.pass_(5)
        replies[1] = account.post(alert)
    assert [reply.status_code for reply in replies] == [200, 200]
    assert len({reply.json()["symbol"] for reply in replies}) == 1
    assert len({reply.json()["order_id"] for reply in replies}) == 1
    assert len(account.calls("POST", ORDERS)) == 1
