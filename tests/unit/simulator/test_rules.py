"""Orders FYERS refuses before they exist, in its own words."""

from __future__ import annotations

import pytest

from simulator.exchange import Exchange
from simulator.options import Options
from simulator.wire import Payload, Refused
from tests.unit.simulator.conftest import Place

BAD_PRODUCT = "productType must be one of the following: CNC, MARGIN, INTRADAY, MTF"
LEAST = "Must be greater than or equal to"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"qty": 30}, "30 not a multiple of minimum lot size 65"),
        ({"qty": 0}, f"qty: {LEAST} 1"),
        ({"qty": -65}, f"qty: {LEAST} 1"),
        ({"qty": "65"}, "Invalid input"),
        ({"qty": 65.0}, "Invalid input"),
        ({"qty": True}, "Invalid input"),
        ({"type": 5}, "Invalid input"),
        ({"side": 0}, "Invalid input"),
        ({"side": "SELL"}, "Invalid input"),
        ({"validity": None}, "Invalid input"),
        ({"validity": "GTC"}, "Invalid input"),
        ({"disclosedQty": 65}, "Invalid input"),
        ({"offlineOrder": "False"}, "Invalid input"),
        ({"productType": "BO"}, BAD_PRODUCT),
        ({"productType": "CO"}, BAD_PRODUCT),
        ({"productType": "NRML"}, BAD_PRODUCT),
        ({"productType": "CNC"}, "Invalid input"),
        ({"symbol": ""}, "symbol: String length must be greater than or equal to 1"),
        ({"symbol": "NSE:NOPE26DEC1CE"}, "The input symbol is invalid."),
        ({"limitPrice": 100}, "limitPrice does not match: 0"),
        ({"stopPrice": 100}, "stopPrice does not match: 0"),
        ({"limitPrice": "0"}, "Invalid input"),
        ({"limitPrice": float("nan")}, "Invalid input"),
        ({"type": 1, "limitPrice": 1e300}, "Invalid input"),
        ({"type": 1}, f"limitPrice: {LEAST} 0.0025"),
        ({"type": 3}, f"stopPrice: {LEAST} 0.0025"),
        (
            {"type": 1, "limitPrice": 100.03},
            "LimitPrice not a multiple of tick size 0.0500",
        ),
        (
            {"type": 3, "stopPrice": 90.01},
            "StopPrice not a multiple of tick size 0.0500",
        ),
        ({"stopLoss": 10.01}, "StopLoss not a multiple of tick size 0.0500"),
        ({"takeProfit": 0.07}, "TakeProfit not a multiple of tick size 0.0500"),
        ({"stopLoss": -10}, "Invalid input"),
        ({"stopLoss": "10"}, "Invalid input"),
        ({"stopLoss": 10, "legType": 3}, "Invalid input"),
        (
            {"type": 4, "side": 1, "limitPrice": 110, "stopPrice": 120},
            "limitPrice should be greater than stopPrice for side BUY",
        ),
        ({"orderTag": "with space"}, "Invalid input"),
        ({"orderTag": "with-dash"}, "Invalid input"),
        ({"orderTag": "1:abc"}, "Invalid input"),
        ({"orderTag": "a" * 31}, "Invalid input"),
        ({"orderTag": "Untagged"}, "Invalid input"),
        ({"orderTag": "XS00001"}, "Invalid input"),
        ({"orderTag": 7}, "Invalid input"),
    ],
    ids=str,
)
def test_a_wrong_order_is_refused_word_for_word(
    place: Place, changes: Payload, message: str
) -> None:
    with pytest.raises(Refused) as caught:
        place(**changes)
    refused = caught.value
    assert (refused.status, refused.code, refused.message) == (400, -50, message)


@pytest.mark.parametrize(
    "name",
    [
        *("symbol", "qty", "type", "side", "productType", "limitPrice"),
        *("stopPrice", "validity", "disclosedQty", "offlineOrder"),
    ],
)
def test_every_field_is_required(place: Place, body: Payload, name: str) -> None:
    del body[name]
    with pytest.raises(Refused, match=r"Invalid input"):
        place()


@pytest.mark.parametrize(
    "changes",
    [
        {"orderTag": "a" * 30},
        {"productType": "MARGIN"},
        {"stopLoss": 10.15, "takeProfit": 25},
        {"stopLoss": 0, "takeProfit": 0},
        {"type": 1, "limitPrice": 100.05},
        {"type": 4, "limitPrice": 85, "stopPrice": 90},
        {"stopLoss": 7.3, "legType": 2},
    ],
    ids=str,
)
def test_a_right_order_is_taken(
    place: Place, exchange: Exchange, changes: Payload
) -> None:
    order_id = place(**changes)
    assert exchange.find(order_id) is not None


def test_an_order_id_is_the_day_and_eight_digits(place: Place) -> None:
    order_id = place()
    assert (len(order_id), order_id[:6], order_id.isdigit()) == (14, "261125", True)


def test_a_quantity_above_the_freeze_gets_an_id_and_a_rejected_row(
    place: Place, exchange: Exchange
) -> None:
    order = exchange.find(place(qty=65 * 28))
    assert order is not None
    assert (order.status, order.message) == (
        5,
        "RED:RULE:{Check Freeze qty}Current:1820 Set:1801",
    )


def test_an_order_beyond_the_margin_is_rejected_with_both_amounts(
    place: Place, exchange: Exchange, options: Options
) -> None:
    options.funds = options.funds * 0
    order = exchange.find(place(side=1))
    assert order is not None
    assert (order.status, order.message) == (
        5,
        "RED:Margin Shortfall:INR 6,503.25 Available:INR 0.00 "
        "for C-XS00001 [FYERS_RISK_CUG]",
    )
