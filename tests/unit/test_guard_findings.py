"""What the guard finds wrong with a position, and what is no fault of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from shared.guard.state import Verdict, Watch
from shared.guard.verdicts import Finding, judge
from shared.models import (
    Action,
    BookedOrder,
    Flight,
    Order,
    OrderBook,
    OrderStatus,
    OurOrder,
    Position,
    Product,
)

TICKER = "NSE:NIFTY26NOV25800CE"
NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
LOT = 65
COVER, ENTRY = "c" * 20, "e" * 20


def ours(
    action: Action, tag: str, *, closes: bool, flight: Flight = Flight.ACCEPTED
) -> OurOrder:
    order = Order(TICKER, action, LOT, Product.INTRADAY, tag)
    return OurOrder(order, closes, flight, (), NOW, NOW)


def traded(action: Action, tag: str = "", lots: int = 1) -> BookedOrder:
    return BookedOrder(
        order_id=f"{action}-{tag or 'hand'}",
        ticker=TICKER,
        action=action,
        qty=lots * LOT,
        filled=lots * LOT,
        product="INTRADAY",
        status=OrderStatus.TRADED,
        tag=tag,
        parent_id=None,
        message="",
        placed_at=None,
    )


def part_filled() -> tuple[BookedOrder, BookedOrder]:
    """Return an entry of three lots with one filled, and that one's stop."""
    works = OrderStatus.PENDING
    entry = replace(traded(Action.SELL, ENTRY, lots=3), filled=LOT, status=works)
    stop = replace(traded(Action.BUY, ENTRY), order_id="stop", filled=0, status=works)
    return entry, replace(stop, parent_id=entry.order_id, order_type=4)


def found(claimed: list[OurOrder], rows: list[BookedOrder]) -> list[Finding]:
    bought = sum(each.filled for each in rows if each.action is Action.BUY)
    sold = sum(each.filled for each in rows if each.action is Action.SELL)
    position = Position(TICKER, "INTRADAY", bought - sold, 0, bought, sold)
    today = date(2026, 11, 23)
    book = OrderBook.of(TICKER, today, claimed, rows, [position])
    return list(judge(book, Watch(TICKER), NOW))


def seen(claimed: list[OurOrder], rows: list[BookedOrder]) -> bool:
    """Return whether the guard finds that nobody asked for what the rows opened."""
    verdicts = [finding.verdict for finding in found(claimed, rows)]
    return Verdict.UNEXPECTED_POSITION in verdicts


def test_a_short_opened_by_hand_and_covered_in_part_is_the_owners() -> None:
    cover = ours(Action.BUY, COVER, closes=True)
    rows = [traded(Action.SELL, lots=2), traded(Action.BUY, COVER)]
    assert not seen([cover], rows)


def test_a_hand_order_beside_an_entry_that_never_came_is_the_owners() -> None:
    entry = ours(Action.SELL, ENTRY, closes=False, flight=Flight.ABSENT)
    assert not seen([entry], [traded(Action.SELL, lots=2)])


def test_a_cover_that_went_beyond_a_short_opened_by_hand_is_seen() -> None:
    cover = ours(Action.BUY, COVER, closes=True)
    rows = [traded(Action.SELL), traded(Action.BUY), traded(Action.BUY, COVER)]
    assert seen([cover], rows)


def test_a_long_beside_a_short_entry_of_ours_is_seen_whoever_bought() -> None:
    entry = ours(Action.SELL, ENTRY, closes=False)
    rows = [traded(Action.SELL, ENTRY), traded(Action.BUY, lots=2)]
    assert seen([entry], rows)


def test_exits_of_a_part_that_was_squared_off_are_told_while_the_rest_works() -> None:
    """They may belong to a fill that is not shown yet: told by the second run."""
    entry = ours(Action.SELL, ENTRY, closes=False)
    rests, stop = part_filled()
    findings = found([entry], [rests, stop, traded(Action.BUY)])
    left = [f for f in findings if f.verdict is Verdict.EXITS_LEFT_BEHIND]
    assert [(f.quantity, f.side, f.runs, f.trims) for f in left] == [
        (LOT, Action.BUY, 2, ())
    ]


def test_exits_of_a_part_that_is_open_are_no_fault_while_the_rest_works() -> None:
    entry = ours(Action.SELL, ENTRY, closes=False)
    rests, stop = part_filled()
    verdicts = [finding.verdict for finding in found([entry], [rests, stop])]
    assert Verdict.EXITS_LEFT_BEHIND not in verdicts
