"""What order an alert means, given what FYERS says of market and account."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import BadRequest
from shared.idempotency import Sending
from shared.models import (
    Action,
    Alert,
    BookedOrder,
    Contract,
    OptionType,
    OrderStatus,
    Position,
    Product,
    Wanted,
)
from shared.orders import Market, Terms, Times, build
from shared.pricing import Percents

D = Decimal
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # already the 24th in IST
TICKER = "NSE:NIFTY26NOV25800CE"
CONTRACT = Contract(
    TICKER, "NIFTY", date(2026, 11, 24), NOW, D(25800), OptionType.CE, 65, D("0.05")
)
TERMS = Terms(Product.INTRADAY, True, Percents(D(15), D(25)), max_lots=2)


def alert(action: str = "SELL", **changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "symbol": "NIFTY",
        "strike": D(25800),
        "option_type": OptionType.CE,
        "expiry": "WEEKLY",
        "action": Action(action),
        "qty": None,
        "product": None,
        "sl": None,
        "tp": None,
        "key": None,
        "fingerprint": "f" * 64,
    }
    return Alert(**fields | changes)


def position(net: int, product: str = "INTRADAY", ticker: str = TICKER) -> Position:
    return Position(ticker, product, net)


def working(qty: int, filled: int = 0, **changes: Any) -> BookedOrder:
    fields: dict[str, Any] = {
        "order_id": "26112300000001",
        "ticker": TICKER,
        "action": Action.BUY,
        "qty": qty,
        "filled": filled,
        "product": "INTRADAY",
        "status": OrderStatus.PENDING,
        "tag": "",
        "parent_id": None,
        "message": "",
        "placed_at": None,
    }
    return BookedOrder(**fields | changes)


def built(
    of: Alert,
    *positions: Position,
    ltp: str | None = "100",
    book: tuple[BookedOrder, ...] = (),
    terms: Terms = TERMS,
) -> Sending:
    market = Market(None if ltp is None else D(ltp), positions, book)
    times = Times(NOW, NOW + timedelta(seconds=2))
    return build(of, CONTRACT, market, terms, "a" * 20, times)


def refusal(of: Alert, *positions: Position, **more: Any) -> BadRequest:
    with pytest.raises(BadRequest) as refused:
        built(of, *positions, **more)
    return refused.value


def test_a_sell_opens_one_lot_with_both_exits() -> None:
    order = built(alert()).order
    assert (order.ticker, order.action, order.qty) == (TICKER, Action.SELL, 65)
    assert (order.product, order.stop_loss, order.take_profit) == (
        Product.INTRADAY,
        D(15),
        D(25),
    )
    assert order.tag == "a" * 20


def test_the_day_of_an_order_is_its_ist_day() -> None:
    assert built(alert()).day == date(2026, 11, 24)


def test_exits_can_be_left_off_while_levels_are_still_told() -> None:
    terms = Terms(Product.INTRADAY, False, TERMS.percents, 1)
    sending = built(alert(), terms=terms)
    assert (sending.order.stop_loss, sending.order.take_profit) == (None, None)
    assert (sending.stop_loss, sending.take_profit) == (D(115), D(75))


def test_the_default_product_is_the_owners() -> None:
    terms = Terms(Product.MARGIN, True, TERMS.percents, 1)
    assert built(alert(), terms=terms).order.product is Product.MARGIN
    asked = alert(product=Wanted.INTRADAY)
    assert built(asked, terms=terms).order.product is Product.INTRADAY


def test_a_bo_is_an_intraday_order_with_both_exits_whatever_the_setting() -> None:
    terms = Terms(Product.MARGIN, False, TERMS.percents, 1)
    order = built(alert(product=Wanted.BO), terms=terms).order
    assert (order.product, order.stop_loss, order.take_profit) == (
        Product.INTRADAY,
        D(15),
        D(25),
    )


def test_a_bo_without_a_valid_target_is_refused() -> None:
    assert refusal(alert(product=Wanted.BO), ltp="0.05").code == "bad_request"


def test_a_co_carries_its_stop_only() -> None:
    terms = Terms(Product.INTRADAY, False, TERMS.percents, 1)
    order = built(alert(product=Wanted.CO), terms=terms).order
    assert (order.stop_loss, order.take_profit) == (D(15), None)


@pytest.mark.parametrize("qty", [1, 64, 66, 100, 195])
def test_a_sell_of_broken_lots_or_too_many_is_refused(qty: int) -> None:
    assert refusal(alert(qty=qty)).code == "bad_quantity"


def test_a_sell_up_to_the_cap_is_taken() -> None:
    assert built(alert(qty=130)).order.qty == 130


def test_a_sell_reduces_a_long_without_exits_and_without_the_cap() -> None:
    order = built(alert(qty=195), position(260)).order
    assert (order.qty, order.stop_loss, order.take_profit) == (195, None, None)


def test_a_sell_may_not_exceed_the_long_it_reduces() -> None:
    assert refusal(alert(qty=130), position(65)).code == "bad_quantity"


def test_a_long_of_another_product_or_contract_does_not_count() -> None:
    others = (position(65, "MARGIN"), position(65, ticker="NSE:OTHER"))
    assert built(alert(), *others).order.stop_loss == D(15)


def test_a_sell_without_a_price_is_refused() -> None:
    assert refusal(alert(), ltp=None).code == "ltp_unavailable"


def test_a_buy_closes_the_whole_short_in_its_product() -> None:
    order = built(alert("BUY"), position(-195, "MARGIN")).order
    assert (order.action, order.qty, order.product) == (
        Action.BUY,
        195,
        Product.MARGIN,
    )
    assert (order.stop_loss, order.take_profit) == (None, None)


def test_a_buy_without_a_short_is_refused() -> None:
    for rows in ((), (position(65),), (position(0),), (position(-65, ticker="X"),)):
        assert refusal(alert("BUY"), *rows).code == "no_short_position"


def test_a_buy_is_cut_to_the_short_and_says_so() -> None:
    sending = built(alert("BUY", qty=130), position(-65))
    assert sending.order.qty == 65
    assert sending.note == "quantity cut from 130 to the short of 65"


def test_a_buy_of_a_part_keeps_its_quantity() -> None:
    sending = built(alert("BUY", qty=65), position(-195))
    assert (sending.order.qty, sending.covers) == (65, 195)


def test_a_buy_of_broken_lots_within_the_short_is_refused() -> None:
    assert refusal(alert("BUY", qty=64), position(-130)).code == "bad_quantity"


def test_two_shorts_need_a_name() -> None:
    rows = (position(-65), position(-130, "MARGIN"))
    assert refusal(alert("BUY"), *rows).code == "ambiguous_position"
    named = built(alert("BUY", product=Wanted.MARGIN), *rows).order
    assert (named.product, named.qty) == (Product.MARGIN, 130)
    bracket = built(alert("BUY", product=Wanted.BO), *rows).order
    assert (bracket.product, bracket.qty) == (Product.INTRADAY, 65)


def test_a_product_that_names_no_short_takes_the_only_one() -> None:
    order = built(alert("BUY", product=Wanted.MARGIN), position(-65)).order
    assert order.product is Product.INTRADAY


def test_neither_cap_nor_price_nor_exits_stop_a_buy() -> None:
    terms = Terms(Product.INTRADAY, True, TERMS.percents, 1)
    of = alert("BUY", sl=D(1), tp=D(1))
    sending = built(of, position(-650), ltp=None, terms=terms)
    assert (sending.order.qty, sending.ltp, sending.stop_loss) == (650, None, None)


def test_a_buy_still_reports_its_levels() -> None:
    sending = built(alert("BUY"), position(-65))
    assert (sending.stop_loss, sending.take_profit) == (D(85), D(125))


def test_a_short_already_being_covered_names_the_order() -> None:
    refused = refusal(alert("BUY"), position(-65), book=(working(65),))
    assert refused.code == "already_covered"
    assert "26112300000001" in refused.message


def test_only_the_uncovered_rest_is_bought() -> None:
    sending = built(alert("BUY"), position(-195), book=(working(130, 65),))
    assert (sending.order.qty, sending.covers) == (130, 130)


@pytest.mark.parametrize(
    "row",
    [
        working(65, parent_id="1"),
        working(65, action=Action.SELL),
        working(65, status=OrderStatus.CANCELLED),
        working(65, 65, status=OrderStatus.TRADED),
        working(65, product="MARGIN"),
        working(65, ticker="NSE:OTHER"),
    ],
    ids=["exit leg", "sell", "cancelled", "traded", "product", "contract"],
)
def test_orders_that_cover_nothing_do_not_stop_a_cover(row: BookedOrder) -> None:
    assert built(alert("BUY"), position(-65), book=(row,)).order.qty == 65
