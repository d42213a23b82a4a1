"""What happens at FYERS beside our orders: by hand, lost legs, square-offs, lags."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal

from local.soak.world import World
from simulator.book import Order
from simulator.positions import Position

LAGS = (0.0, 0.0, 0.3, 1.0, 2.5)
"""Seconds; one at a time, for positions and for the order book each."""
CALM_LAGS = (0.0, 0.3, 1.0)


class Hands:
    """Does one thing at a time to a short of ours."""

    def __init__(self, world: World, draw: random.Random) -> None:
        self._world = world
        self._draw = draw
        self._acts: Mapping[str, Callable[[Position], None]] = {
            "closes": self._close,
            "rests a limit": self._rest,
            "places a stop": self._stop,
            "adds a lot": self._add,
            "stop is lost": lambda held: self._lose(held, "stop"),
            "target is lost": lambda held: self._lose(held, "target"),
            "stop trades": lambda held: self._trade(held, "stop"),
            "target trades": lambda held: self._trade(held, "target"),
            "product changes": self._convert,
        }

    def act(self) -> str:
        """Do something; return what, empty where there is nothing to do it to."""
        shorts = [p for p in self._world.fyers.exchange.positions if p.net < 0]
        if not shorts:
            return ""
        if self._draw.random() < 0.02:
            self._world.change(square_off=True)
            return "squared off"
        name = self._draw.choice(list(self._acts))
        self._acts[name](self._draw.choice(shorts))
        return name

    def lag(self, choices: tuple[float, ...] = LAGS) -> None:
        """Let positions and the order book follow later, or at once."""
        names = ("positions_lag", "book_lag", "fills_lag")
        self._world.change(**{name: self._draw.choice(choices) for name in names})

    def _place(self, held: Position, **wish: object) -> None:
        contract = held.contract
        body = {"symbol": contract.ticker, "productType": held.product, **wish}
        self._world.change(place=[{"qty": contract.lot, **body}])

    def _price(self, held: Position, share: str) -> float:
        prices = self._world.fyers.market.prices(held.contract.ticker)
        tick = held.contract.tick
        at = (prices.last if prices else tick) * Decimal(share)
        return float(max(tick, at // tick * tick))

    def _close(self, held: Position) -> None:
        self._place(held, side=1, qty=-held.net)

    def _add(self, held: Position) -> None:
        self._place(held, side=-1)

    def _rest(self, held: Position) -> None:
        self._place(held, side=1, type=1, limitPrice=self._price(held, "0.5"))

    def _stop(self, held: Position) -> None:
        stop, limit = self._price(held, "1.6"), self._price(held, "1.7")
        self._place(held, side=1, type=4, stopPrice=stop, limitPrice=limit)

    def _legs(self, held: Position, kind: str) -> list[Order]:
        orders = self._world.fyers.exchange.orders
        mine = [o for o in orders if o.symbol == held.contract.ticker]
        return [o for o in mine if o.exit == kind and o.working]

    def _lose(self, held: Position, kind: str) -> None:
        legs = self._legs(held, kind)
        if legs:
            how = self._draw.choice(("cancelled", "rejected", "gone"))
            self._world.change(orders=[{"id": legs[0].id, "status": how}])

    def _trade(self, held: Position, kind: str) -> None:
        legs = self._legs(held, kind)
        if legs:
            self._world.change(orders=[{"id": legs[0].id, "fill": legs[0].left}])

    def _convert(self, held: Position) -> None:
        if held.product == "INTRADAY":
            self._world.change(convert=[{"symbol": held.contract.ticker}])
