"""A paper FYERS: the Broker port on live quotes, without an order.

Orders trade at once, a SELL at the bid and a BUY at the ask; exits become working legs
that trade when a quote reaches them, looked at whenever the order book is read (by the
guard once a minute). Its contracts are named `PAPER:<ticker>`, so that claims, lanes
and the guard never mix them with real ones. Profit is before charges, counted as FYERS
counts it: what was bought and sold again at the average of each side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from shared.broker import Broker, NotTaken, Turn, Unreadable
from shared.errors import Conflict, Doubtful
from shared.models import (
    IST,
    PAPER,
    Action,
    BookedOrder,
    Change,
    Clock,
    Deadline,
    Kept,
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
from shared.models.book import LIMIT, STOP_LIMIT

PAISE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PaperHolding:
    """What one contract and product hold from earlier days."""

    ticker: str
    product: str
    net: int
    """Contracts, signed."""
    price: Decimal
    """Average price of what is open, rupees."""


@dataclass(frozen=True, slots=True)
class PaperBook:
    """Everything paper: the one document `paper/book`."""

    day: date
    orders: tuple[BookedOrder, ...] = ()
    carried: tuple[PaperHolding, ...] = ()

    def on(self, today: date) -> PaperBook:
        """Return the book of a day: what filled is carried, what worked has ended."""
        if self.day == today:
            return self
        kept = tuple(
            PaperHolding(sums.ticker, sums.product, sums.net, sums.average)
            for sums in self.sums()
            if sums.net
        )
        return PaperBook(today, (), kept)

    def sums(self) -> tuple[Sums, ...]:
        """Return what every contract and product has come to."""
        found: dict[tuple[str, str], Sums] = {}
        for held in self.carried:
            sums = Sums(held.ticker, held.product, held.net)
            found[held.ticker, held.product] = sums.traded(held.net, held.price)
        for row in self.orders:
            key = row.ticker, row.product
            sign = 1 if row.action is Action.BUY else -1
            before = found.get(key, Sums(*key))
            found[key] = before.traded(sign * row.filled, row.traded_price)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Sums:
    """What one contract and product have come to, carried contracts included."""

    ticker: str
    product: str
    carried: int = 0
    """Contracts, signed."""
    bought: int = 0
    sold: int = 0
    paid: Decimal = Decimal(0)
    """Rupees of what was bought."""
    got: Decimal = Decimal(0)

    def traded(self, qty: int, price: Decimal) -> Sums:
        """Return the sums after a trade; `qty` is signed."""
        if qty < 0:
            return replace(self, sold=self.sold - qty, got=self.got - qty * price)
        return replace(self, bought=self.bought + qty, paid=self.paid + qty * price)

    @property
    def net(self) -> int:
        """Return what is open, contracts, signed."""
        return self.bought - self.sold

    @property
    def average(self) -> Decimal:
        """Return the average price of what is open, rupees."""
        if not self.net:
            return Decimal(0)
        if self.net > 0:
            return (self.paid / self.bought).quantize(PAISE)
        return (self.got / self.sold).quantize(PAISE)

    @property
    def realized(self) -> Decimal:
        """Return what was made on what was bought and sold, rupees."""
        both = min(self.bought, self.sold)
        if not both:
            return Decimal(0)
        return (both * (self.got / self.sold - self.paid / self.bought)).quantize(PAISE)

    def position(self, ltp: Decimal | None) -> Position:
        """Return the row of positions that shows it."""
        unrealized = self.net * (ltp - self.average) if ltp is not None else Decimal(0)
        return Position(
            ticker=self.ticker,
            product=self.product,
            net_qty=self.net,
            carried=self.carried,
            day_bought=self.bought - max(0, self.carried),
            day_sold=self.sold - max(0, -self.carried),
            ltp=ltp,
            realized=self.realized,
            unrealized=unrealized,
        )


class _InDoubt(Unreadable):
    """A write of the paper book that may have been applied, or may be yet."""


class PaperBroker:
    """The Broker port over a stored paper book; quotes come from the real one."""

    def __init__(self, quotes: Broker, kept: Kept[PaperBook], clock: Clock) -> None:
        self._quotes = quotes
        self._kept = kept
        self._clock = clock

    def turn(self, calls: int, deadline: Deadline) -> Turn:
        """Reserve places: only quotes cost any."""
        return self._quotes.turn(min(1, calls), deadline)

    def quote(self, ticker: str, turn: Turn) -> Quote | None:
        """Return the real contract's quote."""
        return self._quotes.quote(ticker.removeprefix(PAPER), turn)

    def chain(
        self, underlying: str, strikes: int, timestamp: str, turn: Turn
    ) -> OptionChain:
        """Return the real chain: which contract is chosen is no matter of paper."""
        return self._quotes.chain(underlying, strikes, timestamp, turn)

    def positions(self, turn: Turn) -> Listing[Position]:
        """Return what is held on paper, what is open with its price."""
        book = self._read(turn.deadline)[0]
        return Listing(
            tuple(
                sums.position(self._ltp(sums.ticker, turn) if sums.net else None)
                for sums in book.sums()
            )
        )

    def _ltp(self, ticker: str, turn: Turn) -> Decimal | None:
        try:
            found = self.quote(ticker, self._quotes.turn(1, turn.deadline))
        except (Unreadable, NotTaken):
            return None  # a position is no less open without a price
        return found.ltp if found else None

    def order_book(self, turn: Turn) -> Listing[BookedOrder]:
        """Return the paper orders, after legs that a quote has reached have traded."""
        book, _ = self._read(turn.deadline)
        quotes = {
            row.ticker: self.quote(row.ticker, self._quotes.turn(1, turn.deadline))
            for row in book.orders
            if row.remaining
        }
        if quotes:
            book = self._change(lambda found: _reached(found, quotes), turn.deadline)
        return Listing(book.orders)

    def market_open(self, turn: Turn) -> bool:
        """Return whether the real market is open."""
        return self._quotes.market_open(turn)

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Trade at the quote and attach the exits; refused without one."""
        try:
            quote = self.quote(order.ticker, turn)
        except Unreadable as error:
            raise NotTaken("FYERS gives no quote for the paper order") from error
        price = _fill(order.action, quote)
        if price is None:
            return Rejected(0, "there is no price to fill a paper order at")
        entry = BookedOrder(
            order_id=f"PAPER-{order.tag}",
            ticker=order.ticker,
            action=order.action,
            qty=order.qty,
            filled=order.qty,
            product=order.product,
            status=OrderStatus.TRADED,
            tag=order.tag,
            parent_id=None,
            message="",
            placed_at=self._clock(),
            traded_price=price,
        )
        rows = (entry, *_legs(entry, order))

        def enter(book: PaperBook) -> PaperBook:
            if any(row.order_id == entry.order_id for row in book.orders):
                return book
            return replace(book, orders=(*book.orders, *rows))

        try:
            self._change(enter, turn.deadline)
        except _InDoubt:
            return Unclear("the paper book may not have been written", entry.order_id)
        except Unreadable as error:
            raise NotTaken("the paper book could not be written") from error
        return Placed(entry.order_id, f"PAPER: filled at {price:f}")

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        """Cancel working legs."""
        return tuple(self._set(i, turn, OrderStatus.CANCELLED) for i in order_ids)

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        """Set a working leg's quantity."""
        return self._set(order.order_id, turn, qty=qty)

    def open(self) -> None:
        """Open the real connections."""
        self._quotes.open()

    def _set(
        self,
        order_id: str,
        turn: Turn,
        status: OrderStatus = OrderStatus.PENDING,
        qty: int | None = None,
    ) -> Change:
        worked: list[bool] = []

        def change(book: PaperBook) -> PaperBook:
            rows = []
            worked.clear()
            for row in book.orders:
                if row.order_id == order_id and row.remaining:
                    worked.append(True)
                    size = row.qty if qty is None else qty
                    row = replace(row, status=status, qty=size)  # its new state
                rows.append(row)
            return replace(book, orders=tuple(rows))

        try:
            self._change(change, turn.deadline)
        except Unreadable:
            return Change.UNCLEAR
        return Change.CONFIRMED if worked else Change.NOT_PENDING

    def _read(self, deadline: Deadline) -> tuple[PaperBook, str | None]:
        today = self._clock().astimezone(IST).date()
        try:
            book, version = self._kept.read(deadline)
        except Doubtful as error:
            raise Unreadable("the paper book gives no answer") from error
        return (book or PaperBook(today)).on(today), version

    def _change(
        self, become: Callable[[PaperBook], PaperBook], deadline: Deadline
    ) -> PaperBook:
        """Write what `become` makes of the book; doing it twice must be as once.

        Raises `_InDoubt` where the write may have been applied, else `Unreadable`.
        """
        doubt = False
        while deadline.left():
            try:
                book, version = self._read(deadline)
                changed = become(book)
                if changed != book:
                    self._kept.write(changed, version, deadline)
            except Conflict:
                continue
            except Doubtful:
                doubt = True  # the next reading shows it, or it is written again
            except Unreadable as error:
                if doubt:
                    raise _InDoubt("the paper book gives no answer") from error
                raise
            else:
                return changed
        raise (_InDoubt if doubt else Unreadable)("the paper book gives no answer")


