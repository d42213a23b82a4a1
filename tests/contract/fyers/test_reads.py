"""Quotes, positions and order book: every row, or unreadable."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from shared.broker import Unreadable
from shared.models import (
    IST,
    Action,
    BookedOrder,
    OrderStatus,
    Position,
)
from tests.contract.fyers import loopback
from tests.contract.fyers.conftest import Desk
from tests.contract.fyers.loopback import Behaviour, error, page, says
from tests.contract.fyers.replies import (
    ID,
    POSITION,
    ROW,
    TAG,
    TICKER,
    booked,
    held,
    quote,
    quotes,
)


@pytest.mark.parametrize(
    "bad",
    [
        page(502, b"<html>"),
        error(500, -99, "Something went wrong. Please contact support"),
        page(200, b""),
        says(200, {"s": "ok", "code": 200}),
        error(400, -50, "Please provide valid inputs"),
        loopback.reset,
        loopback.hang,
        loopback.drip,
    ],
    ids=["502", "500", "empty", "no list", "400", "reset", "hang", "drip"],
)
def test_a_quote_without_a_usable_answer_is_asked_for_once_more(
    desk: Desk, bad: Behaviour
) -> None:
    desk.server.script = [bad, quote(120.5)]

    assert desk.broker.ltp(TICKER, desk.turn(1.0)) == Decimal("120.5")


def test_a_quote_is_asked_for_twice_at_most(desk: Desk) -> None:
    desk.server.script = [page(502, b""), page(502, b""), quote(120.5)]

    with pytest.raises(Unreadable):
        desk.broker.ltp(TICKER, desk.turn())
    assert len(desk.server.requests) == 2


def test_two_silent_quotes_leave_time_for_an_order(desk: Desk) -> None:
    desk.server.script = [loopback.hang]
    turn = desk.turn(1.0)

    with pytest.raises(Unreadable):
        desk.broker.ltp(TICKER, turn)
    assert turn.deadline.left() > 0.2


def test_a_price_keeps_its_decimals(desk: Desk) -> None:
    body = (
        f'{{"s":"ok","code":200,"d":[{{"n":"{TICKER}","s":"ok","v":{{"lp":0.10}}}}]}}'
    )
    desk.server.script = [page(200, body.encode(), "application/json")]

    assert str(desk.broker.ltp(TICKER, desk.turn())) == "0.10"


@pytest.mark.parametrize(
    "reply",
    [
        quote(0),
        quote(-1.5),
        quote(float("nan")),
        quote(float("inf")),
        quote(1e12),
        quote(None),
        quote("120.5"),
        quote(True),
        quotes(),
        quotes({"n": "NSE:OTHER", "s": "ok", "v": {"lp": 5}}),
        quotes({"n": TICKER, "s": "error", "v": {"errmsg": "invalid symbol"}}),
        quotes({"n": TICKER, "s": "ok", "v": {}}),
        quotes({"n": TICKER, "s": "ok"}),
    ],
    ids=[
        "0",
        "below 0",
        "NaN",
        "infinite",
        "absurd",
        "null",
        "text",
        "true",
        "no row",
        "another row",
        "error row",
        "no price",
        "no values",
    ],
)
def test_an_answer_without_a_price_above_0_has_no_ltp(
    desk: Desk, reply: Behaviour
) -> None:
    desk.server.script = [reply]

    assert desk.broker.ltp(TICKER, desk.turn()) is None


def test_positions_are_every_row_closed_ones_included(desk: Desk) -> None:
    closed = POSITION | {"netQty": 0, "productType": "CNC"}
    desk.server.script = [held(POSITION, closed)]

    assert desk.broker.positions(desk.turn()) == (
        Position(TICKER, "INTRADAY", -65),
        Position(TICKER, "CNC", 0),
    )


def test_a_book_row_becomes_a_booked_order(desk: Desk) -> None:
    desk.server.script = [booked(ROW)]

    assert desk.broker.order_book(desk.turn()) == (
        BookedOrder(
            order_id=ID,
            ticker=TICKER,
            action=Action.SELL,
            qty=65,
            filled=65,
            product="INTRADAY",
            status=OrderStatus.TRADED,
            tag=TAG,
            parent_id=None,
            message="",
            placed_at=datetime(2026, 11, 23, 9, 34, 38, tzinfo=IST),
            order_type=2,
            limit_price=Decimal("120.5"),
            stop_price=Decimal(0),
        ),
    )


def one(desk: Desk, **changes: object) -> BookedOrder:
    desk.server.script = [booked(ROW | changes)]
    return desk.broker.order_book(desk.turn())[0]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1, OrderStatus.CANCELLED),
        (2, OrderStatus.TRADED),
        (3, OrderStatus.OTHER),
        (4, OrderStatus.TRANSIT),
        (5, OrderStatus.REJECTED),
        (6, OrderStatus.PENDING),
        (7, OrderStatus.EXPIRED),
        (99, OrderStatus.OTHER),
    ],
)
def test_a_status_code_has_its_meaning(
    desk: Desk, code: int, status: OrderStatus
) -> None:
    assert one(desk, status=code).status is status


@pytest.mark.parametrize(
    ("wire", "tag"),
    [
        ("1:" + TAG, TAG),
        (TAG, TAG),
        ("1:Untagged", ""),
        ("2:Untagged", ""),
        ("Untagged", ""),
        ("2:", ""),
        ("2:" + TAG, ""),
        ("1:", ""),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_tag_is_the_users_alone(desk: Desk, wire: object, tag: str) -> None:
    assert one(desk, orderTag=wire).tag == tag


@pytest.mark.parametrize(
    ("wire", "parent"), [(ID, ID), ("", None), (None, None)], ids=str
)
def test_an_exit_leg_names_its_entry(
    desk: Desk, wire: object, parent: str | None
) -> None:
    assert one(desk, parentId=wire).parent_id == parent


@pytest.mark.parametrize("wire", ["2026-11-23 09:34:38", "", None, 5])
def test_an_unreadable_time_is_none(desk: Desk, wire: object) -> None:
    assert one(desk, orderDateTime=wire).placed_at is None


def test_a_rejection_in_the_book_hides_the_client(desk: Desk) -> None:
    row = one(desk, status=5, message="RED:Margin Shortfall for C-XX00001 [X]")

    assert row.message == "RED:Margin Shortfall for C-*** [X]"


BROKEN: list[tuple[str, object]] = [
    ("id", None),
    ("id", ""),
    ("id", 5),
    ("symbol", None),
    ("side", 0),
    ("side", "1"),
    ("qty", None),
    ("qty", "65"),
    ("qty", True),
    ("qty", 6.5),
    ("qty", float("nan")),
    ("filledQty", None),
    ("status", None),
    ("productType", None),
    ("type", None),
    ("limitPrice", "x"),
    ("stopPrice", 1e300),
    ("parentId", 5),
]


@pytest.mark.parametrize(("key", "value"), BROKEN)
def test_one_broken_row_makes_the_order_book_unreadable(
    desk: Desk, key: str, value: object
) -> None:
    desk.server.script = [booked(ROW, ROW | {key: value})]

    with pytest.raises(Unreadable):
        desk.broker.order_book(desk.turn())


@pytest.mark.parametrize(
    ("key", "value"),
    [("symbol", None), ("productType", ""), ("netQty", None), ("netQty", "-65")],
)
def test_one_broken_row_makes_the_positions_unreadable(
    desk: Desk, key: str, value: object
) -> None:
    desk.server.script = [held(POSITION, POSITION | {key: value})]

    with pytest.raises(Unreadable):
        desk.broker.positions(desk.turn())


@pytest.mark.parametrize(
    "reply",
    [
        says(200, {"s": "ok", "code": 200}),
        says(200, {"s": "ok", "code": 200, "netPositions": None, "orderBook": None}),
        says(200, {"s": "ok", "code": 200, "netPositions": [1], "orderBook": ["x"]}),
        says(200, {"s": "error", "code": 200, "netPositions": [], "orderBook": []}),
        says(202, {"s": "ok", "code": 200, "netPositions": [], "orderBook": []}),
        says(200, {"code": 200, "netPositions": [], "orderBook": []}),
        error(403, -373, "not permitted"),
        error(500, -99, "Something went wrong. Please contact support"),
        page(502, b"<html>"),
        page(200, b'{"s":"ok"', length=200),
        page(302, b"", headers={"Location": "/data/quotes"}),
        loopback.close,
    ],
)
@pytest.mark.parametrize("name", ["positions", "order_book"])
def test_a_read_without_a_whole_list_is_unreadable(
    desk: Desk, reply: Behaviour, name: str
) -> None:
    desk.server.script = [reply]

    with pytest.raises(Unreadable):
        getattr(desk.broker, name)(desk.turn())
