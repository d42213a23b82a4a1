"""The order book and positions: what an accepted order does.

    4 transit -> 6 pending -> 2 traded        or 5 rejected, 1 cancelled

A market order trades at once at the ask or bid unless told otherwise. Once an entry
trades, its `stopLoss` and `takeProfit` become child legs on the other side; when one
leg trades the other is cancelled. Legs do not watch the position: they survive a
cover, and a leg touched later opens a position of its own.

Orders and positions here are the truth; `book` and `shown_positions` are what FYERS
shows of it, which may be late.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from simulator.agenda import Agenda
from simulator.book import (
    CANCELLED,
    EXPIRED,
    NO_PRICES,
    PENDING,
    REJECTED,
    TRADED,
    Order,
    Trade,
)
from simulator.calls import Call
from simulator.contracts import Contract
from simulator.ledger import Ledger
from simulator.legs import book_tag, dress, exit_wishes
from simulator.margin import beyond_freeze, refusal_text, shortfall, used
from simulator.market import Market, protected
from simulator.options import IST, Options
from simulator.positions import Position, Positions, booked, converted
from simulator.rules import (
    BUY,
    MARKET,
    SELL,
    STOP,
    STOP_LIMIT,
    STOPPED,
    Wish,
)

NO_STOP_ORDERS = "16052 Function not available"
LATER = 0.2
"""Seconds until a later rejection, unless a fault says otherwise."""
EXIT_KINDS = ("exits_vanish", "exits_rejected")
AS_USUAL = (*EXIT_KINDS, "unshown", "unclear_taken")
"""Treatments that leave the fill to `options.fill`."""
SQUARED_OFF_BY = "R"
"""Source of FYERS's own orders."""


