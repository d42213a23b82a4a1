"""What the guard forgets, and what is written and told of a run."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shared.errors import Unavailable
from shared.models import Unclear
from tests.usecase.guarded import (
    BUY,
    DAY,
    HTML,
    SELL,
    bare,
    clock,
    lost_cover,
    overnight,
    run,
    silent,
    state,
)
from tests.usecase.world import TICKER, World

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


def test_of_an_order_nobody_could_look_up_no_fill_is_told(carried: World) -> None:
    world = carried
    world.by_hand(BUY, product="MARGIN")
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(key="k2")
    day = world.clock().date()
    overnight(world)
    clock(world, 9, 20, days=1)
    run(world, 2)
    lost = world.store.of_day(day, world.deadline())[-1].claim
    assert (lost.state, lost.ledger, lost.story) == ("UNKNOWN", "", None)


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
        monkeypatch.setattr(world.store, "watched", silent)
    with pytest.raises(Unavailable):
        world.reconcile(after=60)
    assert world.broker.cancelled == []


def test_a_state_that_cannot_be_written_is_told_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(world)
    world.reconcile(after=60)
    with monkeypatch.context() as broken:
        broken.setattr(world.kept, "write", silent)
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
