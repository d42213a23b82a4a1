"""What becomes of a position's exits when it is closed."""

from __future__ import annotations

import pytest

from shared.idempotency import Done
from shared.models import Change, OrderStatus, Rejected, Severity, Unclear
from tests.usecase.closes import (
    BUY,
    HTML,
    MARGIN,
    calls,
    found,
    net,
    rests,
    short,
    when,
)
from tests.usecase.world import World, code

# --- The exits ------------------------------------------------------------------------


def test_exits_go_when_the_cover_has_traded_never_before(world: World) -> None:
    world.send()
    calls(world)
    world.send("BUY", key="k2")
    assert calls(world)[3:] == ["place", "order_book", "positions", "cancel"]
    assert [leg.status for leg in world.legs()] == [OrderStatus.CANCELLED] * 2


def test_a_cover_that_rests_leaves_the_stop_standing(world: World) -> None:
    world.send()
    rests(world, "BUY", key="k2")
    assert all(leg.status.working for leg in world.legs())
    assert world.broker.cancelled == []


def test_a_cover_that_fills_within_the_looks_takes_its_exits_along(
    world: World,
) -> None:
    world.send()
    world.broker.fills = False
    when(
        world,
        "order_book",
        lambda: world.broker.trade(world.broker.book[-1].order_id),
        nth=3,
    )
    assert code(world.send("BUY", key="k2")) == (200, "")
    assert not any(leg.status.working for leg in world.legs())
    assert world.lane() is None


def test_a_part_of_a_cover_takes_its_part_of_the_exits(world: World) -> None:
    world.send(qty=130)
    world.broker.fills = False
    when(
        world,
        "order_book",
        lambda: world.broker.trade(world.broker.book[-1].order_id, 65),
        nth=2,
    )
    world.send("BUY", key="k2")
    assert [leg.qty for leg in world.legs()] == [65, 65]
    assert world.lane() is not None


def test_without_time_to_look_the_exits_are_left_to_the_guard(world: World) -> None:
    world.send()
    when(world, "place", lambda: world.wait(0.9))
    assert code(world.send("BUY", key="k2", left=1.5)) == (200, "")
    assert world.broker.cancelled == []
    assert world.lane() is not None
    world.reconcile(after=5)
    assert len(world.broker.cancelled) == 2


@pytest.mark.parametrize("call", ["order_book", "positions", "cancel"])
def test_a_look_that_fails_changes_no_answer(world: World, call: str) -> None:
    world.send()

    def fail() -> None:
        world.broker.failures[call] = [HTML]

    when(world, "place", fail)
    assert code(world.send("BUY", key="k2")) == (200, "")


@pytest.mark.parametrize("action", ["EXIT", "SELL"])
def test_the_exits_of_a_long_go_before_its_close(world: World, action: str) -> None:
    world.send("LONG")
    calls(world)
    answer = world.send(action, key="k2")
    assert code(answer) == (200, "")
    done = calls(world)
    assert done.index("cancel") < done.index("place")
    assert "order_book" in done[done.index("cancel") : done.index("place")]
    assert net(world) == 0
    assert not any(leg.status.working for leg in world.legs())


def test_a_part_of_a_long_keeps_exits_for_the_rest(world: World) -> None:
    world.send("LONG", qty=130)
    assert code(world.send("SELL", key="k2", qty=65)) == (200, "")
    assert [leg.remaining for leg in world.legs()] == [65, 65]
    assert net(world) == 65


def test_a_long_whose_exits_cannot_be_cancelled_is_not_sold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send("LONG")
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.UNCLEAR,) * len(ids)
    )
    assert code(world.send("EXIT", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_a_long_whose_stop_trades_meanwhile_is_not_sold_twice(world: World) -> None:
    world.send("LONG")
    stop, _ = world.legs()
    when(world, "cancel", lambda: world.broker.trade(stop.order_id))
    assert code(world.send("EXIT", key="k2")) == (400, "nothing_open")
    assert net(world) == 0


# --- Margin ---------------------------------------------------------------------------


def test_a_cover_refused_for_margin_goes_once_more_without_the_exits(
    world: World,
) -> None:
    world.send()
    world.broker.results.append(MARGIN)
    answer = world.send("BUY", key="k2")
    assert code(answer) == (200, "")
    _, first, second = world.broker.placed
    assert first.tag != second.tag
    assert not any(leg.status.working for leg in world.legs())
    assert net(world) == 0
    claim = found(world, "BUY").claim
    assert (claim.state, claim.attempt[:20]) == ("DONE", second.tag)
    assert world.inbox.notices == []


def test_a_cover_refused_twice_tells_that_the_short_is_bare(world: World) -> None:
    world.send()
    world.broker.results += [MARGIN, MARGIN]
    assert code(world.send("BUY", key="k2")) == (424, "order_rejected")
    (notice,) = world.inbox.notices
    assert notice.severity is Severity.CRITICAL
    assert "NO stop works" in notice.message
    assert len(world.broker.placed) == 3
    assert world.lane() is None


def test_a_cover_refused_for_another_reason_leaves_the_exits(world: World) -> None:
    world.send()
    world.broker.results.append(Rejected(-99, "RED:Blocked"))
    assert code(world.send("BUY", key="k2")) == (424, "order_rejected")
    (notice,) = world.inbox.notices
    assert "Its stop still works at FYERS" in notice.message
    assert all(leg.status.working for leg in world.legs())


def test_a_bare_short_refused_for_margin_is_not_tried_again(world: World) -> None:
    short(world)
    world.broker.results.append(MARGIN)
    assert code(world.send("BUY")) == (424, "order_rejected")
    assert len(world.broker.placed) == 1
    assert "NO stop works" in world.inbox.notices[0].message


def test_a_cover_is_not_tried_again_while_an_exit_may_have_traded(world: World) -> None:
    world.send()
    stop, _ = world.legs()
    world.broker.results.append(MARGIN)
    when(world, "cancel", lambda: world.broker.trade(stop.order_id))
    assert code(world.send("BUY", key="k2")) == (424, "order_rejected")
    assert len(world.broker.placed) == 2
    assert net(world) == 0


def test_a_second_try_that_is_lost_is_unknown_under_its_own_tag(world: World) -> None:
    world.send()
    world.broker.results += [MARGIN, Unclear("reset")]
    world.broker.unknown_arrives = False
    assert code(world.send("BUY", key="k2")) == (202, "outcome_unknown")
    slip = found(world, "BUY").claim.slip
    assert slip is not None
    assert slip.order.tag == world.broker.placed[-1].tag
    world.by_hand(BUY, tag=world.broker.placed[-1].tag)
    world.reconcile(after=1)
    assert isinstance(found(world, "BUY").claim.at, Done)