class Exchange:
    """One trading day at FYERS; every method holds the lock."""

    def __init__(self, market: Market, options: Options) -> None:
        self.market = market
        self.options = options
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self._ledger = Ledger()
        self._positions = Positions()
        self._agenda = Agenda(self._ticks)
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
        return list(self._positions.truth.rows.values())

    @property
    def book(self) -> list[Order]:
        """Return the orders as the order book shows them by now."""
        orders, options = self.orders, self.options
        now = options.ticks()
        shown = [order for order in orders if not order.hidden]
        if options.book_lag:
            shown = [order for order in shown if order.shown_from <= now]
        return [order.seen(now) for order in shown] if options.fills_lag else shown

    @property
    def shown_positions(self) -> list[Position]:
        """Return the positions as FYERS shows them by now."""
        self.settle()
        lag, now = self.options.positions_lag, self.options.ticks()
        return self._positions.shown(now if lag else math.inf)

    @property
    def available(self) -> Decimal:
        """Return the rupees left for margin."""
        return self.options.funds - used(self.positions)

    @property
    def trades(self) -> list[Trade]:
        """Return every fill of the day, oldest first."""
        self.settle()
        return list(self._ledger.trades)

    def place(
        self,
        wish: Wish,
        treatment: str = "",
        *,
        message: str = "",
        later: float | None = None,
        tag: str | None = None,
        source: str = "API",
    ) -> Order:
        """Take an order.

        `treatment` is one of a fault's order kinds, or nothing; `message` is the text
        of its rejection and `later` the seconds until it. `tag` is what the book shows.
        """
        with self.lock:
            shown = book_tag(wish.tag, self.options) if tag is None else tag
            order = self._new(wish, shown)
            order.source = source
            order.hidden = treatment == "unshown"
            order.exits = treatment if treatment in EXIT_KINDS else ""
            fill = treatment if treatment not in AS_USUAL else ""
            fill = fill or self.options.fill
            refusal = self._refusal(order)
            if fill == "rms" or refusal:
                self._reject(order, refusal or message)
                return order
            after = LATER if later is None else later
            if self._has_no_stop_orders(wish) == "later":
                self._accept(order)
                self._agenda.add(after, lambda: self.reject(order, NO_STOP_ORDERS))
            elif fill == "rms_later":
                self._accept(order)
                self._agenda.add(after, lambda: self.reject(order, message))
            elif self.options.fill_delay:
                half = self.options.fill_delay / 2
                self._agenda.add(half, lambda: self._accept(order))
                self._agenda.add(2 * half, lambda: self._work(order, fill))
            else:
                self._accept(order)
                self._work(order, fill)
            return order

    def refused_id(self) -> str:
        """Return an id for an order that never came to be."""
        with self.lock:
            return self._next_id()

    def find(self, order_id: str) -> Order | None:
        """Return the order of an id."""
        return self._ledger.find(order_id)

    def tagged(self, tag: str) -> list[Order]:
        """Return the orders (no exit legs) of a user's tag, without its `1:`."""
        orders = [order for order in self.orders if order.parent_id is None]
        return [o for o in orders if tag == o.wish.tag or o.tag == f"1:{tag}"]

    def legs(self, order: Order) -> list[Order]:
        """Return an entry's exit legs."""
        return self._ledger.legs(order.id)

    def net(self, symbol: str, product: str = "INTRADAY") -> int:
        """Return the contracts held, negative for a short."""
        return self._positions.net(symbol, product)

    def hold(
        self,
        contract: Contract,
        product: str,
        side: int,
        qty: int,
        price: Decimal,
        *,
        carried: bool = False,
    ) -> None:
        """Put contracts into a position, of today or carried from a day before."""
        with self.lock:
            change = booked(contract, product, side, qty, price, carried=carried)
            self._positions.do(change)

    def convert(
        self, contract: Contract, old: str, new: str, side: int, qty: int
    ) -> None:
        """Move contracts of a side to another product; its exits stay pending."""
        with self.lock:
            self._positions.do(converted(contract, old, new, side, qty))

    def square_off(
        self, treatment: str = "", *, exits: bool = True, source: str = SQUARED_OFF_BY
    ) -> list[Order]:
        """Close INTRADAY positions as FYERS does; return its orders.

        The exits go on working unless `exits` is false.
        """
        with self.lock:
            made = []
            for held in [p for p in self.positions if p.product == "INTRADAY"]:
                if not exits:
                    for leg in self._exits(held.contract):
                        leg.become(CANCELLED)
                if held.net:
                    zero, side = Decimal(0), SELL if held.net > 0 else BUY
                    args = held.contract, abs(held.net), MARKET, side, held.product
                    order = self._new(Wish(*args, zero, zero), "2:Untagged")
                    order.source = source
                    self._accept(order)
                    self._work(order, treatment or "full")
                    made.append(order)
            return made

    def end_day(self) -> None:
        """Let DAY orders expire; the book keeps them."""
        with self.lock:
            for order in self.orders:
                if order.working:
                    order.become(EXPIRED)

    def new_day(self) -> None:
        """Begin the next day: an empty book, and open positions carried into it."""
        with self.lock:
            self.settle()
            self._ledger = Ledger()
            self._agenda = Agenda(self._ticks)
            self._positions.next_day()

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
            order.triggered &= old.stop_price == wish.stop_price
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
            if self.options.fills_lag:
                order.lag(self.options.ticks() + self.options.fills_lag)
            order.filled += qty
            order.paid += at * qty
            done = order.filled == order.qty
            order.become(TRADED if done else PENDING)
            self._ledger.trades.append(Trade(order, qty, at, self.options.clock()))
            wish = order.wish
            change = booked(wish.contract, wish.product, wish.side, qty, at)
            lag = self.options.positions_lag
            self._positions.do(change, self.options.ticks() + lag)
            self._protect(order, qty)
            if done and order.exit and self.options.oco:
                self._end_sibling(order)

    def move(self, symbol: str, price: Decimal | None) -> None:
        """Pin a last price (None: back to the model) and trade what it touches."""
        with self.lock:
            if price is None:
                self.market.pinned.pop(symbol, None)
                return
            self.market.pinned[symbol] = price
            self.touch(symbol)

    def touch(self, symbol: str) -> None:
        """Trade what the prices of a contract reach by now."""
        with self.lock:
            for order in [o for o in self.orders if o.symbol == symbol]:
                self._touch(order)

    def drop_exits(self) -> int:
        """Make every working exit leg vanish; return how many."""
        with self.lock:
            return self._ledger.drop([o for o in self.orders if o.exit and o.working])

    def drop(self, order: Order) -> None:
        """Make an order vanish as if it had never been; what it traded stays."""
        with self.lock:
            self._ledger.drop([order])

    def clear(self) -> None:
        """Forget the day."""
        with self.lock:
            self._ledger = Ledger()
            self._positions = Positions()
            self._agenda = Agenda(self._ticks)
            self.calls.clear()

    def settle(self) -> None:
        """Do what has become due."""
        with self.lock:
            self._agenda.settle()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something once that many seconds have passed."""
        with self.lock:
            self._agenda.add(seconds, action)

    def reject(self, order: Order, message: str = "") -> None:
        """Reject a working order, as the exchange or the risk system may later."""
        with self.lock:
            if order.working:
                self._reject(order, message)

    def _new(self, wish: Wish, tag: str, parent: Order | None = None) -> Order:
        options = self.options
        order = Order(self._next_id(), wish, options.clock().astimezone(IST), tag)
        order.parent_id = parent.id if parent else None
        order.suffix = options.id_suffix
        order.shown_parent = options.plain_parent
        order.shown_from = options.ticks() + options.book_lag
        if parent:
            dress(order, parent, options)
        self._ledger.add(order)
        return order

    def _ticks(self) -> float:
        """Return the seconds by the ticks of the moment; a test may exchange them."""
        return self.options.ticks()

    def _next_id(self) -> str:
        self._sequence += 1
        now = self.options.clock().astimezone(IST)
        return f"{now:%y%m%d}{self._sequence:08d}"

    def _refusal(self, order: Order) -> str:
        """Return why the risk system refuses an order, empty if it does not."""
        wish, options = order.wish, self.options
        contract = wish.contract
        if self._has_no_stop_orders(wish) == "at_once":
            return NO_STOP_ORDERS
        if options.exits_hold_margin and wish.side == BUY and self._exits(contract):
            return refusal_text(options.fy_id)
        held = self.net(contract.ticker, wish.product)
        prices = self.market.prices(contract.ticker)
        freeze = self.market.catalogue.freeze(contract)
        return beyond_freeze(wish.qty, freeze) or shortfall(
            wish, held, prices, self.available, options.fy_id
        )

    def _has_no_stop_orders(self, wish: Wish) -> str:
        """Return when a plain stop on an option is refused, empty for others."""
        if wish.type != STOP or wish.contract.strike is None:
            return ""
        return self.options.stop_orders

    def _reject(self, order: Order, message: str = "") -> None:
        order.become(REJECTED, message or refusal_text(self.options.fy_id))

    def _accept(self, order: Order) -> None:
        if order.working:
            order.become(PENDING)

    def _work(self, order: Order, fill: str) -> None:
        wish = order.wish
        if not order.working or wish.offline or fill == "unfilled":
            return
        if wish.type != MARKET:
            self._touch(order)
        else:
            self._trade_at_market(order, fill)
        if wish.validity == "IOC":
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
        reach = self.market.reach(order.symbol, wish.side)
        if not order.working or prices is None or reach is None:
            return
        if wish.type == MARKET:
            return
        if wish.type in STOPPED and not order.triggered:
            if (prices.last - wish.stop_price) * wish.side < 0:
                return
            order.triggered = True
            if wish.type == STOP_LIMIT:
                order.change(type=self.options.triggered_type)
        if order.triggered and not self.options.stops_fill:
            return
        if wish.type == STOP or (wish.limit_price - reach) * wish.side >= 0:
            self.fill(order, order.left, reach)

    def _protect(self, entry: Order, qty: int) -> None:
        """Give the contracts just traded their exit legs."""
        if entry.parent_id or entry.exits == "exits_vanish":
            return
        legs = {leg.exit: leg for leg in self.legs(entry)}
        for name, wish in exit_wishes(entry, qty, self.options):
            leg = legs.get(name)
            if leg is not None and leg.working:
                leg.change(qty=leg.qty + qty)
                continue
            leg = self._new(wish, entry.tag, entry)
            leg.exit = name
            if entry.exits == "exits_rejected":
                self._reject(leg)
            else:
                leg.become(PENDING)

    def _end_sibling(self, leg: Order) -> None:
        for other in self._ledger.legs(leg.parent_id or ""):
            if other.working:
                other.become(CANCELLED)

    def _exits(self, contract: Contract) -> list[Order]:
        """Return the exit legs that work for a contract."""
        legs = [o for o in self._ledger.orders if o.exit and o.working]
        return [leg for leg in legs if leg.symbol == contract.ticker]
