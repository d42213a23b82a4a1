"""The orders and trades of one day, found quickly."""

from __future__ import annotations

from collections import defaultdict

from simulator.book import Order, Trade


class Ledger:
    """What exists; it decides nothing."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.trades: list[Trade] = []
        self._by_id: dict[str, Order] = {}
        self._legs: dict[str, list[Order]] = defaultdict(list)

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
        """Return the order of an id, the returned one or the book's."""
        found = self._by_id.get(order_id)
        if found is None:
            found = next((o for o in self.orders if o.shown_id == order_id), None)
        return found

    def legs(self, parent_id: str) -> list[Order]:
        """Return an entry's exit legs."""
        return list(self._legs.get(parent_id, ()))
