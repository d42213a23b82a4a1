"""The order book of one contract as a value, and every question asked of it.

It is made of what our claims say we sent, the rows of FYERS's order book and the rows
of its positions, each parsed once. All arithmetic on orders and positions is in here.

Rules a newcomer would get wrong:

- Positions may lag the order book by seconds, and the other way round. What was bought
  today is the larger of the two, whoever placed it; sold likewise. It is summed over
  the contract's products, so that a conversion is no lag.
- A hand-placed order takes something off only if it must trade now. A stop or a far
  limit never does: the position it waits for may be gone by then.
- Exit legs are known by their parent, else by their entry's tag on the opposite side.
  What only looks like an exit protects, and is never cut by us.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from shared.models.basics import IST, Action
from shared.models.orders import BookedOrder, Order, Position
from shared.models.quotes import Quote

SHORTEST_TAG = 16
"""Characters of an order tag that are enough to know it by."""

SHOWN_WITHIN = timedelta(seconds=120)
"""How long an accepted order may be missing from the book before it counts as gone."""

SETTLE_AFTER = timedelta(seconds=30)
"""How long FYERS may take, once the call is over, to show an order that it holds."""

CLOCK_SLACK = timedelta(seconds=5)
"""FYERS's order times are whole seconds of another clock."""

LIMIT, MARKET, STOP, STOP_LIMIT = 1, 2, 3, 4
"""FYERS's order types."""


class Flight(StrEnum):
    """What our claim knows of an order."""

    OPEN = "open"
    """SENDING or UNKNOWN: FYERS may hold it."""
    ACCEPTED = "accepted"
    """FYERS gave an id for it."""
    ABSENT = "absent"
    """Settled as never taken; it may yet turn up."""


@dataclass(frozen=True, slots=True)
class OurOrder:
    """An order that one of our claims sent or tried to send."""

    order: Order
    closes: bool
    """It closes a position; otherwise it is an entry."""
    flight: Flight
    order_ids: tuple[str, ...]
    """What FYERS called it, one for each slice; empty while unknown."""
    sent_at: datetime
    send_by: datetime
    """After this instant the order call is certainly over."""
    tick: Decimal = Decimal("0.05")
    traded_before: int = 0
    """Contracts of its side that positions showed as traded that day without it."""

    @property
    def day(self) -> date:
        """Return the IST day whose order book shows the order."""
        return self.sent_at.astimezone(IST).date()

    def is_row(self, row: BookedOrder) -> bool:
        """Return whether a row is this order: by id or tag, on its own side."""
        same = (row.ticker, row.action) == (self.order.ticker, self.order.action)
        return same and (
            row.order_id in self.order_ids or is_tag(row.tag, self.order.tag)
        )

    def may_be_row(self, row: BookedOrder) -> bool:
        """Return whether an untagged row could be it: FYERS drops tags at times."""
        order = self.order
        return (
            not row.tag
            and row.parent_id is None
            and row.order_type == MARKET
            and (row.ticker, row.action, row.qty)
            == (order.ticker, order.action, order.qty)
            and row.product == order.product
            and (row.placed_at is None or row.placed_at >= self.sent_at - CLOCK_SLACK)
        )


def is_tag(seen: str, ours: str) -> bool:
    """Return whether a tag is ours: FYERS may change its case or cut its end."""
    seen, ours = seen.casefold(), ours.casefold()
    return bool(seen) and (
        seen == ours or (len(seen) >= SHORTEST_TAG and ours.startswith(seen))
    )


class ExitKind(StrEnum):
    """What an exit protects from, or takes."""

    STOP = "stop loss"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Exit:
    """A working order that closes the position at a price: a leg, or one like it."""

    row: BookedOrder
    kind: ExitKind
    entry: str
    """Order id of the entry it belongs to, empty if that is not known."""
    ours: bool
    """Known by its parent or tag; only such an exit is ever cut by us."""


@dataclass(frozen=True, slots=True)
class Trim:
    """One change to an exit leg: a new quantity in contracts, zero to cancel it."""

    row: BookedOrder
    qty: int


