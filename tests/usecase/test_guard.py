"""What the guard does from run to run: when it tells, cuts, forgets and stays quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.broker import LoginEnded, Unreadable
from shared.errors import Doubtful, Unavailable
from shared.guard import GuardState, Risk
from shared.models import (
    Action,
    BookedOrder,
    Change,
    OrderStatus,
    Severity,
    Unclear,
)
from tests.usecase.world import CONTRACT, STRIKES, TICKER, World, ticker

BUY, SELL = Action.BUY, Action.SELL
HTML = Unreadable("html")
HOUR, DAY = 3600.0, 86400.0


def bare(world: World, qty: int = 65) -> None:
    """Leave a filled short without any exit."""
    world.send(qty=qty)
    for leg in world.legs():
        world.broker.change(leg.order_id, status=OrderStatus.CANCELLED)


def lost_cover(world: World) -> None:
    """Leave the exits of a short that was closed by hand."""
    world.send()
    world.by_hand(BUY)


def state(world: World) -> GuardState:
    found, _ = world.kept.read(world.deadline())
    assert found is not None
    return found


def _silent(*_: Any) -> Any:
    raise Doubtful("silent")


def risks(world: World) -> list[Risk]:
    return [risk for watch in state(world).watches for risk in watch.risks]


def run(world: World, times: int = 1, every: float = 60) -> list[str]:
    """Run that often, the first one a while from now; return what was told."""
    for _ in range(times):
        world.reconcile(after=every)
    return world.told()


@pytest.fixture
def carried(tmp_path: Path) -> World:
    """A MARGIN short, sold at 14:30 on Monday, whose contract lives for weeks."""
    world = World(tmp_path)
    world.contract = replace(
        CONTRACT,
        expiry=date(2026, 12, 29),
        expires_at=CONTRACT.expires_at + timedelta(days=36),
    )
    world.wait(5 * HOUR)
    world.send(productType="MARGIN")
    world.reconcile(after=60)
    return world


def clock(world: World, hour: int, minute: int, days: int = 0) -> None:
    """Wait until that time, IST, so many days from Monday 23 November."""
    since = timedelta(days=days, hours=hour - 9, minutes=minute - 30)
    left = world.began + since.total_seconds() - world.at
    assert left >= 0
    world.wait(left)


def overnight(world: World) -> None:
    """Let the day end as it does at FYERS: the book is empty, the position carried."""
    net = world.broker.net(TICKER, "MARGIN")
    world.broker.book.clear()
    world.broker.hold(TICKER, "MARGIN", net)


# --- Safe -----------------------------------------------------------------------------


def test_an_empty_ledger_makes_no_call(world: World) -> None:
    summary = world.reconcile()
    assert world.broker.calls == []
    assert summary.guard.contracts == 0


def test_a_filled_order_with_its_exits_is_told_to_nobody(world: World) -> None:
    world.send()
    assert run(world, 5) == []


def test_one_read_serves_settling_and_guarding(world: World) -> None:
    world.send()
    world.send(key="k2", qty=130)
    world.broker.calls.clear()
    world.reconcile(after=60)
    calls = [call for call in world.broker.calls if call not in ("turn", "market_open")]
    assert calls == ["order_book", "positions"]


def test_the_order_book_is_read_before_the_positions(world: World) -> None:
    """An entry that trades between the two is a bare short, never bare exits."""
    world.broker.fills = False
    world.send()

    def trade(call: str) -> None:
        if call == "positions":
            world.broker.before = None
            world.broker.trade(world.broker.book[0].order_id)

    world.broker.before = trade
    world.reconcile(after=10)
    assert world.broker.cancelled == []


def test_a_broken_row_of_another_contract_blinds_nothing(world: World) -> None:
    bare(world)
    world.broker.broken = {"NSE:OTHER"}
    assert run(world, 2) == ["exits_missing"]


# --- exits_missing --------------------------------------------------------------------


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REJECTED])
def test_missing_exits_have_a_minute_and_are_told_once(
    world: World, status: OrderStatus
) -> None:
    world.send()
    for leg in world.legs():
        world.broker.change(leg.order_id, status=status)
    assert run(world) == []
    assert run(world, every=59) == []
    world.reconcile(after=1)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("exits_missing", Severity.CRITICAL)
    assert (notice.contract, notice.side, notice.quantity) == (TICKER, "BUY", 65)
    world.told()
    assert run(world, 5) == []


def test_exits_that_vanish_hours_later_are_told(world: World) -> None:
    world.send()
    world.reconcile(after=HOUR)
    for leg in world.legs():
        world.broker.book.remove(leg)
    assert run(world, 2) == ["exits_missing"]


def test_exits_have_a_minute_from_a_late_fill(world: World) -> None:
    world.broker.fills = False
    world.send()
    assert run(world, every=300) == ["unfilled"]
    entry = world.broker.book[0].order_id
    world.broker.trade(entry)
    for leg in world.broker.legs(entry):
        world.broker.book.remove(leg)
    assert run(world, every=1) == []
    assert run(world) == ["exits_missing"]


def test_exits_that_come_back_end_the_risk(world: World) -> None:
    bare(world)
    world.reconcile(after=60)
    for leg in world.legs():
        world.broker.change(leg.order_id, status=OrderStatus.PENDING)
    assert run(world, 3) == []
    assert risks(world) == []


def test_an_open_risk_is_told_again_after_a_quarter_and_then_every_hour(
    world: World,
) -> None:
    bare(world)
    assert run(world, 2) == ["exits_missing"]
    assert run(world, 14) == []
    world.reconcile(after=60)
    (again,) = world.inbox.notices
    assert again.message.startswith("still so: ")
    world.told()
    assert run(world, 59) == []
    assert run(world) == ["exits_missing"]
    assert run(world, 59) == []
    assert run(world) == ["exits_missing"]


def test_an_open_risk_that_changes_is_told_at_once_and_not_as_still_so(
    world: World,
) -> None:
    bare(world)
    run(world, 2)
    world.by_hand(SELL)
    world.reconcile(after=60)
    (notice,) = world.inbox.notices
    assert notice.quantity == 130
    assert notice.message.startswith("the short of 130")


def test_an_acknowledged_risk_is_not_told_again_until_it_changes(world: World) -> None:
    bare(world)
    run(world, 2)
    found, version = world.kept.read(world.deadline())
    assert found is not None
    seen = found.acknowledged(TICKER, "exits_missing")
    world.kept.write(seen, version, world.deadline())
    assert run(world, 120) == []
    world.by_hand(SELL)
    assert run(world) == ["exits_missing"]


def test_a_risk_that_is_no_danger_is_told_once(world: World) -> None:
    world.send()
    _, target = world.legs()
    world.broker.change(target.order_id, status=OrderStatus.CANCELLED)
    assert run(world, 2) == ["exits_missing"]
    assert run(world, 120) == []


def test_a_book_that_lacks_an_accepted_order_ends_no_risk(world: World) -> None:
    bare(world)
    run(world, 2)
    world.send("BUY", key="k2")
    cover = next(
        row for row in world.broker.book if row.tag == world.broker.placed[1].tag
    )
    world.broker.book.remove(cover)
    world.reconcile(after=30)
    assert [risk.verdict for risk in risks(world)] == ["exits_missing"]
    world.broker.book.append(cover)
    world.reconcile(after=30)
    assert risks(world) == []


def test_exits_of_a_short_closed_by_hand_are_not_missed(world: World) -> None:
    bare(world)
    world.by_hand(BUY)
    assert run(world, 2) == []
    assert world.watched() == []


def test_nothing_is_missed_while_the_market_is_closed(carried: World) -> None:
    clock(carried, 15, 45)
    for leg in carried.legs():
        carried.broker.change(leg.order_id, status=OrderStatus.CANCELLED)
    clock(carried, 15, 46)
    assert "exits_missing" not in run(carried, 3)


# --- ON_MISSING_STOP=close ------------------------------------------------------------


@pytest.fixture
def closing(tmp_path: Path) -> World:
    return World(tmp_path, guarding={"closes_missing": True})


def test_a_position_without_a_stop_is_only_told(world: World) -> None:
    bare(world)
    assert run(world, 3) == ["exits_missing"]
    assert len(world.broker.placed) == 1


def test_a_position_without_a_stop_is_closed_if_the_owner_wants_it(
    closing: World,
) -> None:
    bare(closing)
    closing.reconcile(after=60)
    closing.reconcile(after=60)
    exit = closing.broker.placed[1]
    assert (exit.action, exit.qty) == (BUY, 65)
    (notice,) = closing.inbox.notices
    assert notice.message.endswith("An EXIT was sent for you: order placed")
    closing.told()
    assert run(closing, 3) == []
    assert closing.broker.net(TICKER, "INTRADAY") == 0


def test_a_close_for_the_owner_is_tried_once(closing: World) -> None:
    bare(closing, 130)
    closing.broker.fills = False
    run(closing, 2)
    closing.broker.trade(closing.broker.book[-1].order_id, 65)
    run(closing, 80)
    assert len(closing.broker.placed) == 2


def test_a_missing_target_closes_nothing(closing: World) -> None:
    closing.send()
    _, target = closing.legs()
    closing.broker.change(target.order_id, status=OrderStatus.CANCELLED)
    assert run(closing, 3) == ["exits_missing"]
    assert len(closing.broker.placed) == 1


def test_a_stop_lost_after_its_target_is_closed_as_well(closing: World) -> None:
    closing.send()
    stop, target = closing.legs()
    closing.broker.change(target.order_id, status=OrderStatus.CANCELLED)
    run(closing, 3)
    closing.broker.change(stop.order_id, status=OrderStatus.CANCELLED)
    run(closing)
    assert len(closing.broker.placed) == 2


# --- exits_beyond ---------------------------------------------------------------------


def test_a_traded_target_takes_its_sibling_along(world: World) -> None:
    world.send()
    stop, target = world.legs()
    world.broker.trade(target.order_id)
    assert run(world, 3) == []
    assert world.broker.cancelled == [stop.order_id]
    assert world.watched() == []


def test_exits_of_a_short_closed_by_hand_are_cut_in_one_call(world: World) -> None:
    lost_cover(world)
    assert run(world, 3) == []
    assert len(world.broker.cancelled) == 2
    assert world.broker.calls.count("cancel") == 1


def test_exits_of_a_dozen_squared_off_shorts_go_after_one_second_read(
    world: World,
) -> None:
    """FYERS squares off all of them at once."""
    for strike in STRIKES[:12]:
        world.broker.prices[ticker(strike)] = Decimal(100)
        world.send(key=f"{strike}", strikeprice=strike)
        world.by_hand(BUY, ticker=ticker(strike))
    world.broker.calls.clear()
    begun = world.clock()
    world.reconcile()
    assert [row for row in world.broker.book if row.remaining] == []
    assert world.inbox.notices == []
    assert world.clock() - begun == timedelta(seconds=5)
    assert world.broker.calls.count("order_book") == 2


def test_exits_of_a_long_closed_by_hand_are_cut(world: World) -> None:
    world.send("LONG")
    world.by_hand(SELL)
    assert run(world, 3) == []
    assert len(world.broker.cancelled) == 2


def test_exits_are_cut_only_after_a_second_read_five_seconds_later(
    world: World,
) -> None:
    lost_cover(world)
    begun = world.clock()
    world.broker.calls.clear()
    world.reconcile(after=0)
    calls = [call for call in world.broker.calls if call not in ("turn", "market_open")]
    assert calls == ["order_book", "positions"] * 2 + ["cancel"]
    assert world.clock() - begun == timedelta(seconds=5)


def test_what_the_second_read_does_not_show_is_not_cut(world: World) -> None:
    lost_cover(world)

    def sells(call: str) -> None:
        if call == "positions":
            world.broker.before = None
            world.by_hand(SELL)

    def second(call: str) -> None:
        if call == "positions":
            world.broker.before = sells

    world.broker.before = second
    assert run(world) == []
    assert world.broker.cancelled == []
    assert risks(world) == []


def test_a_quantity_beyond_the_short_left_is_trimmed(world: World) -> None:
    world.send(qty=130)
    world.by_hand(BUY)
    assert run(world, 2) == []
    assert [leg.qty for leg in world.legs()] == [65, 65]


def test_exits_a_cover_left_behind_are_cancelled(world: World) -> None:
    world.send()
    world.broker.failures["cancel"] = [HTML]
    world.send("BUY", key="k2")
    assert world.broker.cancelled == []
    assert run(world, 2) == []
    assert len(world.broker.cancelled) == 2


def test_a_cut_that_is_not_confirmed_is_told_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_cover(world)
    ids = ", ".join(leg.order_id for leg in world.legs())
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.UNCLEAR,) * len(ids)
    )
    world.reconcile(after=60)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("exits_left_behind", Severity.CRITICAL)
    assert f"FYERS did not confirm it for {ids}" in notice.message
    world.told()
    assert run(world, 5) == []


def test_a_cut_that_cannot_be_made_is_told(world: World) -> None:
    lost_cover(world)
    world.broker.failures["cancel"] = [HTML] * 9
    assert run(world, 3) == ["exits_left_behind"]


def test_a_second_read_that_fails_is_told(world: World) -> None:
    lost_cover(world)

    def fail(call: str) -> None:
        if call == "positions":
            world.broker.before = None
            world.broker.failures["order_book"] = [HTML]

    world.broker.before = fail
    assert run(world) == ["exits_left_behind"]
    assert world.broker.cancelled == []


def test_a_cut_that_fyers_confirmed_and_did_not_make_is_told_in_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_cover(world)
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.CONFIRMED,) * len(ids)
    )
    assert run(world) == []
    world.reconcile(after=60)
    (notice,) = world.inbox.notices
    assert notice.event == "exits_left_behind"
    assert "FYERS said that they were, and they still work" in notice.message


def test_exits_left_behind_end_when_a_later_run_reads_them_ended(world: World) -> None:
    lost_cover(world)
    world.broker.failures["cancel"] = [HTML]
    assert run(world) == ["exits_left_behind"]
    assert run(world, 2) == []
    assert risks(world) == []
    assert world.watched() == []


def test_a_new_short_keeps_its_exits_after_an_old_cover(world: World) -> None:
    world.send()
    world.send("BUY", key="k2")
    world.send("SELL", key="k3")
    assert run(world, 3) == []
    assert all(leg.status.working for leg in world.legs(2))


def test_exits_of_an_entry_that_still_rests_are_left_alone(world: World) -> None:
    world.broker.fills = False
    world.send(qty=130)
    entry = world.broker.book[0]
    world.broker.trade(entry.order_id, 65)
    world.reconcile(after=10)
    for leg in world.broker.legs(entry.order_id):
        world.broker.change(leg.order_id, qty=130)
    world.reconcile(after=60)
    assert world.broker.cancelled == []
    assert world.broker.resized == []


def test_orders_of_other_hands_are_never_cut(world: World) -> None:
    world.send()
    stop = world.by_hand(BUY, fills=False, order_type=4, stop_price=Decimal(115))
    limit = world.by_hand(BUY, fills=False, order_type=1, limit_price=Decimal(5))
    world.by_hand(BUY)
    run(world, 3)
    assert {stop, limit}.isdisjoint(world.broker.cancelled)


def test_our_own_cover_of_a_short_closed_by_hand_is_cut(world: World) -> None:
    world.send()
    world.broker.fills = False
    world.send("BUY", key="k2")
    cover = world.broker.book[-1].order_id
    world.by_hand(BUY)
    run(world, 2)
    assert cover in world.broker.cancelled


# --- unexpected_position --------------------------------------------------------------


def test_a_stop_that_trades_beside_a_cover_is_told_within_one_run(world: World) -> None:
    world.send()
    stop, _ = world.legs()
    world.broker.failures["cancel"] = [HTML]
    world.send("BUY", key="k2")
    world.broker.trade(stop.order_id)
    world.reconcile(after=60)
    notice = next(n for n in world.inbox.notices if n.event == "unexpected_position")
    assert (notice.quantity, notice.side, notice.contract) == (65, "SELL", TICKER)
    assert "you are long 65" in notice.message


def test_a_bare_short_after_two_closes_of_a_long_is_told(world: World) -> None:
    world.send("LONG")
    world.reconcile(after=60)
    world.broker.fills = False
    world.send("SELL", key="k2")
    world.by_hand(SELL)
    world.broker.trade(
        next(
            r for r in world.broker.book if r.tag == world.broker.placed[1].tag
        ).order_id
    )
    world.reconcile(after=10)
    assert "unexpected_position" in world.told()


def test_an_unexpected_position_is_forgotten_once_it_is_closed(world: World) -> None:
    world.send()
    stop, _ = world.legs()
    world.broker.failures["cancel"] = [HTML]
    world.send("BUY", key="k2")
    world.broker.trade(stop.order_id)
    run(world)
    world.by_hand(SELL)
    assert run(world, 3) == []
    assert world.watched() == []


# --- stop_not_filled ------------------------------------------------------------------


def test_a_jumped_stop_is_told_in_the_second_run(world: World) -> None:
    world.send()
    world.broker.prices[TICKER] = Decimal(140)
    assert run(world) == []
    assert run(world) == ["stop_not_filled"]
    assert run(world, 5) == []


def test_a_price_that_comes_back_is_not_told(world: World) -> None:
    world.send()
    for _ in range(4):
        world.broker.prices[TICKER] = Decimal(140)
        assert run(world) == []
        world.broker.prices[TICKER] = Decimal(100)
        assert run(world) == []


def test_two_jumped_stops_are_told_once_each(world: World) -> None:
    world.send()
    world.send(key="k2")
    world.broker.prices[TICKER] = Decimal(140)
    assert run(world, 2) == ["stop_not_filled"] * 2
    assert run(world, 5) == []


# --- exits_wrong ----------------------------------------------------------------------


def test_wrong_exits_pause_entries_once(world: World) -> None:
    world.send()
    stop, _ = world.legs()
    world.broker.change(stop.order_id, stop_price=Decimal(130))
    world.reconcile(after=60)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("exits_wrong", Severity.CRITICAL)
    assert notice.message.endswith("New entries are paused until you resume them.")
    assert world.paused == [f"exits of {TICKER} are not what was sent"]
    world.told()
    assert run(world, 20) == []
    assert len(world.paused) == 1


def test_exits_that_somebody_moves_later_are_his_own(world: World) -> None:
    world.send()
    world.reconcile(after=60)
    stop, _ = world.legs()
    world.broker.change(stop.order_id, stop_price=Decimal(130))
    assert run(world, 3) == []
    assert world.paused == []


# --- Orders of ours -------------------------------------------------------------------


def test_a_later_rejection_is_told_once(world: World) -> None:
    world.broker.fills = False
    world.send()
    order_id = world.broker.book[0].order_id
    world.broker.change(order_id, status=OrderStatus.REJECTED, message="RED:Margin")
    world.reconcile(after=10)
    world.reconcile(after=60)
    assert world.inbox.events == ["order_rejected"]
    assert "RED:Margin" in world.inbox.notices[0].message
    assert world.watched() == []


def test_an_unfilled_order_is_told_after_a_minute_and_once(world: World) -> None:
    world.broker.fills = False
    world.send()
    assert run(world, every=59) == []
    assert run(world, every=1) == ["unfilled"]
    assert run(world, 20) == []


def test_an_unfilled_order_rejected_later_is_told_both_times(world: World) -> None:
    world.broker.fills = False
    world.send()
    world.reconcile(after=60)
    world.broker.change(
        world.broker.book[0].order_id, status=OrderStatus.CANCELLED, message=""
    )
    assert run(world) == ["unfilled", "order_rejected"]


def test_a_part_filled_order_is_told_once(world: World) -> None:
    world.broker.fills = False
    world.send(qty=130)
    world.broker.trade(world.broker.book[0].order_id, 65)
    assert run(world, 3) == ["part_filled"]


def test_a_cover_refused_later_leaves_the_stop_standing_and_says_so(
    world: World,
) -> None:
    world.send()
    world.broker.fills = False
    world.send("BUY", key="k2")
    cover = next(
        row for row in world.broker.book if row.tag == world.broker.placed[1].tag
    )
    world.broker.change(cover.order_id, status=OrderStatus.REJECTED, message="RED:x")
    world.reconcile(after=60)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("order_rejected", Severity.CRITICAL)
    assert "A stop works for all of it" in notice.message
    assert all(leg.status.working for leg in world.legs())


def test_an_order_missing_from_the_book_is_told_once(world: World) -> None:
    world.broker.fills = False
    world.send()
    world.broker.book.clear()
    assert run(world, 3) == ["order_missing"]


def test_an_order_is_followed_under_an_id_with_a_suffix(world: World) -> None:
    world.send()
    entry = world.broker.book[0]
    world.broker.book[0] = replace(entry, order_id=f"{entry.order_id}-BO-1")
    assert run(world, 3) == []


@pytest.mark.parametrize(("tells", "events"), [(True, ["order_filled"]), (False, [])])
def test_fills_are_told_only_if_the_owner_wants_them(
    tmp_path: Path, tells: bool, events: list[str]
) -> None:
    world = World(tmp_path, guarding={"tells_orders": tells})
    world.send()
    assert run(world, 3) == events


def test_a_converted_position_is_told_once(world: World) -> None:
    world.send()
    world.broker.hold(TICKER, "INTRADAY", 0)
    world.broker._traded[TICKER, "INTRADAY"] = (65, 65)
    world.broker._traded[TICKER, "MARGIN"] = (0, 65)
    assert run(world, 3) == ["position_converted"]
    assert world.broker.cancelled == []


# --- Forgetting -----------------------------------------------------------------------


def test_a_flat_and_quiet_contract_is_forgotten(world: World) -> None:
    world.send()
    world.send("BUY", key="k2")
    assert world.watched() == [TICKER]
    assert run(world) == []
    assert world.watched() == []
    world.reconcile(after=60)
    assert state(world).watches == ()


def test_what_is_forgotten_says_how_it_ended(world: World) -> None:
    world.send()
    (key,) = world.keys()
    world.send("BUY", key="k2")
    world.reconcile(after=60)
    stored = world.store.read(key, world.deadline())
    assert stored is not None
    assert stored.claim.story is not None
    assert (stored.claim.story.filled, stored.claim.story.price) == (65, Decimal(100))


def test_an_order_settled_as_absent_is_watched_until_its_day_is_over(
    carried: World,
) -> None:
    world = carried
    world.by_hand(BUY, product="MARGIN")
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(key="k2")
    run(world, 3)
    assert world.watched() == [TICKER]
    overnight(world)
    clock(world, 9, 20, days=1)
    run(world)
    assert world.watched() == []


def test_an_order_settled_as_absent_filled_nothing(carried: World) -> None:
    world = carried
    world.by_hand(BUY, product="MARGIN")
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(key="k2")
    day = world.clock().date()
    run(world, 3)
    overnight(world)
    clock(world, 9, 20, days=1)
    run(world)
    absent = world.store.of_day(day, world.deadline())[-1].claim
    assert (absent.state, absent.story and absent.story.filled) == ("NOT_SENT", 0)


def test_an_unknown_of_today_is_never_forgotten(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send()
    world.by_hand(SELL)
    world.by_hand(BUY)
    run(world, 5)
    assert world.watched() == [TICKER]


def test_a_contract_past_its_expiry_is_dropped(world: World) -> None:
    world.send()
    world.broker.book.clear()
    world.broker.hold(TICKER, "INTRADAY", 0)
    assert run(world, every=DAY) == []
    assert world.watched() == []
    assert state(world).watches == ()


# --- blind ----------------------------------------------------------------------------


def blind(world: World, runs: int) -> list[str]:
    world.broker.failures["order_book"] = [HTML] * runs
    return run(world, runs)


def test_a_blind_guard_tells_once_after_three_minutes_and_when_it_sees_again(
    world: World,
) -> None:
    world.send()
    assert blind(world, 3) == []
    world.broker.failures["order_book"] = [HTML] * 20
    world.reconcile(after=60)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("blind", Severity.CRITICAL)
    assert "since 09:31 IST" in notice.message
    assert f"Watch {TICKER} in the FYERS app" in notice.message
    world.told()
    world.broker.failures.clear()
    assert blind(world, 20) == []
    assert run(world) == ["sees_again"]
    assert run(world, 3) == []


@pytest.mark.parametrize("call", ["order_book", "positions"])
@pytest.mark.parametrize(
    ("failure", "why"),
    [(HTML, "gives no answer"), (LoginEnded("x"), "nobody is logged in")],
    ids=["unreadable", "no login"],
)
def test_a_blind_guard_says_why(
    world: World, call: str, failure: Exception, why: str
) -> None:
    world.send()
    world.broker.failures[call] = [failure] * 9
    world.reconcile(after=60)
    world.reconcile(after=180)
    assert why in world.inbox.notices[0].message


def test_blindness_that_passes_is_not_told(world: World) -> None:
    world.send()
    for _ in range(3):
        assert blind(world, 3) == []
        assert run(world) == []


def test_a_broken_row_of_a_contract_of_ours_blinds(world: World) -> None:
    world.send()
    world.broker.broken = {TICKER, "NSE:OTHER"}
    world.reconcile(after=60)
    world.reconcile(after=180)
    (notice,) = world.inbox.notices
    assert notice.event == "blind"
    assert f"Watch {TICKER} in" in notice.message


def test_a_blind_guard_ends_no_risk_and_cuts_nothing(world: World) -> None:
    bare(world)
    run(world, 2)
    assert blind(world, 2) == []
    assert [risk.verdict for risk in risks(world)] == ["exits_missing"]


def test_nobody_is_told_of_blindness_when_nothing_can_happen(carried: World) -> None:
    clock(carried, 8, 50, days=1)
    carried.told()
    overnight(carried)
    assert blind(carried, 20) == ["carried_overnight"]
    assert blind(carried, 6) == ["blind"]


def test_yesterdays_blindness_does_not_count_today(carried: World) -> None:
    clock(carried, 15, 48)
    carried.told()
    assert "blind" not in blind(carried, 2)
    carried.reconcile(after=HOUR)
    overnight(carried)
    clock(carried, 9, 14, days=1)
    carried.told()
    assert "blind" not in blind(carried, 2)


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


# --- The state and the notices --------------------------------------------------------


def test_a_notice_that_cannot_be_sent_is_sent_by_the_next_run(world: World) -> None:
    bare(world)
    world.reconcile(after=60)
    world.inbox.down = True
    world.reconcile(after=60)
    world.inbox.down = False
    assert run(world) == ["exits_missing"]
    assert run(world) == []


def test_of_two_runs_at_once_only_one_tells(world: World) -> None:
    bare(world)
    world.reconcile(after=60)

    def meanwhile(call: str) -> None:
        if call == "positions":
            world.broker.before = None
            world.reconcile()

    world.broker.before = meanwhile
    assert run(world) == ["exits_missing"]


@pytest.mark.parametrize("step", ["ledger", "watched"])
def test_a_run_without_the_store_is_unavailable_and_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lost_cover(world)
    if step == "ledger":
        world.store.lost = {"ledger": ["before"]}
    else:
        monkeypatch.setattr(world.store, "watched", _silent)
    with pytest.raises(Unavailable):
        world.reconcile(after=60)
    assert world.broker.cancelled == []


def test_a_state_that_cannot_be_written_is_told_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(world)
    world.reconcile(after=60)
    with monkeypatch.context() as broken:
        broken.setattr(world.kept, "write", _silent)
        with pytest.raises(Unavailable):
            world.reconcile(after=60)
    assert world.told() == []
    assert run(world) == ["exits_missing"]


def test_a_claim_that_somebody_moves_is_forgotten_by_the_next_run(
    world: World,
) -> None:
    world.send()
    world.send("BUY", key="k2")
    world.store.lost = {"done": ["before"] * 2}
    world.reconcile(after=60)
    assert world.watched() == [TICKER]
    assert run(world) == []
    assert world.watched() == []


def test_a_market_status_that_cannot_be_read_is_asked_for_again(world: World) -> None:
    world.send()
    world.broker.failures["market_open"] = [HTML]
    world.reconcile(after=60)
    assert state(world).open_day is None
    run(world, 5)
    assert state(world).open_day == date(2026, 11, 23)
    assert world.broker.calls.count("market_open") == 2


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
