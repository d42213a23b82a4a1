"""What a rehearsal saw: looks at a contract, and positions from SELL to end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from local.rehearsing.asking import Answer
from shared.guard import Verdict, Watch, verdicts
from shared.models import (
    Action,
    BookedOrder,
    ExitKind,
    Flight,
    Listing,
    Order,
    OrderBook,
    OurOrder,
    Product,
    Severity,
)


@dataclass(frozen=True, slots=True)
class Look:
    """One read of a contract: the order book first, then the positions."""

    book: OrderBook
    rows_at: float
    """Seconds on the monotonic clock at which the order book had come."""
    positions_at: float


@dataclass
class Round:
    """One short position, from its SELL to its end."""

    name: str
    product: Product
    entry: OurOrder
    expiry: str
    """ISO date, as the webhook's reply has it."""
    looks: list[Look] = field(default_factory=list)
    covered_at: datetime | None = None
    covers: list[Answer] = field(default_factory=list)
    """The webhook's replies to the closes."""
    before_cover: Look | None = None
    leg_traded: Look | None = None

    @property
    def last(self) -> OrderBook:
        """Return the contract as it was read last."""
        return self.looks[-1].book

    @property
    def flat(self) -> bool:
        """Return whether nothing of its product was open at the last look."""
        return bool(self.looks) and not self.last.open(Action.BUY, self.product)

    @property
    def done(self) -> bool:
        """Return whether it is flat and its entry cannot trade any more."""
        rows = self.last.rows_of(self.entry) if self.looks else ()
        return self.flat and bool(rows) and not any(row.remaining for row in rows)

    @property
    def filled(self) -> bool:
        """Return whether the whole entry has traded."""
        return is_filled(self.last, self.entry)


@dataclass
class Played:
    """What the rehearsal saw."""

    rounds: list[Round] = field(default_factory=list)
    stopped: str = ""
    """Why it ended early."""
    ending: tuple[str, ...] = ()
    """What is open and what to do, in sentences."""
    safe: bool = True
    """Nothing is open and nothing works, as far as FYERS said."""


def entry_of(reply: Answer, product: Product, sent_at: datetime) -> OurOrder | None:
    """Return the order that a reply says was placed, None where it says none."""
    body, response = reply.body, reply.body.get("order_response")
    order_id, ticker, qty = (body.get(k) for k in ("order_id", "symbol", "qty"))
    if not isinstance(order_id, str) or not isinstance(qty, int):
        return None
    ids = response.get("ids") if isinstance(response, dict) else None
    return OurOrder(
        order=Order(
            str(ticker),
            Action.SELL,
            qty,
            product,
            tag="",
            stop_loss=_distance(body, "stop_loss"),
            take_profit=_distance(body, "take_profit"),
        ),
        closes=False,
        flight=Flight.ACCEPTED,
        order_ids=tuple(map(str, ids)) if isinstance(ids, list) else (order_id,),
        sent_at=sent_at,
        send_by=sent_at + timedelta(seconds=10),
    )


def _distance(body: Mapping[str, object], name: str) -> Decimal | None:
    """Return how far an exit was sent from the fill, points."""
    price, level = body.get("ltp"), body.get(name)
    if isinstance(price, int | Decimal) and isinstance(level, int | Decimal):
        return abs(Decimal(level) - Decimal(price))
    return None


def known(entry: OurOrder, rows: Listing[BookedOrder]) -> OurOrder:
    """Return an entry with the tag its row shows: what was sent, no reply says."""
    for row in rows.rows:
        if row.tag and any(is_id(row.order_id, one) for one in entry.order_ids):
            return replace(entry, order=replace(entry.order, tag=row.tag))
    return entry


def is_id(shown: str, returned: str) -> bool:
    """Return whether a row's id is the one returned, with or without a suffix."""
    return shown == returned or shown.startswith(f"{returned}-")


def is_filled(book: OrderBook, entry: OurOrder) -> bool:
    """Return whether all of an order has traded."""
    return sum(row.filled for row in book.rows_of(entry)) >= entry.order.qty


def exits_differ(played: Round) -> tuple[str, ...]:
    """Return what the guard would say of the exits of a filled entry."""
    if played.before_cover is None:
        return ()
    book = played.before_cover.book
    at = played.entry.sent_at + verdicts.PATIENCE
    missing = [
        found.message
        for found in verdicts.judge(book, Watch(book.ticker), at)
        if found.verdict is Verdict.EXITS_MISSING
    ]
    rows = book.rows_of(played.entry)
    faults = [
        text
        for row in rows
        for text in verdicts.exit_faults(book, _slice(played, row, len(rows)), row)
    ]
    return (*missing, *faults)


def _slice(played: Round, row: BookedOrder, of: int) -> OurOrder:
    """Return the part of an order that a row is: its legs name it as their parent."""
    entry = played.entry
    if of == 1:
        return entry
    order = replace(entry.order, tag="")
    return replace(entry, order=order, order_ids=(row.order_id,))


def working(book: OrderBook) -> tuple[str, ...]:
    """Return the ids of the orders that may still trade, whoever placed them."""
    return tuple(row.order_id for row in book.rows if row.remaining)


def left_words(book: OrderBook, now: datetime) -> Iterator[str]:
    """Yield what is open or works, and what to do: in the guard's words, if it has."""
    found = [
        one.message
        for one in verdicts.judge(book, Watch(book.ticker), now)
        if one.severity is Severity.CRITICAL
    ]
    for side in Action:
        size = book.open(side)
        if not size:
            continue
        covered = book.protected(ExitKind.STOP, side)
        stop = f"A stop works for {covered} of it" if covered else "NO stop works"
        yield (
            f"OPEN: {'short' if side is Action.BUY else 'long'} {size} {book.ticker} "
            f"({', '.join(book.nets)}). {stop}. Close it now: {side} {size} in the "
            "FYERS app, then cancel its exits there."
        )
    yield from found
    if not found:
        yield (
            f"Still working at FYERS: {', '.join(working(book)) or 'nothing'} "
            f"({book.ticker}). What belongs to no position: cancel it in the FYERS "
            "app; reconcile does so within two minutes."
        )
