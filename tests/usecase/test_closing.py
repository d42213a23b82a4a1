"""The closing lane: one close at a time, by what is really open, never beyond it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.adapters import record_codec
from shared.adapters.documents import Write
from shared.adapters.store import LANES
from shared.broker import Unreadable
from shared.idempotency import (
    Claimed,
    Done,
    Released,
    Sending,
    Stored,
    Unknown,
)
from shared.models import (
    Action,
    BookedOrder,
    Change,
    OrderStatus,
    Rejected,
    Severity,
    Unclear,
)
from shared.orders import Answer
from tests.contract.claims_made import standing
from tests.usecase.world import TICKER, World, body

BUY, SELL = Action.BUY, Action.SELL
HTML = Unreadable("html")
MARGIN = Rejected(-99, "RED:Margin Shortfall:INR 2,78,806.74 Available:INR 0")


def short(world: World, qty: int = 65) -> None:
    """Hold a short that was carried, without exits."""
    world.broker.hold(TICKER, "INTRADAY", -qty)


def net(world: World) -> int:
    return world.broker.net(TICKER, "INTRADAY")


def calls(world: World) -> list[str]:
    """Return the calls to FYERS since the last look."""
    found = [call for call in world.broker.calls if call != "turn"]
    world.broker.calls.clear()
    return found


def said(answer: Answer) -> tuple[int, str]:
    """Return an answer's status and code."""
    return answer.reply.status, str(body(answer).get("code", ""))


def note(answer: Answer) -> str:
    return str(body(answer).get("note", ""))


def found(world: World, what: str) -> Stored:
    """Return the claim of the alert that says so."""
    keys = world.keys()
    claims = [world.store.read(key, world.deadline()) for key in keys]
    return next(one for one in claims if one and one.claim.what.startswith(what))


def rests(world: World, action: str, **more: Any) -> BookedOrder:
    """Send an alert whose order is accepted and rests; return its row."""
    world.broker.fills = False
    assert world.send(action, **more).reply.status == 200
    world.broker.fills = True
    tag = world.broker.placed[-1].tag
    return next(row for row in world.broker.book if row.tag == tag)


def lost(world: World, action: str = "BUY", key: str = "lost") -> None:
    """Send an alert whose order call's outcome stays unknown; FYERS has no row."""
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    assert world.send(action, key=key).reply.status == 202
    world.broker.unknown_arrives = True


def when(world: World, call: str, act: Callable[[], object], nth: int = 1) -> None:
    """Do something just before the nth call of that name from now."""
    left = [nth]

    def before(name: str) -> None:
        if name != call and call != "any":
            return
        left[0] -= 1
        if not left[0]:
            world.broker.before = None
            act()

    world.broker.before = before


# --- The lane -------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["BUY", "EXIT"])
def test_the_lane_is_taken_before_anything_is_read(world: World, action: str) -> None:
    short(world)
    seen = []
    when(world, "any", lambda: seen.append(world.lane()), nth=2)
    world.send(action)
    (lane,) = seen
    assert lane is not None
    assert (lane.claim, lane.tag) == (found(world, action).key, "")


def test_a_sell_that_finds_a_long_takes_the_lane_and_reads_again(world: World) -> None:
    world.broker.hold(TICKER, "INTRADAY", 65)
    seen = []
    when(world, "order_book", lambda: seen.append(world.lane()))
    world.send("SELL")
    assert calls(world)[:5] == [
        "positions",
        "quote",
        "order_book",
        "quote",
        "positions",
    ]
    assert seen != [None]
    assert net(world) == 0


def test_sending_and_the_lanes_mark_are_one(world: World) -> None:
    short(world)
    seen = []
    when(world, "place", lambda: seen.append(world.lane()))
    world.send("BUY")
    (lane,) = seen
    (order,) = world.broker.placed
    assert lane is not None
    assert (lane.tag, lane.attempt[:20]) == (order.tag, order.tag)
    assert lane.send_by is not None


def test_a_close_that_traded_gives_the_lane_back(world: World) -> None:
    short(world)
    world.send("BUY")
    assert world.lane() is None


