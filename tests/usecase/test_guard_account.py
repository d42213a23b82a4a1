"""A guard that cannot read the account."""

from __future__ import annotations

import pytest

from shared.broker import LoginEnded
from shared.models import Severity
from tests.usecase.guarded import HOUR, HTML, bare, clock, overnight, risks, run
from tests.usecase.world import TICKER, World


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
