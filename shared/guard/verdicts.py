"""The table of verdicts: what one read of a contract says is wrong with it.

Pure: a book and what our claims know go in, findings come out. Whether a finding is
told, and when again, is decided by what earlier runs saw (`guard`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from shared.guard.state import Seen, Verdict, Watch
from shared.models import (
    Action,
    BookedOrder,
    ExitKind,
    Flight,
    OrderBook,
    OrderStatus,
    OurOrder,
    Severity,
    Trim,
)
from shared.models.book import LIMIT

PATIENCE = timedelta(seconds=60)
"""How long an order may rest, or its exits take to appear, before it is told."""

WRONG_BY_TICKS = 2
"""An exit may differ from fill ± distance by this many ticks."""

ENDED = (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, in the owner's words, with what to do."""

    verdict: Verdict
    about: str
    message: str
    severity: Severity = Severity.CRITICAL
    quantity: int = 0
    """Contracts."""
    side: Action | None = None
    """The side that would mend it."""
    after: timedelta = timedelta(0)
    """How long it must have been so before it is told."""
    runs: int = 1
    """In how many runs it must have been seen before it is told."""
    once: bool = False
    """An event: told once, never again and never over."""
    trims: tuple[Trim, ...] = ()


def judge(book: OrderBook, watch: Watch, now: datetime) -> tuple[Finding, ...]:
    """Return everything that this read of a contract shows to be wrong."""
    return (
        *_unexpected(book),
        *_missing(book),
        *_beyond(book),
        *_unrecognised(book),
        *_wrong(book, watch),
        *_converted(book),
        *_stop_not_filled(book),
        *_orders(book, now),
        *_exits_filled(book),
    )


def see(book: OrderBook, now: datetime) -> Seen:
    """Return what the desk shows of a contract."""
    side = Action.BUY if book.net < 0 else Action.SELL
    exits = [leg for leg in book.exits if leg.row.action is side]
    stops = [leg.row.stop_price for leg in exits if leg.kind is ExitKind.STOP]
    targets = [leg.row.limit_price for leg in exits if leg.kind is ExitKind.TARGET]
    near, far = (min, max) if side is Action.BUY else (max, min)
    return Seen(
        net=book.net,
        product=next(iter(book.nets), ""),
        at=now,
        ltp=_ltp(book),
        entry_price=_entry_price(book),
        stop=near(stops) if stops else None,
        target=far(targets) if targets else None,
        rupees=sum(
            (row.realized + row.unrealized for row in book.positions), Decimal(0)
        ),
    )


# --- The position ---------------------------------------------------------------------


def _sides(book: OrderBook) -> Iterator[tuple[Action, int]]:
    """Yield each side that would close something, with the contracts open."""
    for side in Action:
        size = book.open(side)
        if size:
            yield side, size


def _opened(side: Action) -> Action:
    return Action.SELL if side is Action.BUY else Action.BUY


def _unexpected(book: OrderBook) -> Iterator[Finding]:
    """A sign nobody asked for: no entry of ours and nothing carried explains it.

    What a person opened where only a close of ours ever acted is that person's.
    """
    for side, size in _sides(book):
        sign = -1 if side is Action.BUY else 1
        opened = _opened(side)
        asked = any(
            not our.closes
            and our.order.action is opened
            and our.flight is not Flight.ABSENT
            for our in book.ours
        )
        carried = sum(row.carried for row in book.positions) * sign > 0
        if asked or carried or not _may_be_ours(book, opened):
            continue
        what = "long" if sign > 0 else "short"
        yield Finding(
            Verdict.UNEXPECTED_POSITION,
            f"{sign * size}",
            f"you are {what} {size} {book.ticker}, and no alert asked for that; two "
            f"orders probably closed one position. {_stop_words(book, side)}. Close it "
            f"now: send EXIT, or {side} {size} in the FYERS app.",
            quantity=size,
            side=side,
        )


def _may_be_ours(book: OrderBook, opened: Action) -> bool:
    """Return whether a close or an exit of ours may have traded on that side."""
    return any(
        any(row.filled for row in book.rows_of(our))
        if our.closes
        else our.flight is not Flight.ABSENT
        for our in book.ours
        if (our.order.action is opened) is our.closes
    )


def _missing(book: OrderBook) -> Iterator[Finding]:
    """Open larger than the working stop, or target where one was sent."""
    for side, size in _sides(book):
        entries = [
            our
            for our in book.ours
            if not our.closes
            and our.order.action is _opened(side)
            and our.flight is not Flight.ABSENT
        ]
        lacking = []
        for kind in ExitKind:
            wanted = size - _sent_without(book, entries, kind)
            sent = any(_distance(our, kind) is not None for our in entries)
            if sent and book.protected(kind, side) < wanted:
                lacking.append(kind)
        if not lacking:
            continue
        urgent = ExitKind.STOP in lacking
        yield Finding(
            Verdict.EXITS_MISSING,
            f"{size}:{'+'.join(sorted(lacking))}",
            _missing_words(book, side, lacking, _refusals(book, entries)),
            Severity.CRITICAL if urgent else Severity.WARNING,
            size,
            side,
            after=PATIENCE,
        )


