"""Every way the store, FYERS and the owner can answer one call."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import NamedTuple

from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import Claim, Done, Released, Stored, StoredAt
from shared.models import Listing, Notice, Order, Placed, Rejected, Unclear
from shared.models import Quote as Price
from tests.model.cast import KEY, Machine
from tests.model.stage import (
    Book,
    Create,
    Pause,
    Place,
    Quote,
    Raised,
    Read,
    Replace,
    Send,
    Supersede,
    Watched,
)
from tests.model.world import (
    Booked,
    Fate,
    Running,
    Violation,
    World,
    Write,
    book,
    number,
    reply_of,
)

_PAUSE = 0.45
"""What a pause costs: any machine may be that slow, and it bounds the waiting."""

_OPEN = ("outcome_unknown", "delivery_failed")
"""Notices that leave open whether there is an order."""

_DOUBT = Raised(lambda: Doubtful("no answer"))
_EXISTS = Raised(lambda: AlreadyExists(KEY))
_CONFLICT = Raised(lambda: Conflict(KEY))
_UNREADABLE = Raised(lambda: Unreadable("no answer"))
_NEVER = Raised(lambda: NotTaken("the connection never opened"))
_LOGIN = Raised(lambda: LoginEnded("FYERS did not accept the login"))
_BUG = Raised(lambda: RuntimeError("an exception nobody foresaw"))


class Outcome(NamedTuple):
    """One answer to a call, with what it does to the world and to the caller."""

    name: str
    key: Hashable
    """Tells answers to the same call apart."""
    answer: object
    world: World | Violation
    actor: Running


class Outside:
    """The store, FYERS and the owner of one game."""

    def __init__(
        self,
        machine: Machine,
        alerts: dict[str, int],
        keyed: bool,
        fates: tuple[Fate, ...],
    ) -> None:
        self._machine = machine
        self._alerts = alerts
        self._keyed = keyed
        self._fates = fates
        self._docs: dict[tuple[str, Claim, int], Stored] = {}
        self._written: dict[tuple[Stored | None, Write], Stored] = {}

    def answers(self, w: World, name: str, actor: Running) -> Iterator[Outcome]:
        """Yield every answer to the call `actor` stands at."""
        calm = actor._replace(doubted=False)
        match actor.node.call:
            case Create() | Replace() | Supersede() as call:
                yield from self._write(w, actor, call)
            case Read() | Watched() as call:
                yield from self._read(w, actor, call)
            case Place() as call:
                yield from self._place(w, self._alerts[name], calm, call)
            case Book():
                yield from self._book(w, calm)
            case Quote():
                yield from self._quote(w, calm)
            case Send() as call:
                yield from self._send(w, self._alerts.get(name), calm, call)
            case Pause():
                slower = calm._replace(mono=calm.mono + _PAUSE)
                yield Outcome("waits", "waited", None, w, slower)

    # The store

    def _write(self, w: World, actor: Running, call: Write) -> Iterator[Outcome]:
        done = self.written(w, call)
        name = write_name(call)
        calm, shaken = actor._replace(doubted=False), actor._replace(doubted=True)
        late = actor.mono >= call.until
        if not late and done is None:
            no = _EXISTS if isinstance(call, Create) else _CONFLICT
            yield Outcome(f"{name} finds another", "no", no, w, calm)
        elif not late and done is not None:
            yield Outcome(name, done, done, self.store(w, call, done), calm)
        if not (late or w.left.doubts):
            return
        less = w if late else w.spend("doubts")
        yield Outcome(f"{name} errs, not applied", "doubt", _DOUBT, less, shaken)
        if done is None:
            return
        stored = self.store(less, call, done)
        yield Outcome(f"{name} errs, applied", "doubt", _DOUBT, stored, shaken)
        if not late:
            delayed = less._replace(under_way=w.under_way | {call})
            yield Outcome(f"{name} errs, under way", "doubt", _DOUBT, delayed, shaken)

    def written(self, w: World, call: Write) -> Stored | None:
        """Return what a write makes of its document, None if its condition fails."""
        key = KEY if isinstance(call, Create) else call.stored.key
        doc = w.find(key)
        if not self._holds(doc, call):
            return None
        known = self._written.get((doc, call))
        if known is None:
            known = self._written[doc, call] = self._new(key, doc, call.claim)
        return known

    def _holds(self, doc: Stored | None, call: Write) -> bool:
        if doc is None or isinstance(call, Create):
            return doc is None and isinstance(call, Create)
        return doc.version == call.stored.version or self._machine.blind_store

    def _new(self, key: str, doc: Stored | None, claim: Claim) -> Stored:
        """Return the document under a version of its own, unlike the one before."""
        turn = 0
        if doc is not None and self._docs.get((key, claim, turn)) is doc:
            turn = 1
        name = (key, claim, turn)
        if name not in self._docs:
            self._docs[name] = StoredAt(key, claim, str(len(self._docs)))
        return self._docs[name]

    def store(self, w: World, call: Write, done: Stored) -> World | Violation:
        """Return the world with a write applied; what is DONE keeps its answer."""
        old = w.find(done.key)
        if isinstance(call, Supersede) and old is not None:
            w = w._replace(kept=(*w.kept, self._new(call.kept_key, None, old.claim)))
        elif old is not None and _forgets(old.claim, done.claim):
            return Violation("what is DONE keeps its answer")
        w = w.hear(self._alerts.get(done.claim.request_id, 0), claimed=True)
        if self._machine.forgets_released and isinstance(done.claim.at, Released):
            return w._replace(doc=None)
        return w.write(done)

    @staticmethod
    def _read(w: World, actor: Running, call: Read | Watched) -> Iterator[Outcome]:
        late = actor.mono >= call.until
        name = "read" if isinstance(call, Read) else "list"
        if not late:
            found: object
            found = w.watched() if isinstance(call, Watched) else w.find(call.key)
            yield Outcome(name, found, found, w, actor._replace(doubted=False))
        free = late or actor.doubted
        if free or w.left.doubts:
            less = w if free else w.spend("doubts")
            shaken = actor._replace(doubted=True)
            yield Outcome(f"{name} errs", "doubt", _DOUBT, less, shaken)

    # FYERS and the owner

    def _place(
        self, w: World, alert: int, actor: Running, call: Place
    ) -> Iterator[Outcome]:
        lost = Unclear("no reply")
        sent = actor._replace(sent=True)
        in_time = actor.mono < call.until
        for fate in self._fates:
            taken = _take(w, alert, call.order, fate)
            yield Outcome(f"taken, reply lost, {fate}", "lost", lost, taken, sent)
            if in_time and fate is not Fate.HIDDEN:
                n = number(len(w.orders))
                placed = Placed(n, "Successfully placed order")
                yield Outcome(f"accepted, {fate}", n, placed, taken, sent)
        yield Outcome("lost, never taken", "lost", lost, w, sent)
        yield Outcome("never sent", "never", _NEVER, w, actor)
        if in_time:
            refused = Rejected(-50, "refused")
            yield Outcome("refused", "refused", refused, w, actor)
        if w.left.troubles:
            less = w.spend("troubles")
            taken = _take(less, alert, call.order, Fate.SHOWN)
            yield Outcome("taken, then a bug", "bug", _BUG, taken, sent)
            yield Outcome("login refused", "login", _LOGIN, less, actor)

    @staticmethod
    def _book(w: World, actor: Running) -> Iterator[Outcome]:
        rows = book(w)
        yield Outcome("looks at the order book", rows, Listing(rows), w, actor)
        if w.left.troubles:
            less = w.spend("troubles")
            yield Outcome("no order book", "none", _UNREADABLE, less, actor)

    @staticmethod
    def _quote(w: World, actor: Running) -> Iterator[Outcome]:
        yield Outcome("quote", "quote", Price(Decimal(100)), w, actor)
        if w.left.troubles:
            less = w.spend("troubles")
            yield Outcome("no quote", "none", _UNREADABLE, less, actor)
            yield Outcome("quote without a price", "unpriced", None, less, actor)

    def _send(
        self, w: World, sender: int | None, actor: Running, call: Send
    ) -> Iterator[Outcome]:
        told = self.tell(w, call.notice)
        if sender is not None:
            told = told.hear(sender, told=True)
        yield Outcome(f"tells {call.notice.event}", "sent", (), told, actor)
        if w.left.troubles:
            less = w.spend("troubles")
            yield Outcome("no channel works", "failed", ("all",), less, actor)

    def tell(self, w: World, notice: Notice) -> World:
        """Return the world whose owner has read a notice.

        The guard's are of an order or of a contract, not of an alert.
        """
        if not notice.request_id:
            for n, booked in enumerate(w.orders):
                if notice.event == "order_rejected" and number(n) in notice.message:
                    w = w.hear(booked.alert, told=True)
            return w
        found = notice.event == "order_found"
        return w.hear(
            self._alerts.get(notice.request_id, 0),
            told=True,
            denied=not found and notice.event not in _OPEN,
            corrected=found or None,
        )


def _take(w: World, alert: int, order: Order, fate: Fate) -> World | Violation:
    if any(booked.alert == alert for booked in w.orders):
        return Violation("one alert, one order")
    return w._replace(orders=(*w.orders, Booked(alert, order, fate)))


def _forgets(old: Claim, new: Claim) -> bool:
    return isinstance(old.at, Done) and old.at.reply != reply_of(new)


def write_name(call: Write) -> str:
    """Return what a write is called on a path."""
    if isinstance(call, Supersede):
        return "keeps the old claim, writes a new one"
    return "create" if isinstance(call, Create) else f"writes {call.claim.state}"
