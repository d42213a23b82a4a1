"""The closing lane: one delivery at a time closes a contract, by what is really open.

    lane taken → our claims on the contract → order book ∥ positions (∥ quote)
    → whatever of ours still opens or closes there is cancelled, and all is read anew
    → quantity → SENDING and the lane's mark in one commit

A close is never refused for good while its position is open. What one read cannot
decide is 503, so that a resend decides it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from shared.errors import BadRequest, Conflict, Doubtful, Unavailable
from shared.idempotency import (
    Claimed,
    Done,
    HeldLane,
    Lane,
    NotSent,
    Released,
    Sending,
    Stored,
    StoredAt,
    Unknown,
    stands_at,
)
from shared.models import (
    Action,
    Alert,
    BookedOrder,
    Change,
    Contract,
    Deadline,
    ExitKind,
    Flight,
    OrderBook,
    OurOrder,
    Product,
    Quote,
    Trim,
)
from shared.models.book import SETTLE_AFTER
from shared.orders.building import named_product
from shared.orders.market import read_close
from shared.orders.ports import SETTLE, Parts

RESTS = timedelta(seconds=5)
"""How long a close of ours may work before the next one cancels it."""

LANE_KEPT = timedelta(days=2)
"""Housekeeping only: nothing is ever decided by a lane's age."""

ENOUGH_TO_CLOSE = 1.2
"""Left of the deadline for reading, sending and settling; no waiting goes below."""

_LOOK_AGAIN = 0.1
"""Seconds between two looks at a lane that somebody holds."""


class Close(NamedTuple):
    """A close that may be sent now."""

    contract: Contract
    stored: StoredAt[Claimed]
    held: HeldLane
    book: OrderBook
    quote: Quote | None
    side: Action
    product: Product
    qty: int
    notes: tuple[str, ...]
    """What was done or cut on the way, for the reply."""
    ignored: tuple[str, ...] = ()
    """What the alert was sent with and the close did without."""

    @property
    def stop_words(self) -> str:
        """Return whether a stop protects the position until the close trades."""
        covered = self.book.protected(ExitKind.STOP, self.side)
        if covered >= self.book.open(self.side):
            return "Its stop still works at FYERS"
        return f"a stop works for {covered} of them" if covered else "NO stop works"