def _missing_words(
    book: OrderBook, side: Action, lacking: list[ExitKind], why: str
) -> str:
    size = book.open(side)
    what = "short" if side is Action.BUY else "long"
    parts = []
    for kind in lacking:
        covered = book.protected(kind, side)
        parts.append(
            f"a {kind} for only {covered} of them" if covered else f"no working {kind}"
        )
    text = f"the {what} of {size} {book.ticker} has {' and '.join(parts)}{why}. "
    if ExitKind.STOP not in lacking:
        return (
            f"{text}Its stop works. Place the target in the FYERS app if you want it."
        )
    send = "BUY" if side is Action.BUY else "EXIT"
    return (
        f"{text}Place a stop in the FYERS app now, or close the {what}: send {send}, "
        f"or {side} {size} by hand."
    )


def _sent_without(book: OrderBook, entries: list[OurOrder], kind: ExitKind) -> int:
    """Return the contracts that entries opened on purpose without such an exit."""
    return sum(
        row.filled
        for our in entries
        if _distance(our, kind) is None
        for row in book.rows_of(our)
    )


def _distance(our: OurOrder, kind: ExitKind) -> Decimal | None:
    order = our.order
    return order.stop_loss if kind is ExitKind.STOP else order.take_profit


def _refusals(book: OrderBook, entries: list[OurOrder]) -> str:
    said = [
        row.message
        for our in entries
        for row in book.exit_rows(our)
        if row.message and row.status in ENDED
    ]
    return f" (FYERS: {said[0]})" if said else ""


def _stop_words(book: OrderBook, side: Action) -> str:
    covered = book.protected(ExitKind.STOP, side)
    if covered >= book.open(side):
        return "A stop works for all of it"
    return f"A stop works for {covered} of it" if covered else "NO stop works"


# --- Exits ----------------------------------------------------------------------------


def _beyond(book: OrderBook) -> Iterator[Finding]:
    trims = book.beyond
    if not trims:
        yield from _beside_an_entry(book)
        return
    ids = ", ".join(trim.row.order_id for trim in trims)
    size = sum(trim.row.remaining for trim in trims)
    side = trims[0].row.action
    yield Finding(
        Verdict.EXITS_BEYOND,
        ids,
        f"{side} orders of ours ({ids}) still work for more {book.ticker} than the "
        f"{book.open(side)} that they could close: if one trades, it opens a new "
        "position. Cancel them in the FYERS app now.",
        quantity=size,
        side=side,
        trims=trims,
    )


def _unrecognised(book: OrderBook) -> Iterator[Finding]:
    """What only looks like an exit and outlived its position: never cut, but told."""
    for side in Action:
        left = [
            leg.row for leg in book.exits if leg.row.action is side and not leg.ours
        ]
        opening = any(row.action is not side for row in book.entries)
        if not left or opening or book.open(side):
            continue
        ids = ", ".join(row.order_id for row in left)
        yield Finding(
            Verdict.EXITS_LEFT_BEHIND,
            ids,
            f"nothing of {book.ticker} is open that {side} could close, but orders "
            f"that look like its exits still work ({ids}). This software cannot tell "
            "whose they are and leaves them: cancel them in the FYERS app, or the next "
            "trigger opens a position.",
            quantity=max(row.remaining for row in left),
            side=side,
            once=True,
        )


def _beside_an_entry(book: OrderBook) -> Iterator[Finding]:
    """Exits larger than the position only while the rest of an entry still works.

    They may belong to fills that the order book does not show yet, so they are never
    cut; but what was filled may be closed by now, as when FYERS squares off.
    """
    for side in Action:
        trims = book.trims(side, book.open(side))
        if not trims:
            continue
        ids = ", ".join(trim.row.order_id for trim in trims)
        entries = ", ".join(row.order_id for row in book.entries)
        size = sum(trim.row.remaining - trim.qty for trim in trims)
        yield Finding(
            Verdict.EXITS_LEFT_BEHIND,
            ids,
            f"exits ({ids}) could trade more {book.ticker} than are open "
            f"({book.open(side)}), and order {entries} still works. Cancel {entries} "
            "and what is too much of the exits in the FYERS app.",
            quantity=size,
            side=side,
            runs=2,
        )


