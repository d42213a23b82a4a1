"""An accepted order, watched until nothing about it can surprise the owner.

Each thing is told once: refused later, unfilled or part-filled after 60 s, exits
missing, exits left behind by a cover.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.idempotency import Followed, settling, wording
from shared.models import IST, Action, BookedOrder, Notice, OrderStatus, Severity
from shared.reconciliation.market import Market

PATIENCE = timedelta(seconds=60)
"""How long an order may rest, or its exits take to appear, before it is told."""

_STOPS = (3, 4)
"""Order types of a stop-loss leg; a target leg is a limit order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to keep watching (None: nothing more) and what to tell."""

    keep: Followed | None
    notices: tuple[Notice, ...] = ()


def follow(watch: Followed, market: Market, now: datetime) -> Verdict:
    """Return what the order book says of a watched order."""
    if now.astimezone(IST).date() != watch.day:
        return _day_over(watch, now)
    book = market.book()
    if book is None:
        return Verdict(watch)
    row = (
        market.row(watch.order_id)
        if watch.order_id
        else settling.tagged(watch.order.tag, book)
    )
    if row is None:
        return _not_in_book(watch, now)
    if not watch.order_id:
        return _turned_up(watch, row, now)
    if row.status in settling.ENDED and not row.filled:
        return Verdict(None, (_ended_badly(watch, row, now),))
    seen = _Seen(_aged(watch, row, now), now)
    _tell_partial(seen, row)
    if watch.order.action is Action.BUY:
        return _after_cover(seen, row, market)
    if row.filled:
        return _after_entry(seen, row, book, market)
    return seen.verdict()


def _aged(watch: Followed, row: BookedOrder, now: datetime) -> Followed:
    """Note a rest and its end: exits have their minute from the fill, not before."""
    if row.status.working and not row.filled:
        return replace(watch, rested=True)
    if watch.rested and watch.filled_at is None:
        return replace(watch, filled_at=now)
    return watch


class _Seen:
    """A watched order with what this run adds to what was told."""

    def __init__(self, watch: Followed, now: datetime) -> None:
        self.watch = watch
        self.now = now
        self.late = now - (watch.filled_at or watch.sent_at) >= PATIENCE
        self.notices: list[Notice] = []

    def tell(
        self, event: str, message: str, severity: Severity = Severity.WARNING
    ) -> None:
        if event not in self.watch.told:
            notice = wording.about_order(event, message, self.watch, self.now, severity)
            self.notices.append(notice)
            self.mark(event)

    def mark(self, event: str) -> None:
        if event not in self.watch.told:
            self.watch = replace(self.watch, told=(*self.watch.told, event))

    def verdict(self, *, over: bool = False) -> Verdict:
        return Verdict(None if over else self.watch, tuple(self.notices))


def _day_over(watch: Followed, now: datetime) -> Verdict:
    """Drop a watch with its day; tell only what nobody could verify meanwhile."""
    if not watch.order_id or watch.told:
        return Verdict(None)
    seen = _Seen(watch, now)
    seen.tell(
        "order_unverified",
        f"whether order {watch.order_id} of {watch.day} was filled could not be "
        "checked that day. Look at FYERS's order book and positions.",
    )
    return seen.verdict(over=True)


def _not_in_book(watch: Followed, now: datetime) -> Verdict:
    seen = _Seen(watch, now)
    if watch.order_id and seen.late:
        seen.tell(
            "order_missing",
            f"FYERS accepted order {watch.order_id}, but its order book does not show "
            "it. Look at the order book and positions.",
            Severity.CRITICAL,
        )
    return seen.verdict()


def _turned_up(watch: Followed, row: BookedOrder, now: datetime) -> Verdict:
    """An order of a claim taken over since, believed never taken, exists after all."""
    seen = _Seen(replace(watch, order_id=row.order_id, sent_at=now), now)
    seen.tell(
        "order_found",
        f"Correction: FYERS holds the order after all as {row.order_id} "
        f"({row.status}).",
        Severity.CRITICAL,
    )
    return seen.verdict()


def _ended_badly(watch: Followed, row: BookedOrder, now: datetime) -> Notice:
    reason = f": {row.message}" if row.message else ""
    unsafe = (
        " The short is still open and its exits may be cancelled: close or protect it "
        "now."
        if watch.order.action is Action.BUY
        else " No position was opened."
    )
    return wording.about_order(
        "order_rejected",
        f"FYERS accepted order {row.order_id} but it ended {row.status} without a "
        f"fill{reason}.{unsafe}",
        watch,
        now,
        Severity.CRITICAL if watch.order.action is Action.BUY else Severity.ERROR,
    )


def _tell_partial(seen: _Seen, row: BookedOrder) -> None:
    """A market order is a price-protected limit order at FYERS and may rest."""
    if row.status in settling.ENDED:
        seen.tell(
            "part_filled",
            f"order {row.order_id} is {row.status} with {row.filled} of {row.qty} "
            "filled. The rest will not be sent again.",
        )
    elif row.status.working and seen.late and row.filled:
        seen.tell(
            "part_filled",
            f"only {row.filled} of {row.qty} are filled; order {row.order_id} still "
            "works. Change its price or cancel the rest.",
        )
    elif row.status.working and seen.late:
        seen.tell(
            "unfilled",
            f"order {row.order_id} is still unfilled after a minute. Change its price "
            "or cancel it.",
        )


def _after_entry(
    seen: _Seen,
    row: BookedOrder,
    book: tuple[BookedOrder, ...],
    market: Market,
) -> Verdict:
    """A filled SELL must keep its exits for as long as its short is open."""
    order = seen.watch.order
    seen.mark("traded")
    if not seen.watch.exits:
        return seen.verdict(over=not row.status.working)
    legs = market.legs(row.order_id)
    if any(leg.status is OrderStatus.TRADED for leg in legs):
        return seen.verdict(over=True)
    if not seen.late or not _unprotected(seen.watch, legs, row.filled):
        return seen.verdict()
    short = market.short(order.ticker, order.product)
    if short is None:
        return seen.verdict()
    if short <= 0:
        return seen.verdict(over=True)
    everywhere = (
        leg
        for leg in book
        if leg.parent_id is not None
        and (leg.ticker, leg.product) == (order.ticker, order.product)
    )
    missing = _unprotected(seen.watch, everywhere, short)
    if missing:
        refused = next((leg.message for leg in legs if leg.message), "")
        seen.tell(
            "exits_missing",
            f"the short of {short} has no working {' and no '.join(missing)}"
            f"{': ' + refused if refused else ''}. Place it by hand or close the "
            "short.",
            Severity.CRITICAL,
        )
        return seen.verdict(over=True)
    return seen.verdict()


def _unprotected(watch: Followed, legs: Iterable[BookedOrder], short: int) -> list[str]:
    """Return the kinds of exit among `legs` that cover less than `short`."""
    stops = targets = 0
    for leg in legs:
        if leg.order_type in _STOPS:
            stops += leg.remaining
        else:
            targets += leg.remaining
    order = watch.order
    kinds = (
        ("stop loss", order.stop_loss is not None and stops < short),
        ("target", order.take_profit is not None and targets < short),
    )
    return [name for name, lacking in kinds if lacking]


def _after_cover(seen: _Seen, row: BookedOrder, market: Market) -> Verdict:
    """The exits of what a cover closed must go, or the next trigger opens a long."""
    if row.filled:
        seen.mark("traded")
    order = seen.watch.order
    if seen.watch.trim:
        changes = market.excess(order.ticker, order.product)
        if changes is None:
            return seen.verdict()
        if changes and not market.cut(changes) and seen.late:
            ids = ", ".join(change.leg.order_id for change in changes)
            seen.tell(
                "exits_left_behind",
                f"exits of what this cover closed still work: {ids}. Cancel them by "
                "hand, or the next trigger opens a long.",
                Severity.CRITICAL,
            )
        if changes:
            return seen.verdict()
    return seen.verdict(over=not row.status.working)
