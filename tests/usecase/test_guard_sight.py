"""What the guard sees and says, from run to run."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from shared.models import OrderStatus, Severity
from tests.usecase.guarded import BUY, HOUR, HTML, SELL, bare, clock, risks, run
from tests.usecase.world import TICKER, World

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