def _wrong(book: OrderBook, watch: Watch) -> Iterator[Finding]:
    """Exits that are not what was sent, checked once for each entry."""
    for our in checkable(book, watch):
        entry = book.rows_of(our)[0]
        faults = list(exit_faults(book, our, entry))
        if faults:
            yield Finding(
                Verdict.EXITS_WRONG,
                our.order.tag,
                f"FYERS made exits of order {entry.order_id} ({book.ticker}) that are "
                f"not what was sent: {'; '.join(faults)}. Correct them in the FYERS "
                "app.",
                quantity=entry.filled,
                once=True,
            )


def checkable(book: OrderBook, watch: Watch) -> tuple[OurOrder, ...]:
    """Return the entries whose exits can be compared now and were not before."""
    return tuple(
        our
        for our in book.ours
        if not our.closes
        and our.order.tag not in watch.checked
        and (our.order.stop_loss is not None or our.order.take_profit is not None)
        and len(rows := book.rows_of(our)) == 1
        and rows[0].status is OrderStatus.TRADED
        and rows[0].traded_price > 0
        and any(row.remaining for row in book.exit_rows(our))
    )


def exit_faults(book: OrderBook, our: OurOrder, entry: BookedOrder) -> Iterator[str]:
    """Yield each way in which the working exits of a filled entry are not as sent."""
    up = 1 if our.order.action is Action.SELL else -1
    closed = any(other.closes for other in book.ours)
    for leg in book.exit_rows(our):
        if not leg.remaining:
            continue
        if leg.order_type not in (1, 3, 4):
            yield f"{leg.order_id} is of type {leg.order_type}"
            continue
        stop = leg.order_type != 1
        distance = our.order.stop_loss if stop else our.order.take_profit
        price = leg.stop_price if stop else leg.limit_price
        name = "stop" if stop else "target"
        if distance is None:
            yield f"a {name} that was not sent ({leg.order_id})"
            continue
        due = entry.traded_price + distance * (up if stop else -up)
        if abs(price - due) > WRONG_BY_TICKS * our.tick:
            yield f"the {name} is at {price:f} instead of {due:f}"
        if leg.qty != entry.filled and not closed:
            yield f"the {name} is for {leg.qty} instead of {entry.filled}"


def _converted(book: OrderBook) -> Iterator[Finding]:
    """A position whose product was changed by hand, beside the exits of the old one."""
    for our in book.ours:
        if our.closes or our.order.product in book.nets:
            continue
        side = Action.BUY if our.order.action is Action.SELL else Action.SELL
        legs = [row for row in book.exit_rows(our) if row.remaining]
        size = book.open(side)
        if size and any(row.product not in book.nets for row in legs):
            ids = ", ".join(row.order_id for row in legs)
            yield Finding(
                Verdict.CONVERTED,
                our.order.tag,
                f"the position of {size} {book.ticker} was converted to "
                f"{next(iter(book.nets))}, but its exits ({ids}) are still for "
                f"{our.order.product}: when one trades it may open another position. "
                "Cancel them in the FYERS app and place new ones.",
                quantity=size,
                side=side,
                once=True,
            )


def _stop_not_filled(book: OrderBook) -> Iterator[Finding]:
    """A stop of an option is a stop-limit order: a gap can jump it."""
    for leg in book.exits:
        row = leg.row
        price = _ltp(book)
        if leg.kind is not ExitKind.STOP or price is None or not book.open(row.action):
            continue
        beyond = (
            price >= row.stop_price
            if row.action is Action.BUY
            else price <= row.stop_price
        )
        if beyond:
            size = book.open(row.action)
            yield Finding(
                Verdict.STOP_NOT_FILLED,
                row.order_id,
                f"the price of {book.ticker} ({price:f}) is beyond its stop at "
                f"{row.stop_price:f}, and the stop (order {row.order_id}) does not "
                f"fill: {size} are open and nothing limits the loss. Close them now: "
                f"send {'BUY' if row.action is Action.BUY else 'EXIT'}, or change the "
                "order's limit price in the FYERS app.",
                quantity=size,
                side=row.action,
                runs=2,
            )


def _ltp(book: OrderBook) -> Decimal | None:
    return next((row.ltp for row in book.positions if row.ltp is not None), None)


def _entry_price(book: OrderBook) -> Decimal | None:
    rows = [
        row
        for our in book.ours
        if not our.closes
        for row in book.rows_of(our)
        if row.filled and row.traded_price
    ]
    filled = sum(row.filled for row in rows)
    if not filled:
        return None
    paid = sum((row.traded_price * row.filled for row in rows), Decimal(0))
    return (paid / filled).quantize(Decimal("0.01"))


# --- Orders ---------------------------------------------------------------------------


