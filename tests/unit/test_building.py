"""What order an alert means, given what FYERS says of the market."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import BadRequest
from shared.idempotency import Slip
from shared.models import (
    Action,
    Alert,
    Contract,
    ExitWish,
    ExpiryWord,
    OptionType,
    Position,
    Product,
    Quote,
    Verb,
    Wanted,
)
from shared.orders.building import (
    Size,
    Terms,
    Times,
    build_close,
    build_entry,
    reduces,
)
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
        "expiry": ExpiryWord.WEEKLY,
        "verb": Verb(action),
        "qty": None,
        "product": None,
        "sl": None,
        "tp": None,
        "key": None,
        "fingerprint": "f" * 64,
    }
    return Alert(**fields | changes)


TIMES = Times(NOW, NOW + timedelta(seconds=2))


def quoted(ltp: str | None, bid: str = "", ask: str = "") -> Quote | None:
    if ltp is None:
        return None
    return Quote(D(ltp), D(bid) if bid else None, D(ask) if ask else None)


def built(
    of: Alert,
    ltp: str | None = "100",
    bid: str = "",
    ask: str = "",
    terms: Terms = TERMS,
) -> Slip:
    quote = quoted(ltp, bid, ask)
    return build_entry(of, CONTRACT, quote, terms, "a" * 20, TIMES)


def refusal(of: Alert, **more: Any) -> BadRequest:
    with pytest.raises(BadRequest) as refused:
        built(of, **more)
    return refused.value


def closed(
    of: Alert,
    side: Action = Action.BUY,
    qty: int = 65,
    ltp: str | None = "100",
    note: str = "",
) -> Slip:
    size = Size(side, Product.INTRADAY, qty, note)
    return build_close(of, CONTRACT, quoted(ltp), TERMS, size, "a" * 20, TIMES)


def position(net: int, product: str = "INTRADAY", ticker: str = TICKER) -> Position:
    return Position(ticker, product, net)


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


def test_the_levels_told_are_those_of_the_exits_sent() -> None:
    slip = built(alert())
    assert (slip.stop_loss, slip.take_profit) == (D(115), D(75))


def test_an_entry_without_exits_tells_no_levels() -> None:
    terms = Terms(Product.INTRADAY, False, TERMS.percents, 1)
    slip = built(alert(), terms=terms)
    assert (slip.order.stop_loss, slip.order.take_profit) == (None, None)
    assert (slip.stop_loss, slip.take_profit) == (None, None)


def test_a_long_is_a_buy_with_its_stop_below() -> None:
    slip = built(alert("LONG"))
    assert (slip.order.action, slip.order.qty) == (Action.BUY, 65)
    assert (slip.stop_loss, slip.take_profit) == (D(85), D(125))
    assert not slip.closes


def test_lots_are_counted_by_the_contract() -> None:
    assert built(alert(lots=2)).order.qty == 130
    assert refusal(alert(lots=3)).code == "bad_quantity"


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


@pytest.mark.parametrize(
    ("row", "word", "counts"),
    [
        (position(65), None, True),
        (position(65), Wanted.INTRADAY, True),
        (position(65), Wanted.BO, True),
        (position(65), Wanted.MARGIN, False),
        (position(65, "MARGIN"), None, False),
        (position(65, "MARGIN"), Wanted.MARGIN, True),
        (position(65, ticker="NSE:OTHER"), None, False),
        (position(-65), None, False),
        (position(0), None, False),
    ],
)
def test_a_sell_reduces_a_long_of_its_own_product(
    row: Position, word: Wanted | None, counts: bool
) -> None:
    assert reduces(alert(product=word), CONTRACT, (row,), TERMS) is counts


def test_a_sell_without_a_price_is_refused() -> None:
    assert refusal(alert(), ltp=None).code == "ltp_unavailable"


@pytest.mark.parametrize("side", list(Action))
def test_a_close_has_the_side_and_size_that_were_decided_and_no_exits(
    side: Action,
) -> None:
    slip = closed(alert("EXIT"), side, 195, note="quantity cut")
    order = slip.order
    assert (order.action, order.qty, order.product) == (side, 195, Product.INTRADAY)
    assert (order.stop_loss, order.take_profit) == (None, None)
    assert (slip.closes, slip.note) == (True, "quantity cut")


def test_neither_cap_nor_lot_nor_price_nor_exits_stop_a_close() -> None:
    of = alert("BUY", qty=1, sl=ExitWish(D(1)), tp=ExitWish(D(1)))
    slip = closed(of, qty=649, ltp=None)
    assert (slip.order.qty, slip.ltp, slip.stop_loss) == (649, None, None)


def test_a_buy_still_reports_its_levels() -> None:
    slip = closed(alert("BUY"))
    assert (slip.stop_loss, slip.take_profit) == (D(85), D(125))


@pytest.mark.parametrize("verb", ["SELL", "EXIT"])
def test_what_closes_a_long_or_whatever_is_open_tells_no_levels(verb: str) -> None:
    slip = closed(alert(verb), Action.SELL)
    assert (slip.stop_loss, slip.take_profit) == (None, None)
