"""The orders, trades and positions of one day, found quickly."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from simulator.book import Order, Position, Trade
from simulator.rules import Wish


class Ledger:
    """What exists; it decides nothing."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.trades: list[Trade] = []
        self._by_id: dict[str, Order] = {}
        self._legs: dict[str, list[Order]] = defaultdict(list)
        self._held: dict[tuple[str, str], Position] = {}

    @property
    def positions(self) -> list[Position]:
        """Return every position of the day, closed ones too."""
        return list(self._held.values())

    def add(self, order: Order) -> None:
        """Enter an order or an exit leg."""
        self.orders.append(order)
        self._by_id[order.id] = order
        if order.parent_id is not None:
            self._legs[order.parent_id].append(order)

    def drop(self, orders: list[Order]) -> int:
        """Take orders out as if they had never been; return how many."""
        for order in orders:
            self.orders.remove(order)
            del self._by_id[order.id]
            if order.parent_id is not None:
                self._legs[order.parent_id].remove(order)
        return len(orders)

    def find(self, order_id: str) -> Order | None:
        """Return the order of an id."""
        return self._by_id.get(order_id)

    def legs(self, parent_id: str) -> list[Order]:
        """Return an entry's exit legs."""
        return list(self._legs.get(parent_id, ()))

    def net(self, symbol: str, product: str) -> int:
        """Return the contracts held, negative for a short."""
        position = self._held.get((symbol, product))
        return position.net if position else 0

    def hold(self, wish: Wish, side: int, qty: int, price: Decimal) -> None:
        """Book contracts into the position of a contract and product."""
        key = wish.contract.ticker, wish.product
        if key not in self._held:
            self._held[key] = Position(wish.contract, wish.product)
        self._held[key].add(side, qty, price)
