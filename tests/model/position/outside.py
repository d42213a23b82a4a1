"""Every way the store and FYERS can answer one call of a cover or a run."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from shared.broker import NotTaken
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.guard import GuardState
from shared.idempotency import Claim, HeldLane, Lane, Stored
from shared.models import (
    Action,
    BookedOrder,
    Change,
    Listing,
    OrderStatus,
    Placed,
    Position,
    Product,
    Rejected,
    Unknown,
)
from tests.model.cast import CONTRACT, START
from tests.model.position.cast import (
    ENTRY_TAG,
    KEYS,
    LOT,
    LTP,
    SECOND,
    SECOND_TAG,
    order_id,
)
from tests.model.position.registry import Registry
from tests.model.position.world import (
    Hand,
    Kind,
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
        self._quick = scene.looks > 1
        self._plain = scene.plain
        self._hand = scene.hand
        self._unsettled = scene.unsettled
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
            self._stored[number] = Stored(KEYS[slot], claim, str(number))
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
                caught_up = w._replace(lag=(0, 0)) if seconds > 1 else w
                yield Outcome("waits", "", None, caught_up, after)
            case call if call is not None:
                yield from self._read(w, a, call)

    def _write(self, w: World, a: Running, call: _Write) -> Iterator[Outcome]:
        name, late = _named(call), a.mono >= call.until
        calm, shaken = a._replace(doubted=False), a._replace(doubted=True)
        done = self.written(w, call)
        if not late and done is None:
            no = _EXISTS if isinstance(call, Create) else _CONFLICT
            yield Outcome(f"{name} finds another", "no", no, w, calm)
        elif not late and done is not None:
            key = (done[0].claims, done[0].lane, done[0].told)
            yield Outcome(name, key, done[1], done[0], calm)
        if late or w.left.doubts:
            less = w if late else w.spend("doubts")
            yield Outcome(f"{name} errs, not applied", "doubt", _DOUBT, less, shaken)
            if done is not None and not late:
                applied = done[0].spend("doubts")
                yield Outcome(f"{name} errs, applied", "doubt", _DOUBT, applied, shaken)

    def _read(self, w: World, a: Running, call: Call) -> Iterator[Outcome]:
        name, key, answer = self._found(w, call)
        fyers = isinstance(call, Book | AskPositions)
        if fyers or a.mono < call.until:
            after = a._replace(doubted=False)
            if isinstance(call, Book):
                after = after._replace(excused=0, stale=False)
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
                held = positions(w)
                return "reads positions", (w.bought, w.sold, w.lag), Listing(held)
        raise AssertionError(f"nobody asks {type(call).__name__}")

    # FYERS

    def book(self, w: World) -> tuple[BookedOrder, ...]:
        """Return FYERS's order book as it shows now."""
        return tuple(
            _row(n, row, self._hand) for n, row in enumerate(w.rows) if row.shown
        )

    def _place(self, w: World, name: str, a: Running, call: Place) -> Iterator[Outcome]:
        order, owner = call.order, 1 + "ABC".index(name[0])
        done = a._replace(sent=True, excused=-1)
        if a.mono < call.until:
            qty, rest = divmod(order.qty, LOT)
            assert not rest, "no part of a lot is open here"
            number = order_id(len(w.rows))
            for shown in (True,) if self._plain else (True, False):
                row = Row(Kind.COVER, owner, qty, 0, True, shown, order.tag)
                row = row._replace(excused=max(0, a.excused), sent=w.wall)
                taken = _take(w, row, self._hand)
                placed = Placed(number, "Successfully placed order")
                words = "" if shown else ", not yet in the book"
                yield Outcome(f"{qty} accepted{words}", number, placed, taken, done)
                if self._unsettled and not shown:
                    lost = Unknown("no reply")
                    yield Outcome(f"{qty} taken, reply lost", "?", lost, taken, done)
            refused = Rejected(-50, "refused")
            if self._plain:
                return
            yield Outcome("refused", "refused", refused, w, a._replace(excused=-1))
        if self._unsettled or a.mono >= call.until:
            yield Outcome("lost, never taken", "?", Unknown("no reply"), w, done)
        if self._unsettled:
            yield Outcome("never sent", "never", _NEVER, w, a._replace(excused=-1))

    def _change(
        self, w: World, name: str, a: Running, call: Cancel | Resize
    ) -> Iterator[Outcome]:
        wanted = (
            {call.order.order_id: call.qty // LOT}
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
            _harm(w, new, name.startswith("run"), a.stale) or new,
            a,
        )
        if w.left.fails:
            less = w.spend("fails")
            for words, end in (("fails", Change.UNCLEAR), ("no effect", _ACCEPTED)):
                ends = (end,) * len(wanted)
                answer = end if isinstance(call, Resize) else ends
                yield Outcome(f"cuts {what}: {words}", ends, answer, less, a)


_ACCEPTED = Change.CONFIRMED
"""FYERS takes a cancel and the exchange refuses it: the order works on."""


def _take(w: World, row: Row, hand: Hand) -> World | Violation:
    """Return the world with another cover at FYERS, or the promise that breaks."""
    if any(other.owner == row.owner for other in w.rows):
        return Violation("one alert, one order")
    may_open = w.short + w.rest(Kind.ENTRY)
    closing = w.rest(Kind.COVER) + (w.rest(Kind.HAND) if hand is Hand.MARKET else 0)
    # A hand order that had to trade and was cancelled since leaves the rest open.
    if hand is not Hand.MARKET and may_open > row.qty + closing:
        return Violation("a cover is for all that is open or can still open")
    return w._replace(rows=(*w.rows, row))


def _harm(old: World, new: World, guards: bool, stale: bool) -> Violation | None:
    """Return the promise that a cut breaks; a lot sold since the read excuses it."""
    stops = new.rest(Kind.STOP)
    if stale:
        return None
    if stops < old.rest(Kind.STOP) and stops < new.short:
        return Violation("no cut of ours bares what is open")
    covers, before = new.rest(Kind.COVER), old.rest(Kind.COVER)
    if guards and covers < before and covers < new.short:
        return Violation("the guard never cuts a close that the position needs")
    return None


def positions(w: World) -> tuple[Position, ...]:
    """Return FYERS's positions as they show now."""
    bought, sold = w.bought - w.lag[0], w.sold - w.lag[1]
    return _positions(bought, sold)


@cache
def _positions(bought: int, sold: int) -> tuple[Position, ...]:
    if not bought and not sold:
        return ()
    return (
        Position(
            CONTRACT.ticker,
            str(Product.INTRADAY),
            (bought - sold) * LOT,
            day_bought=bought * LOT,
            day_sold=sold * LOT,
            ltp=LTP,
        ),
    )


_TYPES = {Kind.STOP: 4, Kind.TARGET: 1}
_HANDS = {Hand.STOP: 4, Hand.LIMIT: 1}


@cache
def _row(n: int, row: Row, hand: Hand) -> BookedOrder:
    leg = row.kind in (Kind.STOP, Kind.TARGET)
    types = _HANDS.get(hand, 2) if row.kind is Kind.HAND else 2
    order_type = _TYPES.get(row.kind, types)
    status = OrderStatus.PENDING
    if not row.works:
        full = row.filled == row.qty
        status = OrderStatus.TRADED if full else OrderStatus.CANCELLED
    by_hand = row.kind in (Kind.HAND, Kind.SQUARE_OFF)
    return BookedOrder(
        order_id=order_id(n),
        ticker=CONTRACT.ticker,
        action=Action.SELL if row.kind is Kind.ENTRY else Action.BUY,
        qty=row.qty * LOT,
        filled=row.filled * LOT,
        product=str(Product.INTRADAY),
        status=status,
        tag="" if by_hand else _tag_of(row) if leg else row.tag,
        parent_id=row.tag if leg else None,
        message="",
        placed_at=START + timedelta(seconds=row.sent),
        order_type=order_type,
        limit_price=Decimal(0 if order_type != 1 else 75 if leg else 5),
        stop_price=Decimal(115 if order_type == 4 else 0),
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
