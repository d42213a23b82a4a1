"""Two alerts that close one position: it is closed once, and never turned round."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional.account.account import SHORTS, SOLD, Account
from tests.functional.desk import BOOK, ORDERS
from tests.support.waiting import until

LAGS = ("positions_lag", "book_lag", "fills_lag")


def unknown_close(account: Account) -> str:
    """Send a close whose reply is lost and that no book shows yet; return its id."""
    before = {row["id"] for row in account.rows()}
    account.change(fill="unfilled")
    account.fault("unshown", ORDERS, method="POST")
    account.fault("close", ORDERS, method="POST")
    assert account.close().status_code == 202
    account.change(fill="full")
    (made,) = {row["id"] for row in account.rows()} - before
    return str(made)


@pytest.mark.parametrize("seconds", [5, 15, 29])
def test_a_second_close_waits_for_one_of_unknown_outcome(
    account: Account, seconds: int
) -> None:
    account.open()
    lost = unknown_close(account)
    second = account.alert(account.kind.closes)
    account.pass_(min(seconds, 8))
    statuses = []
    if seconds < 8:
        statuses.append(account.post(second).status_code)
        account.pass_(3)
    account.change(orders=[{"id": lost, "status": "filled", "shown": True}])
    account.pass_(max(0, seconds - 8))
    statuses += account.delivered(second)
    assert account.net == 0
    assert 200 not in statuses
    assert statuses[: 1 if seconds < 8 else 0] in ([], [503])
    account.run()
    account.pass_(60)
    account.run()
    assert account.flat()
    assert account.told("not_sent") == []


@pytest.mark.parametrize("fault", [("rate", 0.4), ("slow", 0.6)], ids=str)
def test_a_close_that_fills_between_two_reads_of_the_next_is_not_repeated(
    account: Account, fault: tuple[str, float]
) -> None:
    account.open()
    account.rests()
    first = account.closed()["order_id"]
    account.pass_(6)
    kind, delay = fault
    account.fault(kind, BOOK, method="GET", when="before", delay=delay)
    before = len(account.calls("GET", "/api/v3/positions"))
    second = account.posting(account.alert(account.kind.closes))
    until(lambda: len(account.calls("GET", "/api/v3/positions")) > before)
    account.change(orders=[{"id": first, "status": "filled"}])
    assert second.reply().status_code in (400, 503)
    account.run(2)
    assert account.flat()
    assert len(account.sent()) == 2


@pytest.mark.parametrize(
    ("which", "seconds"),
    [("positions_lag", 0.1), *((name, 3.0) for name in LAGS), ("all", 1.0)],
)
def test_books_that_lag_repeat_no_close(
    account: Account, which: str, seconds: float
) -> None:
    account.open()
    account.change(**dict.fromkeys(LAGS if which == "all" else [which], seconds))
    account.pass_(4)
    account.closed()
    account.pass_(2)
    statuses = account.delivered(account.alert(account.kind.closes))
    assert statuses[-1] == 400
    account.pass_(10)
    account.run(2)
    assert account.flat()
    assert len(account.sent()) == 2
    assert account.told("unexpected_position") == []


def test_a_close_that_rests_is_replaced_by_the_next(account: Account) -> None:
    account.open()
    account.rests()
    first = account.closed()["order_id"]
    account.pass_(10)
    reply = account.closed()
    assert first in reply["note"]
    assert account.row(first)["status"] == 1
    account.run(2)
    assert account.flat()


def test_a_close_that_fills_while_the_next_cancels_it_stays_the_only_one(
    account: Account,
) -> None:
    account.open()
    account.rests()
    first = account.closed()["order_id"]
    account.pass_(10)
    before = len(account.calls("DELETE"))
    account.fault("slow", "/api/v3/", method="DELETE", when="before", delay=0.4)
    second = account.posting(account.alert(account.kind.closes))
    until(lambda: len(account.calls("DELETE")) > before)
    account.change(orders=[{"id": first, "status": "filled"}])
    assert second.reply().status_code in (400, 503)
    account.run(2)
    assert account.flat()
    assert len(account.sent()) == 2


def test_five_different_closes_at_once_close_once(account: Account) -> None:
    account.open()
    alerts = [account.alert(account.kind.closes) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        ends = Counter(pool.map(lambda alert: account.delivered(alert)[-1], alerts))
    assert ends == {200: 1, 400: 4}
    assert account.sent()[1:] == [(account.kind.side, account.lot)]
    account.run(2)
    assert account.flat()


@pytest.mark.parametrize("kind", [*SHORTS, SOLD], ids=str)
def test_two_closes_of_a_lot_each_at_once_close_both_lots(account: Account) -> None:
    account.open(lots=2)
    alerts = [account.alert(account.kind.closes, qty=account.lot) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        ends = [statuses[-1] for statuses in pool.map(account.delivered, alerts)]
    assert ends == [200, 200]
    account.run(2)
    assert account.flat()


def test_a_close_right_after_its_entry_waits_until_fyers_shows_it(
    account: Account,
) -> None:
    account.change(positions_lag=3.0, book_lag=3.0)
    account.open()
    account.pass_(0.2)
    statuses = account.delivered(account.alert(account.kind.closes))
    assert statuses[0] == 503
    assert statuses[-1] == 200
    account.pass_(5)
    account.run(2)
    assert account.flat()
