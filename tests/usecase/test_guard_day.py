"""What is carried overnight, and the night."""

from __future__ import annotations

from decimal import Decimal

from shared.broker import LoginEnded
from shared.models import BookedOrder, OrderStatus, Severity
from tests.usecase.guarded import BUY, clock, overnight, run, state
from tests.usecase.world import TICKER, World

# --- Carried overnight ----------------------------------------------------------------


def test_what_is_carried_is_told_in_the_evening_and_in_the_morning(
    carried: World,
) -> None:
    clock(carried, 15, 33)
    assert run(carried) == []
    assert run(carried) == ["carried_overnight"]
    assert run(carried, 10) == []
    overnight(carried)
    clock(carried, 8, 43, days=1)
    assert run(carried) == []
    carried.reconcile(after=60)
    (notice,) = carried.inbox.notices
    assert (notice.event, notice.severity) == ("carried_overnight", Severity.CRITICAL)
    assert notice.message.startswith(f"the short of 65 {TICKER} was carried overnight")
    carried.told()
    assert run(carried, 20) == []


def test_the_morning_needs_no_token(carried: World) -> None:
    overnight(carried)
    clock(carried, 8, 50, days=1)
    carried.broker.failures["order_book"] = [LoginEnded("expired")] * 9
    assert run(carried) == ["carried_overnight"]


def test_the_evening_needs_no_token_once_the_day_was_seen_open(carried: World) -> None:
    clock(carried, 15, 36)
    carried.broker.failures["order_book"] = [LoginEnded("expired")] * 9
    assert run(carried) == ["carried_overnight"]


def test_a_stop_placed_before_the_open_needs_no_word(carried: World) -> None:
    overnight(carried)
    carried.broker.book.append(
        BookedOrder(
            order_id="hand",
            ticker=TICKER,
            action=BUY,
            qty=65,
            filled=0,
            product="MARGIN",
            status=OrderStatus.PENDING,
            tag="",
            parent_id=None,
            message="",
            placed_at=None,
            order_type=4,
            stop_price=Decimal(115),
        )
    )
    clock(carried, 8, 50, days=1)
    assert run(carried) == []


def test_a_carried_position_without_a_stop_is_told_once_the_market_is_open(
    carried: World,
) -> None:
    overnight(carried)
    clock(carried, 9, 14, days=1)
    carried.reconcile()
    carried.told()
    assert run(carried) == ["exits_missing"]


def test_a_weekend_has_no_words_for_what_is_carried(carried: World) -> None:
    overnight(carried)
    clock(carried, 16, 0, days=4)
    carried.told()
    carried.broker.is_open = False
    for hour, minute in ((8, 50), (12, 0), (15, 40)):
        clock(carried, hour, minute, days=5)
        assert run(carried, 2) == []


def test_nothing_carried_has_no_words(world: World) -> None:
    world.send()
    world.reconcile(after=60)
    clock(world, 15, 36)
    assert run(world) == []


# --- Night ----------------------------------------------------------------------------


def test_the_night_is_quiet(carried: World) -> None:
    clock(carried, 16, 30)
    carried.broker.calls.clear()
    assert run(carried, 60) == []
    assert carried.broker.calls == []


def test_the_desk_can_see_what_the_guard_saw(world: World) -> None:
    world.send()
    world.reconcile(after=60)
    (watch,) = state(world).watches
    assert watch.seen is not None
    assert (watch.seen.net, watch.seen.stop) == (-65, Decimal(115))
