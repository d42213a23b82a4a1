"""What one close sends: by what is really open, never beyond it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.models import Action, Change, Severity
from tests.usecase.closes import BUY, SELL, lost, net, note, rests, short, when
from tests.usecase.world import TICKER, World, body, code

# --- Entries in the way ---------------------------------------------------------------


def test_a_working_entry_is_cancelled_before_its_cover(world: World) -> None:
    entry = rests(world, "SELL")
    answer = world.send("BUY", key="k2")
    assert code(answer) == (400, "no_short_position")
    assert f"working SELL {entry.order_id} was cancelled first" in str(
        body(answer)["error"]
    )
    assert world.broker.cancelled == [entry.order_id]
    assert len(world.broker.placed) == 1


@pytest.mark.parametrize(
    ("entry", "close", "side"), [("SELL", "BUY", BUY), ("LONG", "EXIT", SELL)]
)
def test_the_rest_of_an_entry_is_cancelled_and_what_is_open_closed(
    world: World, entry: str, close: str, side: Action
) -> None:
    row = rests(world, entry, qty=130)
    world.broker.trade(row.order_id, 65)
    answer = world.send(close, key="k2")
    assert code(answer) == (200, "")
    assert (world.broker.placed[1].action, world.broker.placed[1].qty) == (side, 65)
    assert row.order_id in world.broker.cancelled
    assert "(65 of 130 had filled)" in note(answer)
    assert net(world) == 0


def test_an_entry_that_trades_while_it_is_cancelled_is_covered(world: World) -> None:
    entry = rests(world, "SELL")
    when(world, "cancel", lambda: world.broker.trade(entry.order_id))
    answer = world.send("BUY", key="k2")
    assert (code(answer), body(answer)["qty"]) == ((200, ""), 65)
    assert "cancelled first" not in note(answer)
    assert net(world) == 0


def test_an_entry_that_cannot_be_cancelled_keeps_its_cover_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests(world, "SELL")
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.UNCLEAR,) * len(ids)
    )
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_an_accepted_entry_that_is_not_in_the_book_keeps_its_cover_waiting(
    world: World,
) -> None:
    entry = rests(world, "SELL")
    world.broker.book.clear()
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    world.broker.book.append(entry)
    world.broker.trade(entry.order_id)
    world.wait(5)
    assert code(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


def test_an_entry_that_stays_out_of_the_book_is_believed_gone(world: World) -> None:
    rests(world, "SELL")
    world.broker.book.clear()
    world.wait(120)
    assert code(world.send("BUY", key="k2")) == (400, "no_short_position")


@pytest.mark.parametrize("how", ["sending", "unknown"])
def test_an_entry_that_fyers_may_hold_keeps_its_cover_waiting(
    world: World, how: str
) -> None:
    if how == "sending":
        world.dies("place", "SELL")
    else:
        lost(world, "SELL")
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    world.reconcile(after=60)
    assert code(world.send("BUY", key="k3")) == (400, "no_short_position")


# --- How much -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "asked", "closed", "says"),
    [
        (130, {}, 130, ""),
        (1950, {}, 1950, ""),
        (130, {"qty": 65}, 65, ""),
        (130, {"lots": 1}, 65, ""),
        (130, {"qty": 75}, 65, "quantity cut from 75 to 65: 130 are open"),
        (130, {"qty": 129}, 65, "quantity cut from 129 to 65: 130 are open"),
        (130, {"qty": 30}, 65, "quantity raised from 30 to 65: 130 are open"),
        (130, {"qty": 300}, 130, "quantity cut from 300 to 130: 130 are open"),
        (130, {"lots": 9}, 130, "quantity cut from 585 to 130: 130 are open"),
        (40, {}, 40, ""),
        (40, {"qty": 65}, 40, "quantity cut from 65 to 40: 40 are open"),
        (105, {}, 65, "quantity cut from 105 to 65: 105 are open"),
    ],
    ids=str,
)
@pytest.mark.parametrize("sign", [-1, 1], ids=["short", "long"])
def test_a_close_takes_whole_lots_up_to_what_is_open(
    world: World,
    sign: int,
    held: int,
    asked: dict[str, Any],
    closed: int,
    says: str,
) -> None:
    world.broker.hold(TICKER, "INTRADAY", sign * held)
    answer = world.send("BUY" if sign < 0 else "SELL", **asked)
    assert code(answer) == (200, "")
    assert body(answer)["qty"] == closed
    assert note(answer) == says
    assert net(world) == sign * (held - closed)


def test_an_exit_of_two_signs_needs_a_name(world: World) -> None:
    short(world)
    world.broker.hold(TICKER, "MARGIN", 130)
    assert code(world.send("EXIT")) == (400, "ambiguous_position")
    answer = world.send("EXIT", key="k2", productType="MARGIN")
    assert (body(answer)["action"], body(answer)["qty"]) == ("SELL", 130)


def test_a_cover_beside_a_working_long_is_not_final(world: World) -> None:
    entry = rests(world, "LONG")
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    assert entry.order_id not in world.broker.cancelled


def test_a_product_that_names_nothing_open_takes_the_only_one(world: World) -> None:
    short(world)
    assert body(world.send("BUY", productType="MARGIN"))["product_type"] == "INTRADAY"


@pytest.mark.parametrize(
    ("held", "action", "word"),
    [
        (0, "BUY", "no_short_position"),
        (65, "BUY", "no_short_position"),
        (0, "EXIT", "nothing_open"),
    ],
)
def test_nothing_to_close_is_final_when_flat_and_quiet(
    world: World, held: int, action: str, word: str
) -> None:
    world.broker.hold(TICKER, "INTRADAY", held)
    answer = world.send(action)
    assert code(answer) == (400, word)
    assert world.broker.placed == []
    assert world.lane() is None


def test_an_old_alert_with_odd_fields_still_closes(world: World) -> None:
    short(world)
    answer = world.send("BUY", stopLoss=5, orderType="LIMIT", sl=25900, time=1)
    assert code(answer) == (200, "")


# --- Orders of other hands ------------------------------------------------------------


def test_a_hand_order_that_rests_is_named_and_takes_nothing_off(world: World) -> None:
    world.send(qty=130)
    hand = world.by_hand(BUY, fills=False, order_type=1, limit_price=Decimal(5))
    answer = world.send("BUY", key="k2")
    assert body(answer)["qty"] == 130
    assert f"orders not ours still wait there: {hand}" in note(answer)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("hand_order_works", Severity.WARNING)
    assert hand in notice.message
    assert hand not in world.broker.cancelled


@pytest.mark.parametrize("kind", [3, 4])
def test_a_hand_placed_stop_does_not_stop_a_cover(world: World, kind: int) -> None:
    world.send()
    hand = world.by_hand(BUY, fills=False, order_type=kind, stop_price=Decimal(115))
    answer = world.send("BUY", key="k2")
    assert (code(answer), body(answer)["qty"]) == ((200, ""), 65)
    assert hand in world.inbox.notices[0].message


@pytest.mark.parametrize(
    "how",
    [{}, {"order_type": 1, "limit_price": Decimal("100.1")}],
    ids=["market", "through the quote"],
)
def test_a_hand_order_that_must_trade_now_is_counted(
    world: World, how: dict[str, Any]
) -> None:
    short(world, 130)
    world.broker.spreads[TICKER] = Decimal("99.9"), Decimal("100.1")
    world.by_hand(BUY, fills=False, **how)
    assert body(world.send("BUY"))["qty"] == 65


def test_a_position_that_a_hand_order_closes_right_now_waits(world: World) -> None:
    short(world)
    hand = world.by_hand(BUY, fills=False)
    assert code(world.send("BUY")) == (503, "unavailable")
    world.broker.trade(hand)
    assert code(world.send("BUY")) == (400, "no_short_position")


def test_after_a_quarter_past_three_the_owner_hears_that_both_may_act(
    world: World,
) -> None:
    world.wait(5 * 3600 + 46 * 60)
    short(world)
    assert code(world.send("BUY")) == (200, "")
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("square_off_time", Severity.CRITICAL)