def test_a_close_refused_for_good_gives_the_lane_back(world: World) -> None:
    short(world)
    world.broker.results.append(Rejected(-50, "x"))
    assert said(world.send("BUY")) == (424, "order_rejected")
    assert world.lane() is None


@pytest.mark.parametrize("call", ["order_book", "positions"])
def test_a_close_that_could_not_be_decided_gives_the_lane_back(
    world: World, call: str
) -> None:
    short(world)
    world.broker.failures[call] = [HTML]
    assert said(world.send("BUY")) == (503, "unavailable")
    assert world.lane() is None
    assert said(world.send("BUY")) == (200, "")


def test_a_close_that_rests_keeps_the_lane(world: World) -> None:
    short(world)
    rests(world, "BUY")
    lane = world.lane()
    assert lane is not None
    assert lane.tag == world.broker.placed[0].tag


def test_a_lane_whose_holder_has_sent_nothing_is_waited_for_in_the_store(
    world: World,
) -> None:
    short(world)
    world.dies("order_book")
    calls(world)
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert calls(world) == []
    assert world.broker.placed == []


def test_a_lane_given_back_while_waiting_is_taken(world: World) -> None:
    short(world)
    world.dies("order_book")
    dead = found(world, "BUY")

    def give_back() -> None:
        mine = standing(dead.claim, Claimed)
        released = world.claims.released(mine, "x", retry=True)
        held = world.store.lane(TICKER, world.deadline())
        world.lanes.settle(dead, released, held, world.deadline())

    world.while_waiting = give_back
    assert said(world.send("BUY", key="k2")) == (200, "")


def test_a_holder_past_its_lease_is_released_before_its_lane_is_taken(
    world: World,
) -> None:
    short(world)
    world.dies("order_book")
    (dead,) = world.keys()
    world.wait(4)
    assert said(world.send("BUY", key="k2")) == (200, "")
    stored = world.store.read(dead, world.deadline())
    assert stored is not None
    assert standing(stored.claim, Released).at.retry


def test_a_slow_holder_whose_lane_was_taken_sends_nothing(world: World) -> None:
    short(world)
    seen = []

    def slow() -> None:
        world.wait(5)
        seen.append(world.send("BUY", key="k2"))

    when(world, "order_book", slow)
    answer = world.send("BUY", left=30)
    assert [said(one) for one in seen] == [(200, "")]
    assert answer.reply.status == 503
    assert net(world) == 0
    assert len(world.broker.placed) == 1


def test_a_holder_that_moved_just_in_time_keeps_its_lane(world: World) -> None:
    """Its lease is over, but its claim was written before it could be released."""
    short(world)
    world.dies("order_book")
    dead = found(world, "BUY")
    world.wait(5)

    def moves() -> None:
        world.store.meanwhile["released"] = moves
        stored = world.store.read(dead.key, world.deadline())
        assert stored is not None
        world.store.replace(stored, stored.claim, world.deadline())

    world.store.meanwhile["released"] = moves
    answer = world.send("BUY", key="k2")
    world.store.meanwhile.clear()
    assert said(answer) == (503, "unavailable")
    lane = world.lane()
    assert lane is not None
    assert lane.claim == dead.key


