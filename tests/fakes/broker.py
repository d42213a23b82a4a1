"""FYERS in memory: the Broker port with its state in the open.

    broker = FakeBroker(prices={TICKER: Decimal("120.5")})
    broker.hold(TICKER, "INTRADAY", -65)              # a short to cover
    broker.results.append(Unclear("no answer"))        # what the next order answers
    broker.unknown_arrives = False                     # ... and FYERS never got it
    broker.failures["positions"] = [Unreadable("x")]   # raised by the next call of it

Market orders trade at once unless `fills` is false. What trades of an order with exits
gets its legs, which survive a cover, as FYERS's may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from threading import RLock

from shared.broker import Turn, Unreadable
from shared.models import (
    IST,
    Action,
    BookedOrder,
    Change,
    Clock,
    Deadline,
    Listing,
    OptionChain,
    Order,
    OrderResult,
    OrderStatus,
    Placed,
    Position,
    Quote,
    Rejected,
    Unclear,
)

OPENING = datetime(2026, 11, 23, 9, 20, tzinfo=IST)


@dataclass(frozen=True)
class FakeTurn:
    """A deadline and a number of places nobody counts."""

    calls: int
    deadline: Deadline


@dataclass
class FakeBroker:
    """The Broker port over plain lists; safe from several threads."""

    prices: dict[str, Decimal | None] = field(default_factory=dict)
    """LTP by ticker; one that is not listed has none."""
    book: list[BookedOrder] = field(default_factory=list)
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    """Contracts carried by ticker and product before today; below zero is short."""
    spreads: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    """Bid and ask by ticker."""
    chains: dict[tuple[str, str], OptionChain] = field(default_factory=dict)
    """Option chains by underlying and by FYERS's epoch of the expiry."""
    broken: set[str] = field(default_factory=set)
    """Tickers with a row that cannot be read."""
    is_open: bool = True
    """Whether the market is open."""
    lags: bool = False
    """Whether positions show nothing of what was traded today yet."""
    results: list[OrderResult] = field(default_factory=list)
    """Answers of the next orders; empty: accepted."""
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    """Exceptions of the next calls, by method name."""
    before: Callable[[str], None] | None = None
    """Called with the method's name at the start of each call."""
    fills: bool = True
    """Whether market orders trade at once, else they rest."""
    unknown_arrives: bool = True
    """Whether an order answered `Unclear` is in the order book."""
    clock: Clock = lambda: OPENING

    placed: list[Order] = field(default_factory=list)
    """Every order that was sent, whatever became of it."""
    cancelled: list[str] = field(default_factory=list)
    resized: list[tuple[str, int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The names of all calls, in order."""
    turns: list[FakeTurn] = field(default_factory=list)
    _traded: dict[tuple[str, str], tuple[int, int]] = field(
        default_factory=dict, repr=False
    )
    _paid: dict[tuple[str, str], tuple[Decimal, Decimal]] = field(
        default_factory=dict, repr=False
    )
    """Rupees of today's buys and sells by ticker and product."""
    _orders: dict[str, Order] = field(default_factory=dict, repr=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def turn(self, calls: int, deadline: Deadline) -> FakeTurn:
        """Grant every turn, unless `failures` says otherwise."""
        self._begin("turn")
        turn = FakeTurn(calls, deadline)
        self.turns.append(turn)
        return turn

    def quote(self, ticker: str, turn: Turn) -> Quote | None:
        """Return the price set for the ticker, with the bid and ask set for it."""
        self._begin("quote")
        price = self.prices.get(ticker)
        bid, ask = self.spreads.get(ticker, (None, None))
        return None if price is None else Quote(price, bid, ask)

    def chain(
        self, underlying: str, strikes: int, timestamp: str, turn: Turn
    ) -> OptionChain:
        """Return the chain set for the underlying; `Unreadable` where there is none."""
        self._begin("chain")
        try:
            return self.chains[underlying, timestamp]
        except KeyError:
            raise Unreadable(f"no chain of {underlying} is set") from None

    def positions(self, turn: Turn) -> Listing[Position]:
        """Return what is held, closed rows included."""
        self._begin("positions")
        with self._lock:
            keys = {*self.held, *self._traded}
            rows = tuple(
                Position(*key, self.held.get(key, 0), self.held.get(key, 0))
                if self.lags
                else self._position(*key)
                for key in sorted(keys)
            )
        return Listing(rows, frozenset(self.broken))

    def _position(self, ticker: str, product: str) -> Position:
        bought, sold = self._traded.get((ticker, product), (0, 0))
        carried = self.held.get((ticker, product), 0)
        paid, got = self._paid.get((ticker, product), (Decimal(0), Decimal(0)))
        both = min(bought, sold)
        realized = Decimal(0)
        if both:
            realized = round(both * (got / sold - paid / bought), 2)
        ltp, net = self.prices.get(ticker), carried + bought - sold
        unrealized = Decimal(0)
        if ltp is not None and not carried:
            unrealized = got - paid + net * ltp - realized
        return Position(
            ticker=ticker,
            product=product,
            net_qty=net,
            carried=carried,
            day_bought=bought,
            day_sold=sold,
            ltp=ltp,
            realized=realized,
            unrealized=unrealized,
        )

    def order_book(self, turn: Turn) -> Listing[BookedOrder]:
        """Return the book."""
        self._begin("order_book")
        with self._lock:
            return Listing(tuple(self.book), frozenset(self.broken))

    def market_open(self, turn: Turn) -> bool:
        """Return `is_open`."""
        self._begin("market_open")
        return self.is_open

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Answer as scripted, else accept; book what FYERS would have booked."""
        self._begin("place")
        with self._lock:
            self.placed.append(order)
            result = self.results.pop(0) if self.results else None
            if isinstance(result, Unclear) and not self.unknown_arrives:
                return result
            order_id = getattr(result, "order_id", None) or self._next_id()
            if isinstance(result, Rejected):
                self._enter(order, order_id, OrderStatus.REJECTED, result.reason)
                return result
            self._enter(order, order_id, OrderStatus.PENDING)
            if self.fills:
                self.trade(order_id)
            return result or Placed(order_id, "Successfully placed order")

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        """Cancel what works; what is done is `NOT_PENDING`, what is unknown unclear."""
        self._begin("cancel")
        with self._lock:
            return tuple(self._cancel(order_id) for order_id in order_ids)

    def _cancel(self, order_id: str) -> Change:
        row = self.find(order_id)
        if row is None:
            return Change.UNCLEAR
        if not row.status.working:
            return Change.NOT_PENDING
        self.cancelled.append(order_id)
        for dead in (row, *self.legs(order_id)):
            if dead.status.working and (dead is row or not row.filled):
                self.change(dead.order_id, status=OrderStatus.CANCELLED)
        return Change.CONFIRMED

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        """Set the quantity of what works."""
        self._begin("resize")
        with self._lock:
            row = self.find(order.order_id)
            if row is None or not row.status.working:
                return Change.NOT_PENDING
            self.resized.append((order.order_id, qty))
            self.change(order.order_id, qty=qty)
            return Change.CONFIRMED

    def open(self) -> None:
        """Note that connections were wanted."""
        self._begin("open")

    def hold(self, ticker: str, product: str, net_qty: int) -> None:
        """Set a position, as if it were carried."""
        self.held[ticker, product] = net_qty
        self._traded.pop((ticker, product), None)
        self._paid.pop((ticker, product), None)

    def net(self, ticker: str, product: str) -> int:
        """Return what is open now, contracts."""
        return self._position(ticker, product).net_qty

    def find(self, order_id: str) -> BookedOrder | None:
        """Return the row with that id."""
        return next((row for row in self.book if row.order_id == order_id), None)

    def change(self, order_id: str, **values: object) -> None:
        """Change fields of a row: what happened at the exchange meanwhile."""
        self.book = [
            replace(row, **values) if row.order_id == order_id else row  # type: ignore[arg-type]  # BookedOrder's own fields
            for row in self.book
        ]

    def trade(self, order_id: str, qty: int | None = None) -> None:
        """Trade a working order, wholly or `qty` of it, and move the position."""
        with self._lock:
            row = next(row for row in self.book if row.order_id == order_id)
            done = row.remaining if qty is None else qty
            filled = row.filled + done
            whole = filled == row.qty
            status = OrderStatus.TRADED if whole else OrderStatus.PENDING
            self.change(order_id, filled=filled, status=status)
            key = row.ticker, row.product
            bought, sold = self._traded.get(key, (0, 0))
            if row.action is Action.BUY:
                self._traded[key] = bought + done, sold
            else:
                self._traded[key] = bought, sold + done
            price = row.limit_price or self.prices.get(row.ticker) or Decimal(0)
            paid, got = self._paid.get(key, (Decimal(0), Decimal(0)))
            if row.action is Action.BUY:
                paid += done * price
            else:
                got += done * price
            self._paid[key] = paid, got
            self.change(order_id, traded_price=price)
            self._protect(row, done)

    def legs(self, parent_id: str) -> list[BookedOrder]:
        """Return the exit legs of an entry."""
        return [row for row in self.book if row.parent_id == parent_id]

    def _begin(self, name: str) -> None:
        if self.before is not None:
            self.before(name)
        with self._lock:
            self.calls.append(name)
            waiting = self.failures.get(name)
            if waiting:
                raise waiting.pop(0)

    def _next_id(self) -> str:
        return f"261123{len(self.book) + 1:08d}"

    def _enter(
        self, order: Order, order_id: str, status: OrderStatus, message: str = ""
    ) -> None:
        self._orders[order_id] = order
        self.book.append(
            BookedOrder(
                order_id=order_id,
                ticker=order.ticker,
                action=order.action,
                qty=order.qty,
                filled=0,
                product=str(order.product),
                status=status,
                tag=order.tag,
                parent_id=None,
                message=message,
                placed_at=self.clock(),
            )
        )

    def _protect(self, entry: BookedOrder, qty: int) -> None:
        """Give the contracts just traded their exit legs."""
        order = self._orders.get(entry.order_id)
        if order is None:
            return
        legs = {leg.order_type: leg for leg in self.legs(entry.order_id)}
        for kind, distance in ((3, order.stop_loss), (1, order.take_profit)):
            leg = legs.get(kind)
            if distance is None:
                continue
            if leg is not None and leg.status.working:
                self.change(leg.order_id, qty=leg.qty + qty)
                continue
            self.book.append(self._leg(entry, qty, kind, distance))

    def _leg(
        self, entry: BookedOrder, qty: int, kind: int, distance: Decimal
    ) -> BookedOrder:
        short = entry.action is Action.SELL
        up = distance if short == (kind == 3) else -distance
        level = (self.prices.get(entry.ticker) or Decimal(0)) + up
        return replace(
            entry,
            order_id=self._next_id(),
            action=Action.BUY if short else Action.SELL,
            qty=qty,
            filled=0,
            status=OrderStatus.PENDING,
            tag="",
            parent_id=entry.order_id,
            order_type=kind,
            limit_price=Decimal(0) if kind == 3 else level,
            stop_price=level if kind == 3 else Decimal(0),
        )
