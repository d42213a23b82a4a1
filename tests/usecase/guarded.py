"""What leaves the guard something to see, and what it then tells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.broker import Unreadable
from shared.errors import Doubtful
from shared.guard import GuardState, Risk
from shared.models import Action, OrderStatus
from tests.usecase.world import TICKER, World

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


def silent(*_: Any) -> Any:
    raise Doubtful("silent")


def risks(world: World) -> list[Risk]:
    return [risk for watch in state(world).watches for risk in watch.risks]


def run(world: World, times: int = 1, every: float = 60) -> list[str]:
    """Run that often, the first one a while from now; return what was told."""
    for _ in range(times):
        world.reconcile(after=every)
    return world.told()


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
