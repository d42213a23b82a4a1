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
    Listing,
    OrderStatus,
    Position,
    Quote,
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
from tests.support.stopwatch import Stopwatch


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

    assert desk.broker.quote(TICKER, desk.turn(1.0)) == Quote(Decimal("120.5"))


def test_a_quote_is_asked_for_twice_at_most(desk: Desk) -> None:
    desk.server.script = [page(502, b""), page(502, b""), quote(120.5)]

    with pytest.raises(Unreadable):
        desk.broker.quote(TICKER, desk.turn())
    assert len(desk.server.requests) == 2


def test_two_silent_quotes_leave_time_for_an_order(desk: Desk) -> None:
    desk.server.script = [loopback.hang]
    turn = desk.turn(5.0)

    with Stopwatch() as took, pytest.raises(Unreadable):
        desk.broker.quote(TICKER, turn)
    assert took.seconds < 5.0 * 0.8


def test_a_price_keeps_its_decimals(desk: Desk) -> None:
    body = (
        f'{{"s":"ok","code":200,"d":[{{"n":"{TICKER}","s":"ok","v":{{"lp":0.10}}}}]}}'
    )
    desk.server.script = [page(200, body.encode(), "application/json")]

    found = desk.broker.quote(TICKER, desk.turn())
    assert found is not None
    assert str(found.ltp) == "0.10"


@pytest.mark.parametrize(
    ("sides", "bid", "ask"),
    [
        ({"bid": 119.9, "ask": 120.1}, "119.9", "120.1"),
        ({"bid": "119.9", "ask": "120.1"}, "119.9", "120.1"),
        ({"bid": 0, "ask": 120.1}, None, "120.1"),
        ({"bid": None, "ask": "x"}, None, None),
        ({"bid": -1, "ask": True}, None, None),
        ({}, None, None),
    ],
    ids=["both", "as text", "nobody bids", "unreadable", "impossible", "absent"],
)
def test_a_quote_has_the_sides_that_somebody_offers(
    desk: Desk, sides: dict[str, object], bid: str | None, ask: str | None
) -> None:
    desk.server.script = [quote(120, **sides)]

    assert desk.broker.quote(TICKER, desk.turn()) == Quote(
        Decimal(120), _price(bid), _price(ask)
    )


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def test_a_price_sent_as_text_is_a_price(desk: Desk) -> None:
    desk.server.script = [quote(" 120.5 ")]

    assert desk.broker.quote(TICKER, desk.turn()) == Quote(Decimal("120.5"))


def test_a_quote_that_is_unavailable_for_now_is_asked_for_once_more(
    desk: Desk,
) -> None:
    values = {"errmsg": "Quote temporarily unavailable"}
    for_now = quotes({"n": TICKER, "s": "error", "v": values})
    desk.server.script = [for_now, quote(120.5)]

    assert desk.broker.quote(TICKER, desk.turn()) == Quote(Decimal("120.5"))


def test_a_quote_that_stays_unavailable_is_unreadable(desk: Desk) -> None:
    values = {"errmsg": "Quote temporarily unavailable"}
    desk.server.script = [quotes({"n": TICKER, "s": "error", "v": values})]

    with pytest.raises(Unreadable):
        desk.broker.quote(TICKER, desk.turn())


@pytest.mark.parametrize(
    "last",
    [0, -1.5, float("nan"), float("inf"), 1e12, None, "many", "", True, [1]],
    ids=repr,
)
def test_a_price_that_is_none_is_left_out_of_the_quote(
    desk: Desk, last: object
) -> None:
    desk.server.script = [quote(last, bid=119.9)]

    assert desk.broker.quote(TICKER, desk.turn()) == Quote(None, Decimal("119.9"))


def test_a_quote_may_lack_every_price(desk: Desk) -> None:
    desk.server.script = [quotes({"n": TICKER, "s": "ok", "v": {}})]

    assert desk.broker.quote(TICKER, desk.turn()) == Quote(None)


