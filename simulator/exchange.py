"""The order book and positions: what an accepted order does.

    4 transit -> 6 pending -> 2 traded        or 5 rejected, 1 cancelled

A market order trades at once at the ask or bid unless told otherwise. Once an entry
trades, its `stopLoss` and `takeProfit` become child legs on the other side; when one
leg trades the other is cancelled. Legs do not watch the position: they survive a
cover, and a leg touched later opens a position of its own.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal

from simulator.agenda import Agenda
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
from simulator.calls import Call
from simulator.ledger import Ledger
from simulator.legs import exit_wishes
from simulator.margin import refusal_text, shortfall
from simulator.market import Market, protected
from simulator.options import IST, Options
from simulator.rules import BUY, LIMIT, MARKET, STOP, STOP_LIMIT, STOPPED, Wish


class Exchange:
    """One trading day at FYERS; every method holds the lock."""

    def __init__(self, market: Market, options: Options) -> None:
        self.market = market
        self.options = options
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self._ledger = Ledger()
        self._agenda = Agenda(options.ticks)
        now = options.clock().astimezone(IST)
        self._sequence = (now.hour * 3600 + now.minute * 60 + now.second) * 100

    @property
    def orders(self) -> list[Order]:
        """Return every order of the day, exit legs too, oldest first."""
        self.settle()
        return list(self._ledger.orders)

    @property
    def positions(self) -> list[Position]:
        """Return every position of the day, closed ones too."""
        self.settle()
        return self._ledger.positions

    @property
    def trades(self) -> list[Trade]:
        """Return every fill of the day, oldest first."""
        self.settle()
        return list(self._ledger.trades)

    def place(self, wish: Wish, treatment: str = "") -> Order:
        """Take an order; `treatment` is one of a fault's order kinds, or nothing."""
        with self.lock:
            order = self._new(wish, f"1:{wish.tag}" if wish.tag else "2:Untagged")
            fill = self.options.fill
            if treatment in ("exits_vanish", "exits_rejected"):
                order.exits = treatment
            else:
                fill = treatment or fill
            refusal = shortfall(self, order)
            if fill == "rms" or refusal:
                self._reject(order, refusal)
            elif self.options.fill_delay:
                half = self.options.fill_delay / 2
                self._agenda.add(half, lambda: self._accept(order))
                self._agenda.add(2 * half, lambda: self._work(order, fill))
            else:
                self._accept(order)
                self._work(order, fill)
            return order

    def find(self, order_id: str) -> Order | None:
        """Return the order of an id."""
        return self._ledger.find(order_id)

    def tagged(self, tag: str) -> list[Order]:
        """Return the orders (no exit legs) of a user's tag, without its `1:`."""
        found = [order for order in self.orders if order.tag == f"1:{tag}"]
        return [order for order in found if order.parent_id is None]

    def legs(self, order: Order) -> list[Order]:
        """Return an entry's exit legs."""
        return self._ledger.legs(order.id)

    def net(self, symbol: str, product: str = "INTRADAY") -> int:
        """Return the contracts held, negative for a short."""
        return self._ledger.net(symbol, product)

    def hold(self, wish: Wish, side: int, qty: int, price: Decimal) -> None:
        """Book contracts into the position of a contract and product."""
        with self.lock:
            self._ledger.hold(wish, side, qty, price)

    def cancel(self, order: Order) -> None:
        """Cancel an order and, as FYERS does, the legs of a parent."""
        with self.lock:
            for each in (order, *self.legs(order)):
                if each.working:
                    each.become(CANCELLED)

    def change(self, order: Order, wish: Wish) -> None:
        """Replace what a working order asks for; it may trade at once."""
        with self.lock:
            old, order.wish = order.wish, wish
            # A new quantity alone must not trade on the model's small moves.
            if replace(old, qty=wish.qty) != wish:
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
            self._ledger.trades.append(Trade(order, qty, at, self.options.clock()))
            self.hold(order.wish, order.side, qty, at)
            self._protect(order, qty)
            if done and order.exit:
                self._end_sibling(order)

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
            return self._ledger.drop([o for o in self.orders if o.exit and o.working])

    def clear(self) -> None:
        """Forget the day."""
        with self.lock:
            self._ledger = Ledger()
            self._agenda = Agenda(self.options.ticks)
            self.calls.clear()

    def settle(self) -> None:
        """Do what has become due."""
        with self.lock:
            self._agenda.settle()

    def reject(self, order: Order, message: str = "") -> None:
        """Reject a working order, as the exchange or the risk system may later."""
        with self.lock:
            if order.working:
                self._reject(order, message)

    def _new(self, wish: Wish, tag: str, parent: Order | None = None) -> Order:
        self._sequence += 1
        now = self.options.clock().astimezone(IST)
        order = Order(f"{now:%y%m%d}{self._sequence:08d}", wish, now, tag)
        order.parent_id = parent.id if parent else None
        self._ledger.add(order)
        return order

    def _reject(self, order: Order, message: str = "") -> None:
        order.become(REJECTED, message or refusal_text(self.options.fy_id))

    def _accept(self, order: Order) -> None:
        if order.working:
            order.become(PENDING)

    def _work(self, order: Order, fill: str) -> None:
        wish = order.wish
        if not order.working or wish.offline or fill == "unfilled":
            return
        if fill == "rms_later":
            self._agenda.add(0.2, lambda: self.reject(order))
        elif wish.type != MARKET:
            self._touch(order)
        else:
            self._trade_at_market(order, fill)
        if wish.validity == "IOC" and fill != "rms_later":
            self.cancel(order)

    def _trade_at_market(self, order: Order, fill: str) -> None:
        prices = self.market.prices(order.symbol) or NO_PRICES
        contract = order.wish.contract
        order.shown_limit = protected(contract, prices.last, order.side)
        lots = order.qty // contract.lot
        # One lot cannot be half filled by lots; the exchange fills any number.
        part = lots // 2 * contract.lot or order.qty // 2
        self.fill(order, part if fill == "partfill" else order.qty)

    def _touch(self, order: Order) -> None:
        """Trade a working limit or stop order that the last price reaches."""
        wish = order.wish
        prices = self.market.prices(order.symbol)
        if not order.working or prices is None or wish.type == MARKET:
            return
        if wish.type in STOPPED:
            if (prices.last - wish.stop_price) * order.side < 0:
                return
            if wish.type == STOP_LIMIT:
                order.change(type=LIMIT)
        room = (wish.limit_price - prices.last) * order.side
        if wish.type == STOP or room >= 0:
            self.fill(order, order.left, prices.last)

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
            tag = entry.tag if self.options.tagged_legs else "2:"
            leg = self._new(wish, tag, entry)
            leg.exit = name
            if entry.exits == "exits_rejected":
                self._reject(leg)
            else:
                leg.become(PENDING)

    def _end_sibling(self, leg: Order) -> None:
        for other in self._ledger.legs(leg.parent_id or ""):
            if other.working:
                other.become(CANCELLED)
