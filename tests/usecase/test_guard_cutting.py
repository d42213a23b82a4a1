"""Exits beyond what is open: cut by a second read, or told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from shared.models import Change, Severity
from tests.usecase.guarded import BUY, HTML, SELL, lost_cover, risks, run
from tests.usecase.world import STRIKES, World, ticker


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