def _fill(action: Action, quote: Quote | None) -> Decimal | None:
    if quote is None:
        return None
    side = quote.ask if action is Action.BUY else quote.bid
    return side or quote.ltp


def _legs(entry: BookedOrder, order: Order) -> Iterable[BookedOrder]:
    """Return the working exits of an entry, at distances from its fill."""
    up = 1 if order.action is Action.SELL else -1
    side = Action.BUY if order.action is Action.SELL else Action.SELL
    kinds = (
        ("S", STOP_LIMIT, order.stop_loss, up),
        ("T", LIMIT, order.take_profit, -up),
    )
    for mark, kind, distance, sign in kinds:
        if distance is not None:
            level = entry.traded_price + sign * distance
            yield replace(
                entry,
                order_id=f"{entry.order_id}-{mark}",
                action=side,
                filled=0,
                status=OrderStatus.PENDING,
                tag="",
                parent_id=entry.order_id,
                order_type=kind,
                limit_price=level,
                stop_price=level if kind == STOP_LIMIT else Decimal(0),
                traded_price=Decimal(0),
            )


def _reached(book: PaperBook, quotes: dict[str, Quote | None]) -> PaperBook:
    """Return the book after every leg that its quote has reached has traded."""
    done: dict[str, Decimal] = {}
    ended: set[str] = set()
    for row in book.orders:
        price = _fill(row.action, quotes.get(row.ticker))
        if not row.remaining or price is None or row.parent_id in ended:
            continue
        over = price >= (row.stop_price or row.limit_price)
        is_stop = row.order_type == STOP_LIMIT
        if over is (is_stop is (row.action is Action.BUY)) or price == row.limit_price:
            done[row.order_id] = price if is_stop else row.limit_price
            ended.add(row.parent_id or "")
    rows = []
    for row in book.orders:
        if row.order_id in done:
            rows.append(
                replace(
                    row,
                    filled=row.qty,
                    status=OrderStatus.TRADED,
                    traded_price=done[row.order_id],
                )
            )
        elif row.remaining and row.parent_id in ended:
            rows.append(replace(row, status=OrderStatus.CANCELLED))
        else:
            rows.append(row)
    return replace(book, orders=tuple(rows))
