"""FYERS's calls of one trading day: alerts, their covers, and the guard every minute.

The day is played as fast as it goes, one run of reconcile for each of its minutes; only
the calls are counted, by the simulator.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial

import simulator
from local.hours import IST
from local.playground import Playground, running
from local.standins.fyers import change
from simulator.contracts import Contract

SHORTS, MINUTES = 30, 375
"""From 9:15 to 15:30."""

RESENT = 4
"""Deliveries of one alert at most, as TradingView makes them."""

HELD = 20
"""Minutes from a short to its cover, or to the fill of its stop."""


@dataclass(slots=True)
class Day:
    """How often FYERS was called, by what asked for it."""

    opening: list[int] = field(default_factory=list)
    closing: list[int] = field(default_factory=list)
    guarding: list[int] = field(default_factory=list)
    """Of each run of reconcile."""

    @property
    def total(self) -> int:
        """Return all calls of the day."""
        return sum((*self.opening, *self.closing, *self.guarding))


def play(shorts: int = SHORTS, minutes: int = MINUTES) -> Day:
    """Play a day: of the shorts half are covered, a quarter stopped, a quarter left.

    What is left FYERS squares off ten minutes before the end. Raises `Failed`.
    """
    day = Day()
    with _opened() as ground:
        contracts = iter(_contracts(ground.fyers, shorts))
        due: dict[int, list[Callable[[], None]]] = {}
        apart = max(1, (minutes - HELD - 15) // shorts)
        sold = 0
        for minute in range(minutes):
            if minute % apart == 0 and sold < shorts:
                contract = next(contracts)
                sell = partial(_alert, ground, contract, "SELL")
                day.opening.append(_calls(ground, sell))
                end = _ending(ground, contract, sold % 4, day)
                due.setdefault(minute + HELD, []).append(end)
                sold += 1
            for act in due.pop(minute, []):
                act()
            if minute == minutes - 10:
                change(ground.fyers, square_off=True)
            day.guarding.append(
                _calls(ground, lambda: ground.call("POST", "reconcile"))
            )
    return day


@contextmanager
def _opened() -> Iterator[Playground]:
    unpaced = {"FYERS_CALLS_PER_SECOND": "0"}
    with running(env=unpaced, rate_limits=False, funds=Decimal(10**12)) as ground:
        ground.call("POST", "refresh-symbols")
        ground.log_in()
        ground.call("GET", "webhook")
        yield ground


def _contracts(fyers: simulator.Simulator, count: int) -> list[Contract]:
    """Return the NIFTY options nearest to the money, of the nearest expiry."""
    now = fyers.options.clock().timestamp()
    return fyers.market.catalogue.near_the_money("NIFTY", now)[:count]


def _alert(ground: Playground, contract: Contract, action: str) -> None:
    expiry = datetime.fromtimestamp(contract.expires, IST).date()
    alert = {
        **ground.alert(action),
        "strikeprice": str(contract.strike),
        "optionType": contract.option_type,
        "expiry": str(expiry),
        "idempotency_key": uuid.uuid4().hex,
    }
    body = json.dumps({k: v for k, v in alert.items() if k != "time"})
    for _ in range(RESENT):
        reply = ground.send(body)
        if reply.status_code < 500:
            break
    reply.raise_for_status()


def _ending(
    ground: Playground, contract: Contract, kind: int, day: Day
) -> Callable[[], None]:
    """Return how a short ends: by a cover, by its stop, or not by itself."""

    def cover() -> None:
        _alert(ground, contract, "BUY")

    def stop() -> None:
        orders = ground.fyers.exchange.orders
        leg = next(
            o for o in orders if o.symbol == contract.ticker and o.exit == "stop"
        )
        change(ground.fyers, orders=[{"id": leg.id, "fill": leg.left}])

    if kind < 2:
        return lambda: day.closing.append(_calls(ground, cover))
    return stop if kind == 2 else lambda: None


def _calls(ground: Playground, act: Callable[[], object]) -> int:
    """Do something and return how many calls FYERS got meanwhile."""
    before = len(ground.fyers.calls)
    act()
    return len(ground.fyers.calls) - before


if __name__ == "__main__":
    made = play()
    print(
        f"{made.total} calls: {sum(made.opening)} for {len(made.opening)} shorts "
        f"(most {max(made.opening)}), {sum(made.closing)} for {len(made.closing)} "
        f"covers (most {max(made.closing)}), {sum(made.guarding)} for "
        f"{len(made.guarding)} runs of reconcile (most {max(made.guarding)})."
    )
