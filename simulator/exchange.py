"""The order book and positions: what an accepted order does.

    4 transit -> 6 pending -> 2 traded        or 5 rejected, 1 cancelled

A market order trades at once at the ask or bid unless told otherwise. Once an entry
trades, its `stopLoss` and `takeProfit` become child legs on the other side; when one
leg trades the other is cancelled. Legs do not watch the position: they survive a
cover, and a leg touched later opens a position of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

from simulator.book import (
    CANCELLED,
    NO_PRICES,
    PENDING,
    REJECTED,
    TRADED,
    Order,
    Position,
    Trade,
)
from simulator.legs import exit_wishes
from simulator.margin import refusal_text, shortfall
from simulator.market import Market, protected
from simulator.options import Options
from simulator.rules import BUY, LIMIT, LIMITED, MARKET, STOP, STOP_LIMIT, Wish


class Exchange:
    """One trading day at FYERS; every method holds the lock."""

    def __init__(self, market: Market, options: Options) -> None:
        self.market = market
        self.options = options
        self.lock = threading.RLock()
        self.orders: list[Order] = []
        self.trades: list[Trade] = []
        self._held: dict[tuple[str, str], Position] = {}
        self._due: list[tuple[float, Callable[[], None]]] = []
        now = options.clock()
        self._sequence = (now.hour * 3600 + now.minute * 60 + now.second) * 100

    @property
    def positions(self) -> list[Position]:
        """Return every position of the day, closed ones too."""
        return list(self._held.values())

    def place(self, wish: Wish, treatment: str = "") -> Order:
        """Take an order; `treatment` is one of a fault's order kinds, or nothing."""
        with self.lock:
            order = self._new(wish, f"1:{wish.tag}" if wish.tag else "2:Untagged")
            fill = self.options.fill
            if treatment in ("exits_vanish", "exits_rejected"):
                order.exits = treatment
            elif treatment:
                fill = {"unfilled": "none", "partfill": "part"}.get(
                    treatment, treatment
                )
            refusal = shortfall(self, order)
            if fill == "rms" or refusal:
                self._reject(order, refusal or self._rms_text())
                return order
            if self.options.fill_delay:
                half = self.options.fill_delay / 2
                self.later(half, lambda: self._accept(order))
                self.later(2 * half, lambda: self._work(order, fill))
            else:
                self._accept(order)
                self._work(order, fill)
            return order

    def find(self, order_id: str) -> Order | None:
        """Return the order of an id."""
        return next((order for order in self.orders if order.id == order_id), None)

    def tagged(self, tag: str) -> list[Order]:
        """Return the orders of a user's tag, without its `1:`."""
        return [order for order in self.orders if order.tag == f"1:{tag}"]

    def legs(self, order: Order) -> list[Order]:
        """Return an entry's exit legs."""
        return [leg for leg in self.orders if leg.parent_id == order.id]

    def net(self, symbol: str, product: str = "INTRADAY") -> int:
        """Return the contracts held, negative for a short."""
        position = self._held.get((symbol, product))
        return position.net if position else 0

    def cancel(self, order: Order) -> None:
        """Cancel an order and, as FYERS does, the legs of a parent."""
        with self.lock:
            for each in (order, *self.legs(order)):
                if each.working:
                    each.become(CANCELLED)

    def change(self, order: Order, wish: Wish) -> None:
        """Replace what a working order asks for; it may trade at once."""
        with self.lock:
            order.wish = wish
            self._touch(order)

    def fill(self, order: Order, qty: int, price: Decimal | None = None) -> None:
        """Trade a part or all of an order at a price, else at the market's."""
        with self.lock:
            prices = self.market.prices(order.symbol) or NO_PRICES
            at = price or (prices.ask if order.side == BUY else prices.bid)
            qty = min(qty, order.qty - order.filled)
            if qty <= 0:
                return
            order.filled += qty
            order.paid += at * qty
            done = order.filled == order.qty
            order.become(TRADED if done else PENDING)
            self.trades.append(Trade(order, qty, at, self.options.clock()))
            self.hold(order.wish, order.side, qty, at)
            self._protect(order, qty)
            if done and order.exit:
                self._end_sibling(order)

    def hold(self, wish: Wish, side: int, qty: int, price: Decimal) -> None:
        """Book contracts into the position of a contract and product."""
        key = wish.contract.ticker, wish.product
        self._held.setdefault(key, Position(wish.contract, wish.product)).add(
            side, qty, price
        )

    def move(self, symbol: str, price: Decimal | None) -> None:
        """Pin a last price (None: back to the model) and trade what it touches."""
        with self.lock:
            if price is None:
                self.market.pinned.pop(symbol, None)
                return
            self.market.pinned[symbol] = price
            for order in [o for o in self.orders if o.symbol == symbol]:
                self._touch(order)

    def drop_exits(self) -> int:
        """Make every working exit leg vanish; return how many."""
        with self.lock:
            gone = [o for o in self.orders if o.parent_id and o.working]
            self.orders = [order for order in self.orders if order not in gone]
            return len(gone)

    def clear(self) -> None:
        """Forget the day."""
        with self.lock:
            self.orders, self.trades = [], []
            self._held, self._due = {}, []

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something once a call arrives that many seconds from now or later."""
        self._due.append((self.options.ticks() + seconds, action))

    def settle(self) -> None:
        """Do what has become due."""
        with self.lock:
            now = self.options.ticks()
            due = [item for item in self._due if item[0] <= now]
            self._due = [item for item in self._due if item[0] > now]
            for _, action in sorted(due, key=lambda item: item[0]):
                action()

    def reject(self, order: Order, message: str = "") -> None:
        """Reject a working order, as the exchange or the risk system may later."""
        with self.lock:
            if order.working:
                self._reject(order, message or self._rms_text())

    def _new(self, wish: Wish, tag: str) -> Order:
        self._sequence += 1
        now = self.options.clock()
        order = Order(f"{now:%y%m%d}{self._sequence:08d}", wish, now, tag)
        self.orders.append(order)
        return order

    def _rms_text(self) -> str:
        return refusal_text(self.options.fy_id)

    def _reject(self, order: Order, message: str) -> None:
        order.become(REJECTED, message)

    def _accept(self, order: Order) -> None:
        if order.working:
            order.become(PENDING)

    def _work(self, order: Order, fill: str) -> None:
        wish = order.wish
        if not order.working or wish.offline or fill == "none":
            return
        if fill == "rms_later":
            self.later(0.2, lambda: self.reject(order))
        elif wish.type != MARKET:
            self._touch(order)
        else:
            self._trade_at_market(order, fill)

    def _trade_at_market(self, order: Order, fill: str) -> None:
        prices = self.market.prices(order.symbol) or NO_PRICES
        contract = order.wish.contract
        order.shown_limit = protected(contract, prices.last, order.side)
        lots = order.qty // contract.lot
        # One lot cannot be half filled by lots; the exchange fills any number.
        part = lots // 2 * contract.lot or order.qty // 2
        self.fill(order, part if fill == "part" else order.qty)

    def _touch(self, order: Order) -> None:
        """Trade a working limit or stop order that the last price reaches."""
        wish, last = order.wish, self.market.pinned.get(order.symbol)
        prices = self.market.prices(order.symbol)
        if not order.working or prices is None or wish.type == MARKET:
            return
        price = prices.last if last is None else last
        if wish.type in (STOP, STOP_LIMIT):
            if (price - wish.stop_price) * order.side < 0:
                return
            if wish.type == STOP:
                self.fill(order, order.left, price)
                return
            order.change(type=LIMIT)
        if wish.type in LIMITED and (order.wish.limit_price - price) * order.side >= 0:
            self.fill(order, order.left, price)

    def _protect(self, entry: Order, qty: int) -> None:
        """Give the contracts just traded their exit legs."""
        if entry.parent_id or entry.exits == "exits_vanish":
            return
        legs = {leg.exit: leg for leg in self.legs(entry)}
        for name, wish in exit_wishes(entry, qty, self.options.stop_leg_type):
            leg = legs.get(name)
            if leg is not None and leg.working:
                leg.change(qty=leg.qty + qty)
                continue
            leg = self._new(wish, entry.tag if self.options.tagged_legs else "2:")
            leg.parent_id, leg.exit = entry.id, name
            if entry.exits == "exits_rejected":
                self._reject(leg, self._rms_text())
            else:
                leg.become(PENDING)

    def _end_sibling(self, leg: Order) -> None:
        for other in self.orders:
            if other.parent_id == leg.parent_id and other.working:
                other.become(CANCELLED)