def test_an_invalid_ticker_has_no_quote(desk: Desk) -> None:
    values = {"errmsg": "Invalid symbol"}
    desk.server.script = [quotes({"n": TICKER, "s": "error", "v": values})]

    assert desk.broker.quote(TICKER, desk.turn()) is None


@pytest.mark.parametrize(
    "reply",
    [
        quotes(),
        quotes({"n": "NSE:OTHER", "s": "ok", "v": {"lp": 5}}),
        quotes({"n": TICKER, "s": "ok"}),
        quotes({"n": TICKER, "s": "error", "v": {"errmsg": "x"}}),
        says(200, {"s": "ok", "code": 200, "d": [None]}),
    ],
    ids=["no row", "another row", "no values", "another error", "a row of nothing"],
)
def test_an_answer_that_says_nothing_of_the_ticker_is_unreadable(
    desk: Desk, reply: Behaviour
) -> None:
    desk.server.script = [reply]

    with pytest.raises(Unreadable):
        desk.broker.quote(TICKER, desk.turn())


def test_positions_are_every_row_closed_ones_included(desk: Desk) -> None:
    closed = POSITION | {"netQty": 0, "productType": "CNC", "dayBuyQty": 65}
    desk.server.script = [held(POSITION, closed)]

    assert desk.broker.positions(desk.turn()) == Listing(
        (
            Position(
                TICKER,
                "INTRADAY",
                -65,
                day_sold=65,
                ltp=Decimal("120.5"),
                unrealized=Decimal(-13),
            ),
            Position(
                TICKER,
                "CNC",
                0,
                day_bought=65,
                day_sold=65,
                ltp=Decimal("120.5"),
                unrealized=Decimal(-13),
            ),
        )
    )


def position(desk: Desk, row: dict[str, object]) -> Position:
    desk.server.script = [held(row)]
    (found,) = desk.broker.positions(desk.turn()).rows
    return found


@pytest.mark.parametrize(
    ("changes", "carried", "bought", "sold"),
    [
        ({"cfSellQty": 130, "daySellQty": 0}, -130, 0, 0),
        ({"cfBuyQty": 65, "daySellQty": 130}, 65, 0, 130),
        ({"cfBuyQty": 65, "cfSellQty": 65, "dayBuyQty": 65}, 0, 65, 65),
        ({"daySellQty": None, "sellQty": 65}, 0, 0, 65),
    ],
    ids=["carried short", "carried long", "carried and closed", "older names"],
)
def test_a_position_tells_what_was_carried_from_what_was_traded_today(
    desk: Desk, changes: dict[str, object], carried: int, bought: int, sold: int
) -> None:
    found = position(desk, POSITION | changes)

    assert (found.carried, found.day_bought, found.day_sold) == (carried, bought, sold)


def test_what_was_not_traded_today_was_carried(desk: Desk) -> None:
    row = {name: POSITION[name] for name in POSITION if not name.startswith("cf")}
    found = position(desk, row | {"netQty": -195})

    assert (found.carried, found.day_sold) == (-130, 65)


@pytest.mark.parametrize("name", ["ltp", "realized_profit", "unrealized_profit"])
def test_what_only_the_desk_shows_breaks_no_position(desk: Desk, name: str) -> None:
    assert position(desk, POSITION | {name: None}).net_qty == -65


def test_a_book_row_becomes_a_booked_order(desk: Desk) -> None:
    desk.server.script = [booked(ROW)]

    (found,) = desk.broker.order_book(desk.turn()).rows
    assert found == (
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
            traded_price=Decimal("120.45"),
        )
    )


def one(desk: Desk, **changes: object) -> BookedOrder:
    desk.server.script = [booked(ROW | changes)]
    (found,) = desk.broker.order_book(desk.turn()).rows
    return found


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
    ("wire", "parent"),
    [
        (ID, ID),
        (26112300000001, ID),
        ("", None),
        ("-", None),
        ("0", None),
        (0, None),
        (None, None),
        (False, None),
    ],
    ids=repr,
)
def test_an_exit_leg_names_its_entry(
    desk: Desk, wire: object, parent: str | None
) -> None:
    assert one(desk, parentId=wire).parent_id == parent