@pytest.mark.parametrize("state", [Sending, Unknown])
def test_a_close_that_fyers_may_hold_blocks_until_it_counts_as_absent(
    world: World, state: type[Sending] | type[Unknown]
) -> None:
    short(world)
    if state is Sending:
        world.dies("place")
    else:
        lost(world)
    stored = found(world, "BUY")
    sent = standing(stored.claim, state)
    absent = sent.at.slip.send_by + timedelta(seconds=30)
    for before in (25, 15, 1.3):
        left = absent - timedelta(seconds=before) - world.clock()
        world.wait(left.total_seconds())
        assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    world.wait((absent - world.clock()).total_seconds())
    assert said(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


@pytest.mark.parametrize("at", [1.0, 8.0, 29.0])
def test_a_lost_close_that_trades_after_all_is_not_repeated(
    world: World, at: float
) -> None:
    short(world)
    lost(world)
    world.wait(at)
    world.by_hand(BUY, tag=world.broker.placed[0].tag)
    assert said(world.send("BUY", key="k2")) == (400, "no_short_position")
    assert net(world) == 0


def test_a_resend_whose_claim_the_lane_names_already_goes_through(
    world: World,
) -> None:
    short(world)
    world.broker.failures["order_book"] = [HTML]
    world.store.lost = {"settle": ["before"]}
    assert said(world.send("BUY")) == (503, "unavailable")
    assert world.lane() is not None
    world.wait(5)
    assert said(world.send("BUY")) == (200, "")


def test_a_lane_past_its_housekeeping_is_held_all_the_same(world: World) -> None:
    short(world)
    cover = rests(world, "BUY")
    world.wait(3)
    held = world.store.lane(TICKER, world.deadline())
    assert held.lane is not None
    old = replace(held.lane, expires_at=world.clock())
    key = hashlib.sha256(TICKER.encode()).hexdigest()
    write = Write(LANES, key, record_codec.encode(old), held.version)
    world.store.documents.commit((write,), world.deadline())
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert cover.order_id not in world.broker.cancelled


def test_a_lane_of_a_delivery_that_lost_its_claim_is_free(world: World) -> None:
    short(world)
    world.dies("order_book")
    dead = found(world, "BUY")
    world.store.replace(dead, replace(dead.claim, attempt="f" * 32), world.deadline())
    assert said(world.send("BUY", key="k2")) == (200, "")


def test_a_lane_left_by_a_claim_that_sent_nothing_is_free(world: World) -> None:
    short(world)
    world.dies("order_book")
    dead = found(world, "BUY")
    mine = standing(dead.claim, Claimed)
    released = world.claims.released(mine, "x", retry=True)
    world.claims.write(dead, released, world.deadline())
    assert said(world.send("BUY", key="k2")) == (200, "")


def test_a_lane_left_by_a_close_settled_as_absent_is_free(world: World) -> None:
    short(world)
    lost(world)
    world.reconcile(after=60)
    calls(world)
    assert world.lane() is not None
    assert said(world.send("BUY", key="k2")) == (200, "")
    assert calls(world)[3] == "place"


def test_a_lane_left_by_a_close_refused_for_good_is_free(world: World) -> None:
    short(world)
    world.broker.results.append(Rejected(-50, "x"))

    def touch() -> None:
        held = world.store.lane(TICKER, world.deadline())
        stored = found(world, "BUY")
        assert held.lane is not None
        claim = standing(stored.claim, Sending)
        world.store.mark(stored, claim, held, held.lane, world.deadline())

    world.store.meanwhile["settle"] = touch
    world.send("BUY")
    assert world.lane() is not None
    assert said(world.send("BUY", key="k2")) == (200, "")


def test_an_accepted_close_that_is_not_in_the_book_blocks_for_two_minutes(
    world: World,
) -> None:
    short(world)
    rests(world, "BUY")
    world.broker.book.clear()
    for _ in range(2):
        world.wait(50)
        assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    world.wait(20)
    assert said(world.send("BUY", key="k2")) == (200, "")


@pytest.mark.parametrize("shown", [True, False], ids=["works", "is not in the book"])
def test_another_close_is_met_in_the_book_even_without_its_lane(
    world: World, shown: bool
) -> None:
    short(world)
    rests(world, "BUY")
    world.store.give_back(world.store.lane(TICKER, world.deadline()), world.deadline())
    if not shown:
        world.broker.book.clear()
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_a_lane_that_cannot_be_read_is_503(world: World) -> None:
    short(world)
    world.dies("order_book")
    world.store.lost = {"lane": ["before"] * 9}
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")


# --- Another close that works ---------------------------------------------------------


def test_a_young_close_that_works_is_waited_for(world: World) -> None:
    short(world)
    rests(world, "BUY")
    world.wait(2)
    calls(world)
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert sorted(calls(world)) == ["order_book", "positions", "quote"]
    assert world.broker.cancelled == []


def test_a_close_that_has_rested_is_cancelled_and_what_is_left_closed(
    world: World,
) -> None:
    short(world)
    cover = rests(world, "BUY")
    world.wait(5)
    answer = world.send("BUY", key="k2")
    assert said(answer) == (200, "")
    assert world.broker.cancelled == [cover.order_id]
    assert f"working BUY {cover.order_id} was cancelled first" in note(answer)
    assert net(world) == 0


def test_a_close_is_waited_for_until_it_has_rested_long_enough(world: World) -> None:
    short(world)
    rests(world, "BUY")
    world.wait(4.6)
    calls(world)
    assert said(world.send("BUY", key="k2")) == (200, "")
    assert calls(world)[:4] == ["order_book", "quote", "positions", "cancel"]


def test_what_a_cancelled_close_had_filled_is_not_closed_again(world: World) -> None:
    short(world, 130)
    cover = rests(world, "BUY")
    world.broker.trade(cover.order_id, 65)
    world.wait(5)
    answer = world.send("BUY", key="k2")
    assert body(answer)["qty"] == 65
    assert "(65 of 130 had filled)" in note(answer)
    assert net(world) == 0


def test_a_close_that_trades_while_it_is_cancelled_is_not_repeated(
    world: World,
) -> None:
    short(world)
    cover = rests(world, "BUY")
    world.wait(5)
    when(world, "cancel", lambda: world.broker.trade(cover.order_id))
    assert said(world.send("BUY", key="k2")) == (400, "no_short_position")
    assert net(world) == 0


def test_a_close_that_cannot_be_cancelled_is_never_doubled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(world)
    rests(world, "BUY")
    world.wait(5)
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.UNCLEAR,) * len(ids)
    )
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_a_close_that_has_ended_frees_the_lane_at_once(world: World) -> None:
    short(world, 130)
    cover = rests(world, "BUY", qty=65)
    world.broker.trade(cover.order_id)
    assert said(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


def test_a_cover_of_a_part_frees_the_contract_for_the_next(world: World) -> None:
    short(world, 130)
    assert said(world.send("BUY", qty=65)) == (200, "")
    assert said(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


@pytest.mark.parametrize("nth", range(1, 9))
@pytest.mark.parametrize(
    ("held", "action"), [(-65, "BUY"), (-65, "EXIT"), (65, "EXIT"), (65, "SELL")]
)
def test_two_closes_at_once_never_cross_zero(
    world: World, held: int, action: str, nth: int
) -> None:
    """The second one comes in at any call that the first one makes."""
    world.broker.hold(TICKER, "INTRADAY", held)
    answers: list[Answer] = []
    if action == "SELL":
        nth += 2  # before it reads the long, a SELL is an entry of its own
    when(world, "any", lambda: answers.append(world.send(action, key="k2")), nth)
    answers.append(world.send(action))
    assert [order.qty for order in world.broker.placed] == [65]
    assert net(world) == 0
    assert {answer.reply.status for answer in answers} <= {200, 400, 503}


def test_two_sells_that_close_one_long_never_open_a_short(world: World) -> None:
    world.broker.hold(TICKER, "INTRADAY", 65)
    first = rests(world, "SELL")
    world.wait(10)
    assert said(world.send("SELL", key="k2")) == (200, "")
    assert world.broker.cancelled == [first.order_id]
    assert net(world) == 0


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_cover_that_trades_while_the_next_one_reads_is_not_repeated(
    world: World, nth: int
) -> None:
    short(world)
    cover = rests(world, "BUY")
    world.wait(5)

    def trade() -> None:
        row = world.broker.find(cover.order_id)
        if row is not None and row.status.working:
            world.broker.trade(cover.order_id)

    when(world, "any", trade, nth)
    world.send("BUY", key="k2")
    assert net(world) == 0


def test_positions_that_lag_behind_the_book_cost_no_second_cover(
    world: World,
) -> None:
    short(world)
    world.send("BUY")
    world.broker.hold(TICKER, "INTRADAY", -65)  # as positions still show it
    world.wait(2)
    assert said(world.send("BUY", key="k2")) == (400, "no_short_position")
    assert len(world.broker.placed) == 1


def test_five_covers_one_after_another_are_all_answered(world: World) -> None:
    short(world)
    answers = [world.send("BUY", key=f"k{number}") for number in range(5)]
    assert [answer.reply.status for answer in answers] == [200, 400, 400, 400, 400]
    assert net(world) == 0


# --- Entries in the way ---------------------------------------------------------------


def test_a_working_entry_is_cancelled_before_its_cover(world: World) -> None:
    entry = rests(world, "SELL")
    answer = world.send("BUY", key="k2")
    assert said(answer) == (400, "no_short_position")
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
    assert said(answer) == (200, "")
    assert (world.broker.placed[1].action, world.broker.placed[1].qty) == (side, 65)
    assert row.order_id in world.broker.cancelled
    assert "(65 of 130 had filled)" in note(answer)
    assert net(world) == 0


def test_an_entry_that_trades_while_it_is_cancelled_is_covered(world: World) -> None:
    entry = rests(world, "SELL")
    when(world, "cancel", lambda: world.broker.trade(entry.order_id))
    answer = world.send("BUY", key="k2")
    assert (said(answer), body(answer)["qty"]) == ((200, ""), 65)
    assert "cancelled first" not in note(answer)
    assert net(world) == 0


def test_an_entry_that_cannot_be_cancelled_keeps_its_cover_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests(world, "SELL")
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.UNCLEAR,) * len(ids)
    )
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_an_accepted_entry_that_is_not_in_the_book_keeps_its_cover_waiting(
    world: World,
) -> None:
    entry = rests(world, "SELL")
    world.broker.book.clear()
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    world.broker.book.append(entry)
    world.broker.trade(entry.order_id)
    world.wait(5)
    assert said(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


def test_an_entry_that_stays_out_of_the_book_is_believed_gone(world: World) -> None:
    rests(world, "SELL")
    world.broker.book.clear()
    world.wait(120)
    assert said(world.send("BUY", key="k2")) == (400, "no_short_position")


@pytest.mark.parametrize("how", ["sending", "unknown"])
def test_an_entry_that_fyers_may_hold_keeps_its_cover_waiting(
    world: World, how: str
) -> None:
    if how == "sending":
        world.dies("place", "SELL")
    else:
        lost(world, "SELL")
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    world.reconcile(after=60)
    assert said(world.send("BUY", key="k3")) == (400, "no_short_position")


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
    assert said(world.send("BUY", key="k2")) == (200, "")
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
    assert said(world.send("BUY", key="k2", left=1.5)) == (200, "")
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
    assert said(world.send("BUY", key="k2")) == (200, "")


@pytest.mark.parametrize("action", ["EXIT", "SELL"])
def test_the_exits_of_a_long_go_before_its_close(world: World, action: str) -> None:
    world.send("LONG")
    calls(world)
    answer = world.send(action, key="k2")
    assert said(answer) == (200, "")
    done = calls(world)
    assert done.index("cancel") < done.index("place")
    assert "order_book" in done[done.index("cancel") : done.index("place")]
    assert net(world) == 0
    assert not any(leg.status.working for leg in world.legs())


def test_a_part_of_a_long_keeps_exits_for_the_rest(world: World) -> None:
    world.send("LONG", qty=130)
    assert said(world.send("SELL", key="k2", qty=65)) == (200, "")
    assert [leg.remaining for leg in world.legs()] == [65, 65]
    assert net(world) == 65


def test_a_long_whose_exits_cannot_be_cancelled_is_not_sold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send("LONG")
    monkeypatch.setattr(
        world.broker, "cancel", lambda ids, turn: (Change.UNCLEAR,) * len(ids)
    )
    assert said(world.send("EXIT", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_a_long_whose_stop_trades_meanwhile_is_not_sold_twice(world: World) -> None:
    world.send("LONG")
    stop, _ = world.legs()
    when(world, "cancel", lambda: world.broker.trade(stop.order_id))
    assert said(world.send("EXIT", key="k2")) == (400, "nothing_open")
    assert net(world) == 0


# --- Margin ---------------------------------------------------------------------------


def test_a_cover_refused_for_margin_goes_once_more_without_the_exits(
    world: World,
) -> None:
    world.send()
    world.broker.results.append(MARGIN)
    answer = world.send("BUY", key="k2")
    assert said(answer) == (200, "")
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
    assert said(world.send("BUY", key="k2")) == (424, "order_rejected")
    (notice,) = world.inbox.notices
    assert notice.severity is Severity.CRITICAL
    assert "NO stop works" in notice.message
    assert len(world.broker.placed) == 3
    assert world.lane() is None


def test_a_cover_refused_for_another_reason_leaves_the_exits(world: World) -> None:
    world.send()
    world.broker.results.append(Rejected(-99, "RED:Blocked"))
    assert said(world.send("BUY", key="k2")) == (424, "order_rejected")
    (notice,) = world.inbox.notices
    assert "Its stop still works at FYERS" in notice.message
    assert all(leg.status.working for leg in world.legs())


def test_a_bare_short_refused_for_margin_is_not_tried_again(world: World) -> None:
    short(world)
    world.broker.results.append(MARGIN)
    assert said(world.send("BUY")) == (424, "order_rejected")
    assert len(world.broker.placed) == 1
    assert "NO stop works" in world.inbox.notices[0].message


def test_a_cover_is_not_tried_again_while_an_exit_may_have_traded(world: World) -> None:
    world.send()
    stop, _ = world.legs()
    world.broker.results.append(MARGIN)
    when(world, "cancel", lambda: world.broker.trade(stop.order_id))
    assert said(world.send("BUY", key="k2")) == (424, "order_rejected")
    assert len(world.broker.placed) == 2
    assert net(world) == 0


def test_a_second_try_that_is_lost_is_unknown_under_its_own_tag(world: World) -> None:
    world.send()
    world.broker.results += [MARGIN, Unclear("reset")]
    world.broker.unknown_arrives = False
    assert said(world.send("BUY", key="k2")) == (202, "outcome_unknown")
    slip = found(world, "BUY").claim.slip
    assert slip is not None
    assert slip.order.tag == world.broker.placed[-1].tag
    world.by_hand(BUY, tag=world.broker.placed[-1].tag)
    world.reconcile(after=1)
    assert isinstance(found(world, "BUY").claim.at, Done)


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
    assert said(answer) == (200, "")
    assert body(answer)["qty"] == closed
    assert note(answer) == says
    assert net(world) == sign * (held - closed)


def test_an_exit_of_two_signs_needs_a_name(world: World) -> None:
    short(world)
    world.broker.hold(TICKER, "MARGIN", 130)
    assert said(world.send("EXIT")) == (400, "ambiguous_position")
    answer = world.send("EXIT", key="k2", productType="MARGIN")
    assert (body(answer)["action"], body(answer)["qty"]) == ("SELL", 130)


def test_a_cover_beside_a_working_long_is_not_final(world: World) -> None:
    entry = rests(world, "LONG")
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
    assert entry.order_id not in world.broker.cancelled


def test_a_product_that_names_nothing_open_takes_the_only_one(world: World) -> None:
    short(world)
    assert body(world.send("BUY", productType="MARGIN"))["product_type"] == "INTRADAY"


@pytest.mark.parametrize(
    ("held", "action", "code"),
    [
        (0, "BUY", "no_short_position"),
        (65, "BUY", "no_short_position"),
        (0, "EXIT", "nothing_open"),
    ],
)
def test_nothing_to_close_is_final_when_flat_and_quiet(
    world: World, held: int, action: str, code: str
) -> None:
    world.broker.hold(TICKER, "INTRADAY", held)
    answer = world.send(action)
    assert said(answer) == (400, code)
    assert world.broker.placed == []
    assert world.lane() is None


def test_an_old_alert_with_odd_fields_still_closes(world: World) -> None:
    short(world)
    answer = world.send("BUY", stopLoss=5, orderType="LIMIT", sl=25900, time=1)
    assert said(answer) == (200, "")


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
    assert (said(answer), body(answer)["qty"]) == ((200, ""), 65)
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
    assert said(world.send("BUY")) == (503, "unavailable")
    world.broker.trade(hand)
    assert said(world.send("BUY")) == (400, "no_short_position")


def test_after_a_quarter_past_three_the_owner_hears_that_both_may_act(
    world: World,
) -> None:
    world.wait(5 * 3600 + 46 * 60)
    short(world)
    assert said(world.send("BUY")) == (200, "")
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("square_off_time", Severity.CRITICAL)


# --- The store ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "lost", "status"),
    [
        ("take", "before", 503),
        ("take", "after", 200),
        ("mark", "before", 503),
        ("mark", "after", 200),
    ],
)
def test_a_doubtful_write_of_the_lane_counts_only_when_read_back(
    world: World, step: str, lost: str, status: int
) -> None:
    short(world)
    world.store.lost = {step: [lost]}
    assert world.send("BUY").reply.status == status
    assert len(world.broker.placed) == (status == 200)
    world.wait(5)
    world.send("BUY")
    assert net(world) == 0
    assert len(world.broker.placed) == 1


@pytest.mark.parametrize("step", ["take", "mark"])
def test_a_lane_that_cannot_be_read_back_sends_nothing(world: World, step: str) -> None:
    short(world)
    world.store.lost = {step: ["after"], "read": ["before"] * 2}
    assert world.send("BUY").reply.status == 503
    assert world.broker.placed == []
    world.wait(33)
    assert world.send("BUY", key="k2").reply.status == 200
    assert net(world) == 0


def test_a_lane_somebody_took_first_is_looked_at_again(world: World) -> None:
    short(world)
    seen = []
    world.store.meanwhile["take"] = lambda: seen.append(world.send("BUY", key="k2"))
    answer = world.send("BUY")
    assert [said(one) for one in seen] == [(200, "")]
    assert said(answer) == (400, "no_short_position")
    assert len(world.broker.placed) == 1


def test_a_claim_somebody_took_is_sent_by_nobody_else(world: World) -> None:
    short(world)
    seen = []

    def resend() -> None:
        world.wait(5)
        seen.append(world.send("BUY"))

    world.store.meanwhile["take"] = resend
    answer = world.send("BUY", left=30)
    assert [said(one) for one in seen] == [(200, "")]
    assert answer.reply.status in (200, 503)
    assert len(world.broker.placed) == 1
    assert net(world) == 0


def test_a_mark_that_conflicts_sends_nothing(world: World) -> None:
    short(world)

    def release() -> None:
        stored = found(world, "BUY")
        mine = standing(stored.claim, Claimed)
        claim = world.claims.released(mine, "x", retry=True)
        world.claims.write(stored, claim, world.deadline())

    world.store.meanwhile["mark"] = release
    assert world.send("BUY").reply.status == 503
    assert world.broker.placed == []
    assert world.send("BUY").reply.status == 200
    assert net(world) == 0


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_doubtful_settle_never_changes_the_answer_and_is_told(
    world: World, lost: str
) -> None:
    short(world)
    world.broker.results.append(Rejected(-50, "x"))
    world.store.lost = {"settle": [lost]}
    assert said(world.send("BUY")) == (424, "order_rejected")
    assert world.inbox.events == ["order_rejected"]


def test_a_settle_whose_lane_has_moved_settles_the_claim_alone(world: World) -> None:
    short(world)
    world.broker.results.append(Rejected(-50, "x"))

    def take_over() -> None:
        held = world.store.lane(TICKER, world.deadline())
        world.store.give_back(held, world.deadline())

    world.store.meanwhile["settle"] = take_over
    assert said(world.send("BUY")) == (424, "order_rejected")
    assert isinstance(found(world, "BUY").claim.at, Done)
    assert world.inbox.events == ["order_rejected"]


def test_a_store_that_falls_silent_while_waiting_is_503(world: World) -> None:
    short(world)
    world.dies("order_book")

    def silent() -> None:
        world.store.lost = {"read": ["before"] * 9}

    world.while_waiting = silent
    assert said(world.send("BUY", key="k2")) == (503, "unavailable")
