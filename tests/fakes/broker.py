"""FYERS in memory: the Broker port with its state in the open.

    broker = FakeBroker(prices={TICKER: Decimal("120.5")})
    broker.hold(TICKER, "INTRADAY", -65)              # a short to cover
    broker.results.append(Unknown("no answer"))        # what the next order answers
    broker.unknown_arrives = False                     # ... and FYERS never got it
    broker.failures["positions"] = [Unreadable("x")]   # raised by the next call of it

Market orders trade at once unless `fills` is false. What trades of an order with exits
gets its legs, which survive a cover, as FYERS's may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from threading import RLock

from shared.broker import Turn
from shared.models import (
    IST,
    Action,
    BookedOrder,
    Clock,
    Deadline,
    Order,
    OrderResult,
    OrderStatus,
    Placed,
    Position,
    Rejected,
    Unknown,
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
    """Net contracts by ticker and product; below zero is short."""
    results: list[OrderResult] = field(default_factory=list)
    """Answers of the next orders; empty: accepted."""
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    """Exceptions of the next calls, by method name."""
    before: Callable[[str], None] | None = None
    """Called with the method's name at the start of each call."""
    fills: bool = True
    """Whether market orders trade at once, else they rest."""
    unknown_arrives: bool = True
    """Whether an order answered `Unknown` is in the order book."""
    clock: Clock = lambda: OPENING

    placed: list[Order] = field(default_factory=list)
    """Every order that was sent, whatever became of it."""
    cancelled: list[str] = field(default_factory=list)
    resized: list[tuple[str, int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The names of all calls, in order."""
    turns: list[FakeTurn] = field(default_factory=list)
    _orders: dict[str, Order] = field(default_factory=dict, repr=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def turn(self, calls: int, deadline: Deadline) -> FakeTurn:
        """Grant every turn, unless `failures` says otherwise."""
        self._begin("turn")
        turn = FakeTurn(calls, deadline)
        self.turns.append(turn)
        return turn

    def ltp(self, ticker: str, turn: Turn) -> Decimal | None:
        """Return the price set for the ticker."""
        self._begin("ltp")
        return self.prices.get(ticker)

    def positions(self, turn: Turn) -> tuple[Position, ...]:
        """Return what is held, closed rows included."""
        self._begin("positions")
        with self._lock:
            return tuple(Position(*key, net) for key, net in self.held.items())

    def order_book(self, turn: Turn) -> tuple[BookedOrder, ...]:
        """Return the book."""
        self._begin("order_book")
        with self._lock:
            return tuple(self.book)

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Answer as scripted, else accept; book what FYERS would have booked."""
        self._begin("place")
        with self._lock:
            self.placed.append(order)
            result = self.results.pop(0) if self.results else None
            if isinstance(result, Unknown) and not self.unknown_arrives:
                return result
            order_id = getattr(result, "order_id", None) or self._next_id()
            if isinstance(result, Rejected):
                self._enter(order, order_id, OrderStatus.REJECTED, result.reason)
                return result
            self._enter(order, order_id, OrderStatus.PENDING)
            if self.fills:
                self.trade(order_id)
            return result or Placed(order_id, "Successfully placed order")

    def cancel(self, order_id: str, turn: Turn) -> bool:
        """Cancel what works; True too for what is done, False for an unknown id."""
        self._begin("cancel")
        with self._lock:
            row = self.find(order_id)
            if row is None:
                return False
            if row.status.working:
                self.cancelled.append(order_id)
                for dead in (row, *self.legs(order_id)):
                    if dead.status.working:
                        self.change(dead.order_id, status=OrderStatus.CANCELLED)
            return True

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> bool:
        """Set the quantity of what works, else False."""
        self._begin("resize")
        with self._lock:
            row = self.find(order.order_id)
            if row is None or not row.status.working:
                return False
            self.resized.append((order.order_id, qty))
            self.change(order.order_id, qty=qty)
            return True

    def open(self) -> None:
        """Note that connections were wanted."""
        self._begin("open")

    def hold(self, ticker: str, product: str, net_qty: int) -> None:
        """Set a position."""
        self.held[ticker, product] = net_qty

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
            sign = 1 if row.action is Action.BUY else -1
            self.held[key] = self.held.get(key, 0) + sign * done
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
