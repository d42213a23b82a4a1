"""Where the distances of an entry's exits start from."""

from __future__ import annotations

import json

import pytest

from tests.functional.account.account import STOP, TARGET, Account
from tests.functional.desk import ORDERS


@pytest.mark.parametrize(
    ("quote", "price"),
    [
        ({"lp": 200, "bid": 89.9, "ask": 90.1, "volume": 0}, 90.1),
        ({"lp": 5, "bid": 49.9, "ask": 51}, 49.9),
        ({"lp": 90, "bid": 89.9, "ask": 90.1}, 90),
        ({"lp": 90, "bid": 0, "ask": 0}, 90),
        ({"lp": 90, "mode": "text_lp"}, 90),
    ],
    ids=str,
)
def test_exits_are_placed_from_a_price_that_is_alive(
    account: Account, quote: dict[str, object], price: float
) -> None:
    account.change(quotes={account.ticker: quote})
    reply = account.open()
    assert reply["ltp"] == price
    (call,) = account.calls("POST", ORDERS)
    order = json.loads(call.content)
    assert order["stopLoss"] == pytest.approx(price * STOP, abs=0.03)
    assert order["takeProfit"] == pytest.approx(price * TARGET, abs=0.03)


@pytest.mark.parametrize("mode", ["no_lp", "zero_lp", "error", "unavailable"])
def test_no_quote_stops_a_close(account: Account, mode: str) -> None:
    account.open()
    account.change(quotes={account.ticker: mode})
    account.closed()
    account.run(2)
    assert account.flat()