class Closing:
    """The way of one delivery to its close."""

    def __init__(
        self,
        parts: Parts,
        alert: Alert,
        contract: Contract,
        stored: StoredAt[Claimed],
        deadline: Deadline,
    ) -> None:
        self._parts = parts
        self._alert = alert
        self._contract = contract
        self._deadline = deadline
        self._reads = deadline.minus(SETTLE)
        self._notes = [f"without {', '.join(alert.ignored)}"] if alert.ignored else []
        self._quote: Quote | None = None
        self._seen: OrderBook | None = None
        self.stored = stored
        self.held: HeldLane | None = None

    def prepare(self, side: Action | None) -> Close:
        """Return the close that may be sent; raise `Unavailable` or `BadRequest`.

        Without a `side` the position decides it. Whatever is raised, `stored` and
        `held` say what has been written.
        """
        held = self._take_lane()
        book = self._clear(self._seen or self._read(), side)
        closing = side or self._side(book)
        if closing is None:
            raise self._nothing(book, side, None)
        return self._decide(book, closing, side, held)

    def _side(self, book: OrderBook) -> Action | None:
        """Return the side that closes what is open, None where nothing is."""
        named = named_product(self._alert.product)
        sides = {Action.BUY if net < 0 else Action.SELL for net in book.nets.values()}
        if named is not None and named in book.nets:
            sides = {Action.BUY if book.nets[named] < 0 else Action.SELL}
        if len(sides) > 1:
            raise self._ambiguous(tuple(book.nets))
        return next(iter(sides), None)

    def _ambiguous(self, products: tuple[str, ...]) -> BadRequest:
        return BadRequest(
            f"{self._contract.ticker} is open in {' and '.join(products)}; "
            "name one in productType",
            "ambiguous_position",
        )

    # --- The lane -------------------------------------------------------------------

    def _take_lane(self) -> HeldLane:
        """Hold the lane before anything is decided.

        A lane that is free by what this delivery read itself is taken by the version
        found, so that no other close can have been sent since that read.
        """
        found = HeldLane(self._contract.ticker, None, None)
        while True:
            if self._free(found):
                try:
                    self.held, self.stored = self._parts.lanes.take(
                        found, self._lane(), self.stored, self._reads
                    )
                except Conflict:
                    self._seen = None
                    self._still_ours()
                else:
                    return self.held
            elif self._deadline.left() < ENOUGH_TO_CLOSE:
                raise Unavailable("another alert is closing this position right now")
            else:
                self._parts.pause(_LOOK_AGAIN)
            found = self._look(found)

    def _look(self, last: HeldLane) -> HeldLane:
        found = self._parts.lanes.lane(self._contract.ticker, self._reads)
        if found.version != last.version:
            self._seen = None  # somebody closed since: what was read is old
        return found

    def _lane(self) -> Lane:
        now = self._parts.clock()
        return Lane(
            claim=self.stored.key,
            attempt=self.stored.claim.attempt,
            taken_at=now,
            expires_at=now + LANE_KEPT,
        )

    def _still_ours(self) -> None:
        """Raise `Unavailable` if somebody released or took this delivery's claim."""
        found = self._parts.claims.look(self.stored.key, self._reads)
        mine = self.stored.claim
        if (
            found is None
            or found.claim.attempt != mine.attempt
            or not stands_at(found, Claimed)
        ):
            raise Unavailable("another delivery has taken this alert over")
        self.stored = found

    def _free(self, found: HeldLane) -> bool:
        """Return whether the lane may be taken by the version found."""
        lane = found.lane
        if lane is None or lane.claim == self.stored.key:
            return True
        holder = self._parts.claims.look(lane.claim, self._reads)
        if holder is not None and holder.claim.attempt != lane.attempt:
            holder = None  # its delivery has lost the claim
        if not lane.tag:
            return holder is None or self._unsent(holder)
        return self._over(lane, holder)

    def _unsent(self, holder: Stored) -> bool:
        """Return whether a holder that has sent nothing is done with the lane.

        One past its lease is moved by version first: then it can never send.
        """
        if not stands_at(holder, Claimed):
            return not isinstance(holder.claim.at, Sending | Unknown)
        if holder.claim.lease_until > self._parts.clock():
            return False
        released = self._parts.claims.released(
            holder.claim, "its delivery died before it sent anything", retry=True
        )
        try:
            self._parts.claims.write(holder, released, self._reads)
        except (Conflict, Doubtful):
            return False
        return True

    def _over(self, lane: Lane, holder: Stored | None) -> bool:
        """Return whether the close that marked the lane has certainly ended."""
        match holder and holder.claim.at:
            case Released() | NotSent():
                return True
            case Done(order_ids=()):
                return True  # refused for good
        if self._seen is None:
            self._seen = self._read()
        now = self._parts.clock()
        our = next(
            (our for our in self._seen.ours if our.order.tag == lane.tag),
            holder.claim.our_order if holder else None,
        )
        send_by = lane.send_by or lane.taken_at
        if our is None:
            return now >= send_by + SETTLE_AFTER
        if our in self._seen.in_flight(now, closes=True):
            return our.flight is Flight.OPEN and now >= send_by + SETTLE_AFTER
        working = any(row.remaining for row in self._seen.rows_of(our))
        return not working or now - our.sent_at >= RESTS

    # --- Reading --------------------------------------------------------------------

    def _read(self) -> OrderBook:
        """Read our claims on the contract first, then the account as it is."""
        ours = self._ours()
        book, quote = read_close(
            self._parts,
            self._contract,
            ours,
            self._deadline,
            quoted=self._quote is None,
        )
        self._quote = quote or self._quote
        return book

    def _ours(self) -> tuple[OurOrder, ...]:
        ledger = self._parts.claims.ledger(self._contract.ticker, self._reads)
        found = (
            stored.claim.our_order for stored in ledger if stored.key != self.stored.key
        )
        return tuple(our for our in found if our is not None)

    # --- What stands in the way -----------------------------------------------------

    def _clear(self, book: OrderBook, wanted: Action | None) -> OrderBook:
        """Cancel what still opens or closes there, and return a book without it.

        Twice at most: a long's exits go once its entry's rest is gone.
        """
        for _ in range(2):
            changes = self._in_the_way(book, wanted)
            if not changes:
                return book
            self._make(changes)
            book = self._read()
        if self._in_the_way(book, wanted):
            raise Unavailable("orders that must go first could not be cancelled")
        return book

    def _refuse_in_flight(self, book: OrderBook, now: datetime) -> None:
        if book.in_flight(now, closes=False):
            raise Unavailable("an entry of this contract is still on its way to FYERS")
        for our in book.in_flight(now, closes=True):
            if our.flight is not Flight.OPEN or now < our.send_by + SETTLE_AFTER:
                raise Unavailable("another close is still on its way to FYERS")

    def _in_the_way(self, book: OrderBook, wanted: Action | None) -> tuple[Trim, ...]:
        """Return what must be cancelled before the quantity can be decided.

        Working entries, closes that rest, and the exits of a long: a bought option
        risks its premium, a stray sell leg opens a naked short.
        """
        now = self._parts.clock()
        self._refuse_in_flight(book, now)
        side = wanted or self._side(book)
        gone = [Trim(row, 0) for row in book.entries if row.action is not side]
        for our in book.ours:
            rows = [row for row in book.rows_of(our) if row.remaining and our.closes]
            if rows and now - our.sent_at < RESTS:
                raise Unavailable("another close is working at FYERS right now")
            gone += [Trim(row, 0) for row in rows]
        if side is Action.SELL and not gone:
            product = self._product(book, side)
            qty = self._quantity(book, side, product)[0] if product else 0
            gone += book.trims(side, book.open(side) - qty)
        return tuple(gone)

    def _make(self, changes: tuple[Trim, ...]) -> None:
        """Cancel or resize; whether it worked is read, not believed."""
        cancelled = [change.row for change in changes if not change.qty]
        resized = [change for change in changes if change.qty]
        calls = bool(cancelled) + len(resized)
        turn = self._parts.broker.turn(calls, self._deadline.minus(SETTLE))
        if cancelled:
            ids = [row.order_id for row in cancelled]
            ended = self._parts.broker.cancel(ids, turn)
            for row, end in zip(cancelled, ended, strict=True):
                if end is Change.CONFIRMED:
                    self._notes.append(_cancelled(row))
        for change in resized:
            self._parts.broker.resize(change.row, change.qty, turn)

    # --- The decision ---------------------------------------------------------------

    def _decide(
        self, book: OrderBook, side: Action, wanted: Action | None, held: HeldLane
    ) -> Close:
        product = self._product(book, side)
        if product is None or not book.uncovered(side, self._quote, product):
            raise self._nothing(book, wanted, product)
        qty, note = self._quantity(book, side, product)
        notes = (*self._notes, note, _resting(book.resting(side, self._quote)))
        return Close(
            contract=self._contract,
            stored=self.stored,
            held=held,
            book=book,
            quote=self._quote,
            side=side,
            product=product,
            qty=qty,
            notes=tuple(text for text in notes if text),
            ignored=self._alert.ignored,
        )

    def _product(self, book: OrderBook, side: Action) -> Product | None:
        """Return the product to close: the alert's if it is open, else the only one."""
        open_now = [product for product in Product if book.open(side, product) > 0]
        named = named_product(self._alert.product)
        if named in open_now:
            return named
        if len(open_now) > 1:
            raise self._ambiguous(tuple(open_now))
        return open_now[0] if open_now else None

    def _quantity(
        self, book: OrderBook, side: Action, product: Product
    ) -> tuple[int, str]:
        """Return whole lots up to what is open, and what the reply says of them."""
        most = book.uncovered(side, self._quote, product)
        lot = self._contract.lot
        named = self._alert.contracts(lot)
        wanted = most if named is None else named
        whole = min(wanted, most) // lot * lot
        if not whole:  # less than a lot: one lot, or the odd rest that is open
            whole = min(lot, most)
        if whole == wanted:
            return whole, ""
        word = "cut" if whole < wanted else "raised"
        return whole, f"quantity {word} from {wanted} to {whole}: {most} are open"

    def _nothing(
        self, book: OrderBook, wanted: Action | None, product: Product | None
    ) -> BadRequest | Unavailable:
        """Return why there is nothing to send: for good only if nothing can change."""
        if product is not None:
            return Unavailable("another order is closing this position already")
        if book.entries or book.closes:
            return Unavailable("orders of this contract are still working at FYERS")
        done = f"; {'; '.join(self._notes)}" if self._notes else ""
        what = {Action.BUY: "short", Action.SELL: "long", None: "position"}[wanted]
        return BadRequest(
            f"there is no open {what} of {self._contract.ticker} to close{done}",
            "no_short_position" if wanted is Action.BUY else "nothing_open",
        )


def _cancelled(row: BookedOrder) -> str:
    part = f" ({row.filled} of {row.qty} had filled)" if row.filled else ""
    return f"working {row.action} {row.order_id} was cancelled first{part}"


def _resting(ids: tuple[str, ...]) -> str:
    if not ids:
        return ""
    return f"orders not ours still wait there: {', '.join(ids)}"