@dataclass(frozen=True)
class OrderBook:
    """One contract's orders and position as a single read shows them."""

    ticker: str
    today: date
    """IST day of the read; orders of earlier days are in no order book."""
    ours: tuple[OurOrder, ...]
    rows: tuple[BookedOrder, ...]
    positions: tuple[Position, ...]

    @classmethod
    def of(
        cls,
        ticker: str,
        today: date,
        ours: Iterable[OurOrder],
        rows: Iterable[BookedOrder],
        positions: Iterable[Position],
    ) -> OrderBook:
        """Return the book of one contract out of a whole read."""
        return cls(
            ticker,
            today,
            tuple(one for one in ours if one.order.ticker == ticker),
            tuple(row for row in rows if row.ticker == ticker),
            tuple(row for row in positions if row.ticker == ticker),
        )

    # --- The position ---------------------------------------------------------------

    @cached_property
    def nets(self) -> Mapping[str, int]:
        """Return what is open by product, contracts, signed; flat products left out."""
        nets = {row.product: 0 for row in self.positions}
        for row in self.positions:
            nets[row.product] += row.net_qty
        for action, sign in ((Action.BUY, 1), (Action.SELL, -1)):
            for product, late in self._late(action):
                nets[product] = nets.get(product, 0) + sign * late
        return {product: net for product, net in nets.items() if net}

    @property
    def net(self) -> int:
        """Return what is open over all products, contracts; below zero is short."""
        return sum(self.nets.values())

    def _late(self, action: Action) -> Iterator[tuple[str, int]]:
        """Yield what was traded on a side and positions do not show yet, by product.

        Each side for itself: a conversion moves what one side traded to another
        product, and must not hide where the other side trades.
        """
        shares: dict[str, int] = {}
        for row in self.rows:
            if row.action is action:
                shares[row.product] = shares.get(row.product, 0) + row.filled
        for position in self.positions:
            bought = action is Action.BUY
            day = position.day_bought if bought else position.day_sold
            shares[position.product] = shares.get(position.product, 0) - day
        late = sum(shares.values())
        for product, share in sorted(shares.items(), key=lambda item: -item[1]):
            if min(share, late) > 0:
                yield product, min(share, late)
                late -= min(share, late)

    def open(self, closing: Action, product: str | None = None) -> int:
        """Return the contracts that orders of side `closing` could close."""
        sign = -1 if closing is Action.BUY else 1
        return sum(
            max(0, net * sign)
            for name, net in self.nets.items()
            if product is None or name == product
        )

    # --- Our orders -----------------------------------------------------------------

    def rows_of(self, our: OurOrder) -> tuple[BookedOrder, ...]:
        """Return the rows that are this order, several if it was sliced."""
        found = tuple(row for row in self.rows if our.is_row(row))
        if found or our.flight is not Flight.ACCEPTED:
            return found
        known = self._known
        return tuple(
            row
            for row in self.rows
            if row.order_id not in known and our.may_be_row(row)
        )[:1]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(
            row.order_id
            for row in self.rows
            if any(our.is_row(row) for our in self.ours)
        )

    def in_flight(self, now: datetime, *, closes: bool) -> tuple[OurOrder, ...]:
        """Return our entries, or closes, that may be at FYERS and are not in the book.

        An accepted order counts for two minutes; one of unknown outcome until its claim
        is settled. One that FYERS sliced is there once all its slices are.
        """
        return tuple(
            our
            for our in self.ours
            if our.closes is closes
            and our.day == self.today
            and (
                our.flight is Flight.OPEN
                or (our.flight is Flight.ACCEPTED and now < our.sent_at + SHOWN_WITHIN)
            )
            and not self._shows(our, now)
        )

    def _shows(self, our: OurOrder, now: datetime) -> bool:
        """Return whether the book has all of an order of ours.

        Until FYERS has had time to show it, a row that only may be ours, of the owner's
        own order perhaps, proves nothing.
        """
        sure = [row for row in self.rows if our.is_row(row)]
        if now >= our.send_by + SETTLE_AFTER:
            return bool(sure) or self._may_have_ended(our)
        if our.flight is Flight.ACCEPTED:
            return len(sure) >= max(1, len(our.order_ids))
        return bool(sure) and sum(row.qty for row in sure) >= our.order.qty

    def _may_have_ended(self, our: OurOrder) -> bool:
        """Return whether a row that may be ours is all there can be, and holds nothing.

        By now FYERS shows what it holds: of an unknown outcome this row, or nothing.
        """
        if our.flight is Flight.ACCEPTED:
            return bool(self.rows_of(our))
        rows = [row for row in self.rows if our.may_be_row(row)]
        return bool(rows) and not any(row.remaining for row in rows)

    @property
    def entries(self) -> tuple[BookedOrder, ...]:
        """Return the working orders of ours that open a position."""
        return self._working(closes=False)

    @property
    def closes(self) -> tuple[BookedOrder, ...]:
        """Return the working orders of ours that close a position."""
        return self._working(closes=True)

    def _working(self, *, closes: bool) -> tuple[BookedOrder, ...]:
        found = {
            row.order_id: row
            for our in self.ours
            if our.closes is closes
            for row in self.rows_of(our)
            if row.remaining
        }
        return tuple(found.values())

    @cached_property
    def _own_ids(self) -> frozenset[str]:
        return frozenset(row.order_id for our in self.ours for row in self.rows_of(our))

    # --- What closes ----------------------------------------------------------------

    def closing(
        self, side: Action, quote: Quote | None = None, product: str | None = None
    ) -> int:
        """Return the contracts that will still be closed by orders of that side.

        Our own working closes, and what must trade now whoever placed it.
        """
        ours = {row.order_id for row in self.closes}
        return sum(
            row.remaining
            for row in self.rows
            if row.action is side
            and (product is None or row.product == product)
            and (row.order_id in ours or self._trades_now(row, quote))
        )

    def _trades_now(self, row: BookedOrder, quote: Quote | None) -> bool:
        if row.order_id in {entry.order_id for entry in self.entries}:
            return False
        if row.order_type == MARKET:
            return bool(row.remaining)
        if row.order_type != LIMIT or quote is None or not row.remaining:
            return False
        if row.action is Action.BUY:
            return quote.ask is not None and row.limit_price >= quote.ask
        return quote.bid is not None and row.limit_price <= quote.bid

    def uncovered(
        self, side: Action, quote: Quote | None = None, product: str | None = None
    ) -> int:
        """Return the contracts open that nothing is closing yet."""
        return max(0, self.open(side, product) - self.closing(side, quote, product))

    def resting(self, side: Action, quote: Quote | None = None) -> tuple[str, ...]:
        """Return the ids of orders of other hands that wait on the closing side."""
        mine = {leg.row.order_id for leg in self.exits if leg.ours}
        return tuple(
            row.order_id
            for row in self.rows
            if row.remaining
            and row.action is side
            and row.order_id not in self._own_ids | mine
            and not self._trades_now(row, quote)
        )

    # --- Exits ----------------------------------------------------------------------

    @cached_property
    def exits(self) -> tuple[Exit, ...]:
        """Return the working exits: legs of our entries, and what looks like one."""
        found = (self._exit(row) for row in self.rows if row.remaining)
        return tuple(leg for leg in found if leg is not None)

    def exit_rows(self, entry: OurOrder) -> tuple[BookedOrder, ...]:
        """Return every leg of an entry, ended ones included."""
        return tuple(row for row in self.rows if self._is_leg(row, entry))

    def _is_leg(self, row: BookedOrder, entry: OurOrder) -> bool:
        if row.action is entry.order.action or row.order_id in self._own_ids:
            return False
        ids = {*entry.order_ids, *(own.order_id for own in self.rows_of(entry))}
        return row.parent_id in ids or is_tag(row.tag, entry.order.tag)

    def _exit(self, row: BookedOrder) -> Exit | None:
        if row.order_id in self._own_ids:
            return None
        kind = (
            ExitKind.STOP if row.order_type in (STOP, STOP_LIMIT) else ExitKind.TARGET
        )
        beside = False
        for our in self.ours:
            if our.closes:
                continue
            if self._is_leg(row, our):
                rows = self.rows_of(our)
                entry = row.parent_id or (rows[0].order_id if rows else our.order.tag)
                return Exit(row, kind, entry, ours=True)
            beside = beside or row.action is not our.order.action
        looks = beside and row.order_type != MARKET and (not row.tag or row.parent_id)
        return Exit(row, kind, row.parent_id or "", ours=False) if looks else None

    def protected(self, kind: ExitKind, side: Action) -> int:
        """Return the contracts that working exits of that kind and side close."""
        return sum(
            leg.row.remaining
            for leg in self.exits
            if leg.kind is kind and leg.row.action is side
        )

    def trims(self, side: Action, keep: int | None = None) -> tuple[Trim, ...]:
        """Return the changes after which exits of ours close `keep` contracts, no more.

        `keep` is by default what is open and what working entries may still open. Stop
        and target of one entry protect the same contracts, so the excess is counted per
        entry; an entry that filled in parts may have several of each. The oldest
        entry's exits go first.
        """
        if keep is None:
            keep = self.open(side) + sum(
                row.remaining for row in self.entries if row.action is not side
            )
        groups: dict[str, dict[ExitKind, list[BookedOrder]]] = {}
        legs = [leg for leg in self.exits if leg.ours and leg.row.action is side]
        for leg in sorted(legs, key=lambda leg: (leg.entry, leg.row.order_id)):
            kinds = groups.setdefault(leg.entry, {})
            kinds.setdefault(leg.kind, []).append(leg.row)
        sizes = [max(map(_remaining, kinds.values())) for kinds in groups.values()]
        excess = sum(sizes) - keep
        changes: list[Trim] = []
        for size, kinds in zip(sizes, groups.values(), strict=True):
            left = max(0, size - max(0, excess))
            excess -= size - left
            for rows in kinds.values():
                changes += _trimmed(rows, left)
        return tuple(changes)

    @property
    def beyond(self) -> tuple[Trim, ...]:
        """Return the changes to exits and closes of ours larger than the position."""
        changes: list[Trim] = []
        for side in Action:
            changes += self.trims(side)
            excess = sum(
                row.remaining for row in self.closes if row.action is side
            ) - self.open(side)
            for row in self.closes:
                if row.action is side and excess > 0:
                    left = max(0, row.remaining - excess)
                    excess -= row.remaining - left
                    changes.append(Trim(row, left + row.filled if left else 0))
        return tuple(changes)

    @property
    def quiet(self) -> bool:
        """Return whether the contract is flat and nothing of ours works there."""
        ours_work = any(leg.ours for leg in self.exits)
        return not (self.nets or self.entries or self.closes or ours_work)


def _remaining(rows: Iterable[BookedOrder]) -> int:
    return sum(row.remaining for row in rows)


def _trimmed(rows: Sequence[BookedOrder], left: int) -> Iterator[Trim]:
    """Yield the changes after which exits of one kind close `left` contracts."""
    excess = _remaining(rows) - left
    for row in rows:
        if excess <= 0:
            return
        stays = max(0, row.remaining - excess)
        excess -= row.remaining - stays
        yield Trim(row, stays + row.filled if stays else 0)
