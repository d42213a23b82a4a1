"""Every way the store and FYERS can answer one call of a close or a run."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from shared.adapters.fyers.fields import SLICED_ABOVE
from shared.broker import NotTaken
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.guard import GuardState
from shared.idempotency import Claim, HeldLane, Lane, Stored, StoredAt
from shared.models import (
    BookedOrder,
    Change,
    Listing,
    Order,
    OrderStatus,
    Placed,
    Position,
    Product,
    Rejected,
    Unclear,
)
from tests.model.cast import CONTRACT, START
from tests.model.position.cast import (
    ENTRY_TAG,
    KEYS,
    LTP,
    SECOND,
    SECOND_TAG,
    order_id,
)
from tests.model.position.registry import Registry
from tests.model.position.world import (
    CAUGHT_UP,
    OPENING,
    Hand,
    Kind,
    Lag,
    Row,
    Running,
    Scene,
    Violation,
    World,
)
from tests.model.stage import (
    AskPositions,
    Book,
    Call,
    Cancel,
    Create,
    Ledger,
    Pause,
    Place,
    Raised,
    Read,
    ReadLane,
    ReadState,
    Replace,
    Resize,
    Supersede,
    Watched,
    WriteLane,
    WriteState,
)

_SLOW = 1.5
"""Seconds: time for one more look, at a lane or at a close."""

FREE = HeldLane(CONTRACT.ticker, None, None)

_DOUBT = Raised(lambda: Doubtful("no answer"))
_EXISTS = Raised(lambda: AlreadyExists("there is one"))
_CONFLICT = Raised(lambda: Conflict("another version"))
_NEVER = Raised(lambda: NotTaken("the connection never opened"))

_Write = Create | Replace | Supersede | WriteLane | WriteState


class Outcome(NamedTuple):
    """One answer to a call, with what it does to the world and to the caller."""

    name: str
    key: Hashable
    """Tells answers to the same call apart."""
    answer: object
    world: World | Violation
    actor: Running


class Outside:
    """The store and FYERS of one game."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._quick = scene.looks > 1
        self._rows: dict[tuple[int, Row], BookedOrder] = {}
        self.claims: Registry[tuple[int, Claim]] = Registry()
        self.lanes: Registry[Lane] = Registry()
        self.states: Registry[GuardState] = Registry()
        self._stored: dict[int, Stored] = {}

    # Documents

    def stored(self, number: int) -> Stored | None:
        """Return a claim as read."""
        if number < 0:
            return None
        if number not in self._stored:
            slot, claim = self.claims[number]
            self._stored[number] = StoredAt(KEYS[slot], claim, str(number))
        return self._stored[number]

    def held(self, number: int) -> HeldLane:
        """Return the lane as read."""
        if number < 0:
            return FREE
        return HeldLane(CONTRACT.ticker, self.lanes[number], str(number))

    def all_claims(self, w: World) -> tuple[Stored, ...]:
        """Return every claim, oldest first."""
        found = [doc for n in w.claims if (doc := self.stored(n)) is not None]
        return tuple(sorted(found, key=lambda doc: doc.claim.created_at))

    def put_claim(self, w: World, slot: int, claim: Claim) -> World:
        """Return the world with a claim written."""
        number = self.claims.over(w.claims[slot], (slot, claim))
        claims = (*w.claims[:slot], number, *w.claims[slot + 1 :])
        return w._replace(claims=claims)

    def written(self, w: World, call: _Write) -> tuple[World, object] | None:
        """Return what a write makes of the world, None where a condition fails."""
        match call:
            case WriteLane():
                return self._write_lane(w, call)
            case WriteState(state=state, version=version):
                if version != (None if w.told < 0 else str(w.told)):
                    return None
                told = self.states.over(w.told, state)
                return w._replace(told=told), str(told)
            case Create(key=key, claim=claim):
                slot = KEYS.index(key)
                if w.claims[slot] >= 0:
                    return None
            case Replace(stored=old, claim=claim):
                slot = KEYS.index(old.key)
                if old.version != str(w.claims[slot]):
                    return None
            case _:
                raise AssertionError("no alert of equal text comes later here")
        w = self.put_claim(w, slot, claim)
        return w, self.stored(w.claims[slot])

    def _write_lane(self, w: World, call: WriteLane) -> tuple[World, object] | None:
        if call.held.version != self.held(w.lane).version:
            return None
        stored = None
        if call.stored is not None and call.claim is not None:
            slot = KEYS.index(call.stored.key)
            if call.stored.version != str(w.claims[slot]):
                return None
            w = self.put_claim(w, slot, call.claim)
            stored = self.stored(w.claims[slot])
        lane = -1 if call.lane is None else self.lanes.over(w.lane, call.lane)
        return w._replace(lane=lane), (self.held(lane), stored)

    # Answers

    def answers(self, w: World, name: str, i: int, a: Running) -> Iterator[Outcome]:
        """Yield every answer to the call that actor `i` stands at; the plain first."""
        match a.node.call:
            case Create() | Replace() | Supersede() | WriteLane() | WriteState() as c:
                yield from self._write(w, a, c)
            case Place() as call:
                yield from self._place(w, name, a, call)
            case Cancel() | Resize() as call:
                yield from self._change(w, name, a, call)
            case Pause(seconds=seconds):
                # It may take as long as a slow machine makes it, which bounds waiting.
                slow = seconds if self._quick or seconds > 1 else _SLOW
                after = a._replace(mono=a.mono + slow)
                # Positions lag by seconds: fewer than the guard waits.
                caught_up = w._replace(lag=CAUGHT_UP) if seconds > 1 else w
                yield Outcome("waits", "", None, caught_up, after)
            case call if call is not None:
                yield from self._read(w, a, call)

    def _write(self, w: World, a: Running, call: _Write) -> Iterator[Outcome]:
        name, late = _named(call), a.mono >= call.until
        done = self.written(w, call)
        if not late and done is None:
            no = _EXISTS if isinstance(call, Create) else _CONFLICT
            yield Outcome(f"{name} finds another", "no", no, w, a)
        elif not late and done is not None:
            key = (done[0].claims, done[0].lane, done[0].told)
            yield Outcome(name, key, done[1], done[0], a)
        if late or w.left.doubts:
            less = w if late else w.spend("doubts")
            yield Outcome(f"{name} errs, not applied", "doubt", _DOUBT, less, a)
            if done is not None and not late:
                applied = done[0].spend("doubts")
                yield Outcome(f"{name} errs, applied", "doubt", _DOUBT, applied, a)

    def _read(self, w: World, a: Running, call: Call) -> Iterator[Outcome]:
        name, key, answer = self._found(w, call)
        fyers = isinstance(call, Book | AskPositions)
        if fyers or a.mono < call.until:
            anew = isinstance(call, Book)
            after = a._replace(excused=0, stale=False) if anew else a
            yield Outcome(name, key, answer, w, after)
        else:
            yield Outcome(f"{name} errs", "doubt", _DOUBT, w, a)

    def _found(self, w: World, call: Call) -> tuple[str, Hashable, object]:
        docs = self.all_claims(w)
        match call:
            case Read(key=key):
                number = w.claims[KEYS.index(key)]
                return "reads a claim", number, self.stored(number)
            case Ledger():
                docs = tuple(doc for doc in docs if doc.claim.ledger)
                return "reads the ledger", _versions(docs), docs
            case Watched():
                docs = tuple(doc for doc in docs if doc.claim.watched)
                return "lists the watched", _versions(docs), docs
        return self._found_else(w, call)

    def _found_else(self, w: World, call: Call) -> tuple[str, Hashable, object]:
        match call:
            case ReadLane():
                return "reads the lane", w.lane, self.held(w.lane)
            case ReadState():
                if w.told < 0:
                    return "reads what was told", -1, (None, None)
                told = (self.states[w.told], str(w.told))
                return "reads what was told", w.told, told
            case Book():
                rows = self.book(w)
                return "reads the book", rows, Listing(rows)
            case AskPositions():
                held = self.positions(w)
                return "reads positions", held, Listing(held)
        raise AssertionError(f"nobody asks {type(call).__name__}")

    # FYERS

    def book(self, w: World) -> tuple[BookedOrder, ...]:
        """Return FYERS's order book as it shows now."""
        return tuple(
            self._row(n, row)
            for n, row in enumerate(w.rows)
            if row.shown and row.kind is not Kind.CARRIED
        )

    def _row(self, n: int, row: Row) -> BookedOrder:
        found = self._rows.get((n, row))
        if found is None:
            found = self._rows[n, row] = _booked(self._scene, n, row)
        return found

    def positions(self, w: World) -> tuple[Position, ...]:
        """Return FYERS's positions as they show now."""
        return _positions(self._scene, w.rows, w.moved, w.lag)

    def _place(self, w: World, name: str, a: Running, call: Place) -> Iterator[Outcome]:
        owner = 1 + "ABC".index(name[0])
        done = a._replace(sent=True, excused=-1)
        kept = a._replace(excused=-1)
        claim = self.stored(w.claims[owner])
        if claim is not None and not claim.claim.closes:
            yield self._opens(w, kept)
            return
        if a.mono < call.until:
            for taken in self._takings(w, owner, a, call.order):
                yield from self._took(taken, done)
            if self._scene.plain and not self._scene.unsettled:
                return
            if not self._scene.plain:
                yield Outcome("refused", "refused", Rejected(-50, "refused"), w, kept)
        if self._scene.unsettled or a.mono >= call.until:
            yield Outcome("lost, never taken", "?", Unclear("no reply"), w, done)
        if self._scene.unsettled:
            yield Outcome("never sent", "never", _NEVER, w, kept)

    def _took(self, taken: _Taken, done: Running) -> Iterator[Outcome]:
        words, world = taken.words, taken.world
        if taken.shown or not self._scene.plain:
            yield Outcome(words, taken.result, taken.result, world, done)
        if self._scene.unsettled and not taken.shown:
            lost = Unclear("no reply")
            yield Outcome(f"{words}, reply lost", "?", lost, world, done)

    def _opens(self, w: World, a: Running) -> Outcome:
        """Answer a SELL that found nothing long and opens a short: not of this game."""
        if w.open and not a.stale:
            broken = Violation("a SELL opens nothing beside a long")
            return Outcome("opens the other side", "refused", None, broken, a)
        result = Rejected(-50, "refused")
        return Outcome("opens the other side: refused", "refused", result, w, a)

    def _takings(
        self, w: World, owner: int, a: Running, order: Order
    ) -> Iterator[_Taken]:
        """Yield every way FYERS takes a close."""
        qty, rest = divmod(order.qty, self._scene.unit)
        assert not rest, "no part of a lot is open here"
        margin = order.product is Product.MARGIN
        row = Row(Kind.CLOSE, owner, qty, 0, True, True, order.tag)
        row = row._replace(excused=max(0, a.excused), sent=w.wall, margin=margin)
        number, words = order_id(len(w.rows)), "Successfully placed order"
        if order.action is self._scene.opens:
            back = row._replace(kind=Kind.UNDO, filled=qty, works=False, excused=0)
            placed = Placed(number, words)
            yield _Taken("undoes", placed, _undone(w, back, a), shown=True)
            return
        broken = _unfit(w, qty, a, self._scene)
        surely = self._scene.plain and not self._scene.unsettled
        for shown in (True,) if surely else (True, False):
            late = "" if shown else ", not yet in the book"
            row = row._replace(shown=shown)
            if order.qty <= SLICED_ABOVE or qty == 1:
                placed = Placed(number, words)
                new = broken or _add(w, (row,))
                yield _Taken(f"{qty} accepted{late}", placed, new, shown)
                continue
            ids = tuple(order_id(len(w.rows) + n) for n in range(qty))
            for taken in (qty, qty - 1):
                refused = ("RED:refused",) * (qty - taken)
                placed = Placed(number, words, ids[:taken], refused)
                new = broken or _add(w, (row._replace(qty=1),) * taken)
                yield _Taken(f"{taken} of {qty} accepted{late}", placed, new, shown)

    def _change(
        self, w: World, name: str, a: Running, call: Cancel | Resize
    ) -> Iterator[Outcome]:
        wanted = (
            {call.order.order_id: call.qty // self._scene.unit}
            if isinstance(call, Resize)
            else dict.fromkeys(call.order_ids, 0)
        )
        new, ended = w, []
        for number, qty in wanted.items():
            n = int(number[-2:]) - 1
            row = new.rows[n]
            if not row.works or (qty and qty <= row.filled):
                ended.append(Change.NOT_PENDING)
                continue
            ended.append(Change.CONFIRMED)
            new = new.row(n, qty=qty) if qty else new.row(n, works=False)
        what = ", ".join(
            f"{w.rows[int(i[-2:]) - 1].kind} to {q}" for i, q in wanted.items()
        )
        key = tuple(ended)
        answer: Any = ended[0] if isinstance(call, Resize) else key
        yield Outcome(
            f"cuts {what}: {', '.join(ended)}",
            key,
            answer,
            self._harm(w, new, name.startswith("run"), a.stale) or new,
            a,
        )
        if w.left.fails:
            less = w.spend("fails")
            for words, end in (("fails", Change.UNCLEAR), ("no effect", _ACCEPTED)):
                ends = (end,) * len(wanted)
                answer = end if isinstance(call, Resize) else ends
                yield Outcome(f"cuts {what}: {words}", ends, answer, less, a)
            if isinstance(call, Cancel) and len(wanted) > 1:
                ends = (_ACCEPTED,) * len(wanted)
                first = less.row(int(call.order_ids[0][-2:]) - 1, works=False)
                broken = self._harm(w, first, name.startswith("run"), a.stale)
                words = f"cuts {what}: no effect but on the first"
                yield Outcome(words, ends, ends, broken or first, a)

    def _harm(
        self, old: World, new: World, guards: bool, stale: bool
    ) -> Violation | None:
        """Return the promise that a cut breaks; a lot opened since the read excuses it.

        Who sells a long cancels its exits first; nobody else may bare what is open.
        """
        if stale or (self._scene.long and not guards):
            return None
        stops = new.rest(Kind.STOP)
        if stops < old.rest(Kind.STOP) and stops < new.open:
            return Violation("no cut of ours bares what is open")
        closes, before = new.rest(Kind.CLOSE), old.rest(Kind.CLOSE)
        if guards and closes < before and closes < new.open:
            return Violation("the guard never cuts a close that the position needs")
        return None


_ACCEPTED = Change.CONFIRMED
"""FYERS takes a cancel and the exchange refuses it: the order works on."""


class _Taken(NamedTuple):
    """One way FYERS takes a close."""

    words: str
    result: Placed
    world: World | Violation
    shown: bool


def _add(w: World, rows: tuple[Row, ...]) -> World | Violation:
    if any(row.owner == rows[0].owner for row in w.rows):
        return Violation("one alert, one order")
    return w._replace(rows=(*w.rows, *rows))


def _unfit(w: World, qty: int, a: Running, scene: Scene) -> Violation | None:
    """Return the promise that another close of that many lots breaks."""
    exits = max(w.rest(Kind.STOP), w.rest(Kind.TARGET))
    if scene.long and not a.stale and exits + qty > w.open + max(0, a.excused):
        return Violation("a long is sold only once its exits are gone")
    hand = scene.hand is Hand.MARKET
    may_open = w.open + w.rest(Kind.ENTRY)
    closing = w.rest(Kind.CLOSE)
    # A hand order that had to trade and was cancelled since leaves the rest open.
    if not hand and may_open > qty + closing:
        return Violation("a close is for all that is open or can still open")
    return None


def _undone(w: World, row: Row, a: Running) -> World | Violation:
    """Return the world after an EXIT closed what had the wrong sign."""
    new = _add(w, (row,))
    if isinstance(new, Violation):
        return new
    if new.open > w.open and not a.excused and not a.stale:
        return Violation("our own close never crosses zero")
    return new._replace(lag=w.lag.more(row.qty, opened=True, margin=row.margin))


@cache
def _positions(
    scene: Scene, rows: tuple[Row, ...], moved: int, lag: Lag
) -> tuple[Position, ...]:
    """Return FYERS's positions, one for each product that anything came of.

    A conversion moves what was traded to the other product, as a trade of its side.
    """
    found = []
    for margin in (False, True):
        mine = [row for row in rows if row.margin is margin]
        carried = sum(row.filled for row in mine if row.kind is Kind.CARRIED)
        opened = sum(row.filled for row in mine if row.kind in OPENING) - carried
        closed = sum(row.filled for row in mine if row.kind not in OPENING)
        opened += moved if margin else -moved
        opened -= lag.opened_margin if margin else lag.opened
        closed -= lag.closed_margin if margin else lag.closed
        if carried or opened or closed:
            product = Product.MARGIN if margin else Product.INTRADAY
            found.append(_position(scene, product, carried, opened, closed))
    return tuple(found)


def _position(
    scene: Scene, product: Product, carried: int, opened: int, closed: int
) -> Position:
    sign, unit = 1 if scene.long else -1, scene.unit
    bought, sold = (opened, closed) if scene.long else (closed, opened)
    return Position(
        CONTRACT.ticker,
        str(product),
        (carried + opened - closed) * sign * unit,
        carried=carried * sign * unit,
        day_bought=bought * unit,
        day_sold=sold * unit,
        ltp=LTP,
    )


_TYPES = {Kind.STOP: 4, Kind.TARGET: 1}
_HANDS = {Hand.STOP: 4, Hand.LIMIT: 1}


def _booked(scene: Scene, n: int, row: Row) -> BookedOrder:
    leg = row.kind in (Kind.STOP, Kind.TARGET)
    types = _HANDS.get(scene.hand, 2) if row.kind is Kind.HAND else 2
    order_type = _TYPES.get(row.kind, types)
    status = OrderStatus.PENDING
    if not row.works:
        full = row.filled == row.qty
        status = OrderStatus.TRADED if full else OrderStatus.CANCELLED
    by_hand = row.kind in (Kind.HAND, Kind.SQUARE_OFF)
    limits, stop = ((125, 200), 85) if scene.long else ((75, 5), 115)
    return BookedOrder(
        order_id=order_id(n),
        ticker=CONTRACT.ticker,
        action=scene.opens if row.kind in OPENING else scene.closes,
        qty=row.qty * scene.unit,
        filled=row.filled * scene.unit,
        product=str(Product.MARGIN if row.margin else Product.INTRADAY),
        status=status,
        tag="" if by_hand else _tag_of(row) if leg else row.tag,
        parent_id=row.tag if leg else None,
        message="",
        placed_at=START + timedelta(seconds=row.sent),
        order_type=order_type,
        limit_price=Decimal(0 if order_type != 1 else limits[0 if leg else 1]),
        stop_price=Decimal(stop if order_type == 4 else 0),
        traded_price=LTP if row.filled else Decimal(0),
    )


def _tag_of(leg: Row) -> str:
    return SECOND_TAG if leg.owner == SECOND else ENTRY_TAG


def _versions(docs: tuple[Stored, ...]) -> tuple[str, ...]:
    return tuple(doc.version for doc in docs)


def _named(call: _Write) -> str:
    """Return what a write is called on a path."""
    match call:
        case Create():
            return "claims"
        case Replace(claim=claim) | Supersede(claim=claim):
            return f"writes {claim.state}"
        case WriteState():
            return "writes what it told"
        case WriteLane(lane=None, claim=None):
            return "gives the lane back"
        case WriteLane(lane=None, claim=claim):
            return f"writes {claim.state if claim else ''}, gives the lane back"
        case WriteLane(lane=lane, claim=claim) if lane and claim and lane.tag:
            return f"marks the lane, writes {claim.state}"
    return "takes the lane"
