"""What a close meets: a short, an order that rests or is lost, a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.broker import Unreadable
from shared.idempotency import Stored
from shared.models import Action, BookedOrder, Rejected, Unclear
from shared.orders import Answer
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
