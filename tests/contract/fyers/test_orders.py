"""What an order and its changes look like on the wire, and when they are confirmed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from shared.broker import Broker, Turn
from shared.models import (
    Action,
    BookedOrder,
    Change,
    Listing,
    Order,
    Product,
)
from tests.contract.fyers import loopback
from tests.contract.fyers.conftest import APP_ID, Desk
from tests.contract.fyers.loopback import Behaviour, error, page, says
from tests.contract.fyers.replies import (
    ACCEPTED,
    COVERED,
    ID,
    LEG,
    SELL,
    TAG,
    TICKER,
    quotes,
)


def test_an_order_is_posted_whole(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]
    desk.broker.place(SELL, desk.turn())
    sent = desk.server.requests[0]

    assert (sent.method, sent.path) == ("POST", "/api/v3/orders/sync")
    assert sent.json == {
        "symbol": TICKER,
        "qty": 65,
        "type": 2,
        "side": -1,
        "productType": "INTRADAY",
        "limitPrice": 0,
        "stopPrice": 0,
        "validity": "DAY",
        "disclosedQty": 0,
        "offlineOrder": False,
        "orderTag": TAG,
    }


def test_exits_go_as_exact_distances_in_points(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]
    desk.broker.place(COVERED, desk.turn())
    body = desk.server.requests[0].body

    assert b'"stopLoss": 18.05, "takeProfit": 30, "legType": 1' in body


def test_a_lone_stop_carries_no_target(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]
    stop = Order(TICKER, Action.BUY, 65, Product.INTRADAY, TAG, Decimal("0.05"))
    desk.broker.place(stop, desk.turn())
    sent = desk.server.requests[0].json

    assert (sent["side"], sent["stopLoss"], "takeProfit" in sent) == (1, 0.05, False)


def test_a_lone_target_carries_no_stop(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]
    target = Order(
        TICKER, Action.SELL, 65, Product.INTRADAY, TAG, take_profit=Decimal(7)
    )
    desk.broker.place(target, desk.turn())
    sent = desk.server.requests[0].json

    assert (sent["takeProfit"], sent["legType"], "stopLoss" in sent) == (7, 1, False)


def test_every_call_carries_the_app_the_token_and_the_version(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]
    desk.broker.place(SELL, desk.turn())
    headers = desk.server.requests[0].headers

    assert headers["authorization"] == f"{APP_ID}:token-1"
    assert headers["content-type"] == "application/json"
    assert headers["version"] == "3"


def test_a_quote_is_asked_for_by_its_encoded_ticker(desk: Desk) -> None:
    row = {"n": "NSE:M&M26NOV3000CE", "s": "ok", "v": {"lp": 1}}
    desk.server.script = [quotes(row)]
    desk.broker.quote("NSE:M&M26NOV3000CE", desk.turn())
    sent = desk.server.requests[0]

    assert sent.method == "GET"
    assert sent.path == "/data/quotes?symbols=NSE%3AM%26M26NOV3000CE"


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda broker, turn: broker.positions(turn), "/api/v3/positions"),
        (lambda broker, turn: broker.order_book(turn), "/api/v3/orders"),
    ],
    ids=["positions", "order book"],
)
def test_a_read_asks_for_everything(
    desk: Desk, read: Callable[[Broker, Turn], object], path: str
) -> None:
    payload = {"s": "ok", "code": 200, "netPositions": [], "orderBook": []}
    desk.server.script = [says(200, payload)]

    assert read(desk.broker, desk.turn()) == Listing(())
    assert (desk.server.requests[0].method, desk.server.requests[0].path) == (
        "GET",
        path,
    )


def test_a_cancel_is_a_delete_with_a_body(desk: Desk) -> None:
    desk.server.script = [says(200, {"s": "ok", "code": 1103, "message": "", "id": ID})]

    assert desk.broker.cancel([ID], desk.turn()) == (Change.CONFIRMED,)
    sent = desk.server.requests[0]
    assert (sent.method, sent.path, sent.json) == (
        "DELETE",
        "/api/v3/orders/sync",
        {"id": ID},
    )


@pytest.mark.parametrize(
    ("order_type", "limit", "stop"),
    [(1, 138.7, 0), (2, 0, 0), (3, 0, 138.05), (4, 138.7, 138.05)],
)
def test_a_resize_sends_only_the_prices_its_type_wants(
    desk: Desk, order_type: int, limit: float, stop: float
) -> None:
    desk.server.script = [says(200, {"s": "ok", "code": 1102, "message": "", "id": ID})]
    leg = BookedOrder(
        **{name: getattr(LEG, name) for name in LEG.__slots__}
        | {"order_type": order_type}
    )

    assert desk.broker.resize(leg, 65, desk.turn()) is Change.CONFIRMED
    sent = desk.server.requests[0]
    assert (sent.method, sent.path) == ("PATCH", "/api/v3/orders/sync")
    assert sent.json == {
        "id": LEG.order_id,
        "type": order_type,
        "qty": 65,
        "limitPrice": limit,
        "stopPrice": stop,
    }


@pytest.mark.parametrize(
    "reply",
    [
        error(400, -51, "invalid order id: 1"),
        error(400, -50, "x"),
        error(500, -99, "x"),
        error(500, -52, "Not a pending order"),
        says(200, {"s": "ok", "code": 201, "message": ""}),
        page(502, b""),
        loopback.reset,
    ],
)
def test_an_unconfirmed_cancel_is_not_certain(desk: Desk, reply: Behaviour) -> None:
    desk.server.script = [reply]

    assert desk.broker.cancel([ID], desk.turn()) == (Change.UNCLEAR,)


def test_an_order_that_had_ended_was_not_cancelled(desk: Desk) -> None:
    desk.server.script = [error(400, -52, "Not a pending order", id=ID)]

    assert desk.broker.cancel([ID], desk.turn()) == (Change.NOT_PENDING,)


def test_a_resize_is_confirmed_by_the_documented_code_too(desk: Desk) -> None:
    desk.server.script = [says(200, {"s": "ok", "code": 1101, "message": "", "id": ID})]

    assert desk.broker.resize(LEG, 65, desk.turn()) is Change.CONFIRMED


@pytest.mark.parametrize("reply", [page(502, b""), loopback.hang])
def test_an_unconfirmed_resize_is_not_certain(desk: Desk, reply: Behaviour) -> None:
    desk.server.script = [reply]

    assert desk.broker.resize(LEG, 65, desk.turn(0.3)) is Change.UNCLEAR


def test_an_order_that_had_ended_was_not_resized(desk: Desk) -> None:
    desk.server.script = [error(400, -52, "Not a pending order")]

    assert desk.broker.resize(LEG, 65, desk.turn()) is Change.NOT_PENDING


def part(code: int, order_id: str = "", message: str = "") -> dict[str, object]:
    """Return what FYERS says of one order of a call for several."""
    body = {"s": "ok", "code": code, "message": message, "id": order_id}
    return {"statusCode": 200, "body": body, "statusDescription": ""}


def several(*parts: object) -> Behaviour:
    return says(200, {"s": "ok", "code": 200, "message": "", "data": list(parts)})


def test_several_orders_are_cancelled_in_one_call(desk: Desk) -> None:
    desk.server.script = [several(part(1103, "1"), part(-52, "2"), part(-51, "3"))]

    assert desk.broker.cancel(["1", "2", "3"], desk.turn()) == (
        Change.CONFIRMED,
        Change.NOT_PENDING,
        Change.UNCLEAR,
    )
    (sent,) = desk.server.requests
    assert (sent.method, sent.path, sent.json) == (
        "DELETE",
        "/api/v3/multi-order/sync",
        [{"id": "1"}, {"id": "2"}, {"id": "3"}],
    )


@pytest.mark.parametrize(
    "reply",
    [
        several(),
        several(part(1103, "1")),
        several(part(1103, "1"), "x"),
        several(part(1103, "1"), {"body": None}),
        says(200, {"s": "ok", "code": 1103, "message": ""}),
        page(502, b""),
        loopback.reset,
    ],
)
def test_an_answer_that_misses_an_order_confirms_none(
    desk: Desk, reply: Behaviour
) -> None:
    desk.server.script = [reply]

    assert desk.broker.cancel(["1", "2"], desk.turn()) == (Change.UNCLEAR,) * 2


def test_more_orders_than_a_call_may_name_go_in_two(desk: Desk) -> None:
    ids = [str(number) for number in range(11)]
    one = says(200, {"s": "ok", "code": 1103, "message": "", "id": "10"})
    desk.server.script = [several(*(part(1103, name) for name in ids[:10])), one]

    assert desk.broker.cancel(ids, desk.turn()) == (Change.CONFIRMED,) * 11
    assert [request.path for request in desk.server.requests] == [
        "/api/v3/multi-order/sync",
        "/api/v3/orders/sync",
    ]


def test_no_order_to_cancel_is_no_call(desk: Desk) -> None:
    assert desk.broker.cancel([], desk.turn()) == ()
    assert desk.server.requests == []


@pytest.mark.parametrize(("qty", "sliced"), [(500, None), (565, True)])
def test_a_large_order_is_left_to_fyers_to_slice(
    desk: Desk, qty: int, sliced: bool | None
) -> None:
    desk.server.script = [ACCEPTED]
    large = Order(TICKER, Action.BUY, qty, Product.INTRADAY, TAG)
    desk.broker.place(large, desk.turn())

    assert desk.server.requests[0].json.get("isSliceOrder") is sliced
