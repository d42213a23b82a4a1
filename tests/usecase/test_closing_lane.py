"""The closing lane: one close at a time, whoever dies in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters import record_codec
from shared.adapters.documents import Write
from shared.adapters.store import LANES
from shared.idempotency import Claimed, Done, Released, Sending, Unknown
from shared.models import Change, Rejected
from shared.orders import Answer
from tests.contract.claims_made import standing
from tests.usecase.closes import (
    BUY,
    HTML,
    calls,
    found,
    lost,
    net,
    note,
    rests,
    short,
    when,
)
from tests.usecase.world import TICKER, World, body, code

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
    assert code(world.send("BUY")) == (424, "order_rejected")
    assert world.lane() is None


@pytest.mark.parametrize("call", ["order_book", "positions"])
def test_a_close_that_could_not_be_decided_gives_the_lane_back(
    world: World, call: str
) -> None:
    short(world)
    world.broker.failures[call] = [HTML]
    assert code(world.send("BUY")) == (503, "unavailable")
    assert world.lane() is None
    assert code(world.send("BUY")) == (200, "")


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
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
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
    assert code(world.send("BUY", key="k2")) == (200, "")


def test_a_holder_past_its_lease_is_released_before_its_lane_is_taken(
    world: World,
) -> None:
    short(world)
    world.dies("order_book")
    (dead,) = world.keys()
    world.wait(4)
    assert code(world.send("BUY", key="k2")) == (200, "")
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
    assert [code(one) for one in seen] == [(200, "")]
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
    assert code(answer) == (503, "unavailable")
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
        assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    world.wait((absent - world.clock()).total_seconds())
    assert code(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


@pytest.mark.parametrize("at", [1.0, 8.0, 29.0])
def test_a_lost_close_that_trades_after_all_is_not_repeated(
    world: World, at: float
) -> None:
    short(world)
    lost(world)
    world.wait(at)
    world.by_hand(BUY, tag=world.broker.placed[0].tag)
    assert code(world.send("BUY", key="k2")) == (400, "no_short_position")
    assert net(world) == 0


def test_a_resend_whose_claim_the_lane_names_already_goes_through(
    world: World,
) -> None:
    short(world)
    world.broker.failures["order_book"] = [HTML]
    world.store.lost = {"settle": ["before"]}
    assert code(world.send("BUY")) == (503, "unavailable")
    assert world.lane() is not None
    world.wait(5)
    assert code(world.send("BUY")) == (200, "")


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
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    assert cover.order_id not in world.broker.cancelled


def test_a_lane_of_a_delivery_that_lost_its_claim_is_free(world: World) -> None:
    short(world)
    world.dies("order_book")
    dead = found(world, "BUY")
    world.store.replace(dead, replace(dead.claim, attempt="f" * 32), world.deadline())
    assert code(world.send("BUY", key="k2")) == (200, "")


def test_a_lane_left_by_a_claim_that_sent_nothing_is_free(world: World) -> None:
    short(world)
    world.dies("order_book")
    dead = found(world, "BUY")
    mine = standing(dead.claim, Claimed)
    released = world.claims.released(mine, "x", retry=True)
    world.claims.write(dead, released, world.deadline())
    assert code(world.send("BUY", key="k2")) == (200, "")


def test_a_lane_left_by_a_close_settled_as_absent_is_free(world: World) -> None:
    short(world)
    lost(world)
    world.reconcile(after=60)
    calls(world)
    assert world.lane() is not None
    assert code(world.send("BUY", key="k2")) == (200, "")
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
    assert code(world.send("BUY", key="k2")) == (200, "")


def test_an_accepted_close_that_is_not_in_the_book_blocks_for_two_minutes(
    world: World,
) -> None:
    short(world)
    rests(world, "BUY")
    world.broker.book.clear()
    for _ in range(2):
        world.wait(50)
        assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    world.wait(20)
    assert code(world.send("BUY", key="k2")) == (200, "")


@pytest.mark.parametrize("shown", [True, False], ids=["works", "is not in the book"])
def test_another_close_is_met_in_the_book_even_without_its_lane(
    world: World, shown: bool
) -> None:
    short(world)
    rests(world, "BUY")
    world.store.give_back(world.store.lane(TICKER, world.deadline()), world.deadline())
    if not shown:
        world.broker.book.clear()
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_a_lane_that_cannot_be_read_is_503(world: World) -> None:
    short(world)
    world.dies("order_book")
    world.store.lost = {"lane": ["before"] * 9}
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")


# --- Another close that works ---------------------------------------------------------


def test_a_young_close_that_works_is_waited_for(world: World) -> None:
    short(world)
    rests(world, "BUY")
    world.wait(2)
    calls(world)
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    assert sorted(calls(world)) == ["order_book", "positions", "quote"]
    assert world.broker.cancelled == []


def test_a_close_that_has_rested_is_cancelled_and_what_is_left_closed(
    world: World,
) -> None:
    short(world)
    cover = rests(world, "BUY")
    world.wait(5)
    answer = world.send("BUY", key="k2")
    assert code(answer) == (200, "")
    assert world.broker.cancelled == [cover.order_id]
    assert f"working BUY {cover.order_id} was cancelled first" in note(answer)
    assert net(world) == 0


def test_a_close_is_waited_for_until_it_has_rested_long_enough(world: World) -> None:
    short(world)
    rests(world, "BUY")
    world.wait(4.6)
    calls(world)
    assert code(world.send("BUY", key="k2")) == (200, "")
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
    assert code(world.send("BUY", key="k2")) == (400, "no_short_position")
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
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
    assert len(world.broker.placed) == 1


def test_a_close_that_has_ended_frees_the_lane_at_once(world: World) -> None:
    short(world, 130)
    cover = rests(world, "BUY", qty=65)
    world.broker.trade(cover.order_id)
    assert code(world.send("BUY", key="k2")) == (200, "")
    assert net(world) == 0


def test_a_cover_of_a_part_frees_the_contract_for_the_next(world: World) -> None:
    short(world, 130)
    assert code(world.send("BUY", qty=65)) == (200, "")
    assert code(world.send("BUY", key="k2")) == (200, "")
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
    assert code(world.send("SELL", key="k2")) == (200, "")
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
    assert code(world.send("BUY", key="k2")) == (400, "no_short_position")
    assert len(world.broker.placed) == 1


def test_five_covers_one_after_another_are_all_answered(world: World) -> None:
    short(world)
    answers = [world.send("BUY", key=f"k{number}") for number in range(5)]
    assert [answer.reply.status for answer in answers] == [200, 400, 400, 400, 400]
    assert net(world) == 0


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
    assert [code(one) for one in seen] == [(200, "")]
    assert code(answer) == (400, "no_short_position")
    assert len(world.broker.placed) == 1


def test_a_claim_somebody_took_is_sent_by_nobody_else(world: World) -> None:
    short(world)
    seen = []

    def resend() -> None:
        world.wait(5)
        seen.append(world.send("BUY"))

    world.store.meanwhile["take"] = resend
    answer = world.send("BUY", left=30)
    assert [code(one) for one in seen] == [(200, "")]
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
    assert code(world.send("BUY")) == (424, "order_rejected")
    assert world.inbox.events == ["order_rejected"]


def test_a_settle_whose_lane_has_moved_settles_the_claim_alone(world: World) -> None:
    short(world)
    world.broker.results.append(Rejected(-50, "x"))

    def take_over() -> None:
        held = world.store.lane(TICKER, world.deadline())
        world.store.give_back(held, world.deadline())

    world.store.meanwhile["settle"] = take_over
    assert code(world.send("BUY")) == (424, "order_rejected")
    assert isinstance(found(world, "BUY").claim.at, Done)
    assert world.inbox.events == ["order_rejected"]


def test_a_store_that_falls_silent_while_waiting_is_503(world: World) -> None:
    short(world)
    world.dies("order_book")

    def silent() -> None:
        world.store.lost = {"read": ["before"] * 9}

    world.while_waiting = silent
    assert code(world.send("BUY", key="k2")) == (503, "unavailable")