def test_an_id_may_be_a_number(desk: Desk) -> None:
    assert one(desk, id=26112300000001).order_id == ID


@pytest.mark.parametrize("wire", ["2026-11-23 09:34:38", "", None, 5])
def test_an_unreadable_time_is_none(desk: Desk, wire: object) -> None:
    assert one(desk, orderDateTime=wire).placed_at is None


def test_a_rejection_in_the_book_hides_the_client(desk: Desk) -> None:
    row = one(desk, status=5, message="RED:Margin Shortfall for C-XX00001 [X]")

    assert row.message == "RED:Margin Shortfall for C-*** [X]"


BROKEN: list[tuple[str, object]] = [
    ("id", None),
    ("id", ""),
    ("id", 0),
    ("id", True),
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
]


OTHER = "NSE:BANKNIFTY26NOV58000PE"


@pytest.mark.parametrize(("key", "value"), BROKEN)
def test_a_broken_order_hides_its_own_contract_only(
    desk: Desk, key: str, value: object
) -> None:
    desk.server.script = [booked(ROW, ROW | {"symbol": OTHER, key: value})]
    found = desk.broker.order_book(desk.turn())

    assert [row.ticker for row in found.rows] == [TICKER]
    assert found.broken == {OTHER}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("productType", ""),
        ("netQty", None),
        ("netQty", "-65"),
        ("dayBuyQty", "x"),
        ("cfSellQty", None),
    ],
)
def test_a_broken_position_hides_its_own_contract_only(
    desk: Desk, key: str, value: object
) -> None:
    desk.server.script = [held(POSITION | {"symbol": OTHER, key: value}, POSITION)]
    found = desk.broker.positions(desk.turn())

    assert [row.ticker for row in found.rows] == [TICKER]
    assert found.broken == {OTHER}


def test_a_row_left_out_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.server.script = [booked(ROW | {"side": 0})]
    desk.broker.order_book(desk.turn())

    assert "a row of orderBook is left out" in caplog.text


@pytest.mark.parametrize("symbol", [None, "", 5])
@pytest.mark.parametrize("name", ["positions", "order_book"])
def test_a_row_without_a_contract_could_be_of_any(
    desk: Desk, name: str, symbol: object
) -> None:
    desk.server.script = [
        says(
            200,
            {
                "s": "ok",
                "code": 200,
                "netPositions": [POSITION, POSITION | {"symbol": symbol}],
                "orderBook": [ROW, ROW | {"symbol": symbol}],
            },
        )
    ]

    with pytest.raises(Unreadable):
        getattr(desk.broker, name)(desk.turn())


def segment(**changes: object) -> dict[str, object]:
    row = {"exchange": 10, "segment": 11, "market_type": "NORMAL", "status": "OPEN"}
    return row | changes


@pytest.mark.parametrize(
    ("rows", "is_open"),
    [
        ([segment()], True),
        ([segment(status="CTS_CLOSE")], True),
        ([segment(exchange=12)], True),
        ([segment(segment=10), segment()], True),
        ([segment(status="CLOSED")], False),
        ([segment(status="PREOPEN")], False),
        ([segment(segment=10)], False),
        ([segment(exchange=11, segment=20)], False),
        ([segment(market_type="ODD_LOT")], False),
        ([segment(status=None)], False),
        ([], False),
    ],
)
def test_the_market_is_open_while_fyers_says_so_of_futures_and_options(
    desk: Desk, rows: list[object], is_open: bool
) -> None:
    desk.server.script = [says(200, {"s": "ok", "code": 200, "marketStatus": rows})]

    assert desk.broker.market_open(desk.turn()) is is_open
    assert desk.server.requests[0].path == "/data/marketStatus"


def test_a_market_status_without_its_list_is_unreadable(desk: Desk) -> None:
    desk.server.script = [says(200, {"s": "ok", "code": 200})]

    with pytest.raises(Unreadable):
        desk.broker.market_open(desk.turn())


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