def _orders(book: OrderBook, now: datetime) -> Iterator[Finding]:
    for our in book.ours:
        if our.flight is not Flight.ACCEPTED or our.day != book.today:
            continue
        rows = book.rows_of(our)
        late = now - our.sent_at >= PATIENCE
        if rows:
            yield from _of_rows(book, our, rows, late)
        elif late:
            ids = ", ".join(our.order_ids)
            yield _event(
                Verdict.ORDER_MISSING,
                our,
                f"FYERS accepted this order as {ids}, but its order book does not show "
                f"it. {_position_words(book, our)}. Look at orders and positions in "
                "the FYERS app.",
                Severity.CRITICAL,
            )


def _of_rows(
    book: OrderBook, our: OurOrder, rows: tuple[BookedOrder, ...], late: bool
) -> Iterator[Finding]:
    filled = sum(row.filled for row in rows)
    qty = sum(row.qty for row in rows)
    ids = ", ".join(row.order_id for row in rows)
    ended = not any(row.remaining for row in rows)
    words = _position_words(book, our)
    urgent = Severity.CRITICAL if our.closes else Severity.ERROR
    if ended and not filled:
        why = f": {rows[0].message}" if rows[0].message else ""
        yield _event(
            Verdict.ORDER_REJECTED,
            our,
            f"FYERS accepted it as {ids}, then it ended {rows[0].status} without a "
            f"fill{why}. {words}.{_do(book, our)}",
            urgent,
        )
    elif ended and filled == qty:
        yield _event(Verdict.ORDER_FILLED, our, _filled(book, our, rows), Severity.INFO)
    elif ended and filled < qty:
        yield _event(
            Verdict.PART_FILLED,
            our,
            f"order {ids} ended with {filled} of {qty} filled; the rest will not be "
            f"sent again. {words}.{_do(book, our)}",
        )
    elif not ended and late and filled:
        yield _event(
            Verdict.PART_FILLED,
            our,
            f"after a minute only {filled} of {qty} are filled. {words}. Order {ids} "
            "still works: change its price or cancel the rest in the FYERS app.",
        )
    elif not ended and late:
        yield _event(
            Verdict.UNFILLED,
            our,
            f"nothing is filled after a minute. {words}. Order {ids} still works: "
            "change its price or cancel it in the FYERS app.",
        )


def _filled(book: OrderBook, our: OurOrder, rows: tuple[BookedOrder, ...]) -> str:
    """Return the fill and, of an entry, where its exits stand."""
    qty = sum(row.filled for row in rows)
    paid = sum((row.traded_price * row.filled for row in rows), Decimal(0))
    text = f"filled at {paid / qty:.2f}" if paid else "filled"
    if our.closes:
        left = book.open(our.order.action)
        return f"{text}. {f'{left} are still open' if left else 'Nothing is open now'}."
    legs = [row for row in book.exit_rows(our) if row.remaining]
    stops = [f"stop {row.stop_price:.2f}" for row in legs if row.order_type != 1]
    targets = [f"target {row.limit_price:.2f}" for row in legs if row.order_type == 1]
    return ", ".join((text, *stops, *targets)) + "."


def _exits_filled(book: OrderBook) -> Iterator[Finding]:
    """A stop or target that traded: what a person wants to hear first of all."""
    for our in book.ours:
        if our.closes:
            continue
        for row in book.exit_rows(our):
            if not row.filled or row.remaining:
                continue
            name = "target" if row.order_type == LIMIT else "stop"
            left = book.open(row.action)
            yield Finding(
                Verdict.ORDER_FILLED,
                row.order_id,
                f"{row.action} {row.filled} {row.ticker} {row.product}: the {name} "
                f"filled at {row.traded_price:.2f}. "
                f"{f'{left} are still open' if left else 'Nothing is open now'}.",
                Severity.INFO,
                row.filled,
                row.action,
                once=True,
            )


def _event(
    verdict: Verdict,
    our: OurOrder,
    message: str,
    severity: Severity = Severity.WARNING,
) -> Finding:
    order = our.order
    return Finding(
        verdict,
        order.tag,
        f"{order.action} {order.qty} {order.ticker} {order.product}: {message}",
        severity,
        order.qty,
        order.action,
        once=True,
    )


def _do(book: OrderBook, our: OurOrder) -> str:
    """Return what to do about a close that ended while something is open."""
    size = book.open(our.order.action) if our.closes else 0
    if not size:
        return ""
    return f" Close it now: send EXIT, or {our.order.action} {size} by hand."


def _position_words(book: OrderBook, our: OurOrder) -> str:
    """Return what is open now and whether a stop exists."""
    side = our.order.action if our.closes else _opened(our.order.action)
    size = book.open(side)
    if not size:
        return "No position is open there"
    what = "short" if side is Action.BUY else "long"
    return f"The {what} of {size} is open. {_stop_words(book, side)}"
