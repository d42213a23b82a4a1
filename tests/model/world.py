"""One state of everything, as a value that can be compared and counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from shared.idempotency import Claim, Done, Reply, Stored
from shared.models import BookedOrder, Order, OrderStatus
from tests.model.stage import Create, Node, Replace, Supersede

Write = Create | Replace | Supersede


def reply_of(claim: Claim) -> Reply | None:
    """Return the answer a claim stores."""
    return claim.at.reply if isinstance(claim.at, Done) else None


class Fate(StrEnum):
    """What FYERS's order book makes of an order it took."""

    SHOWN = "shown"
    HIDDEN = "shown late"
    UNTAGGED = "shown without its tag"
    REFUSED = "refused by RMS later"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a world is made of and how much may go wrong in it."""

    keyed: bool = True
    resends: int = 1
    """TradingView's, each 5 s after a 5xx it saw."""
    duplicates: int = 0
    """Of the same alert, at any time (without a key: within its window)."""
    later: int = 0
    """Other alerts of equal text, a minute or more after the first (without a key)."""
    runs: int = 0
    """Of reconcile, at any time; more follow once all are at rest."""
    crashes: int = 0
    doubts: int = 0
    """Store calls without a usable answer."""
    ticks: int = 0
    stalls: int = 0
    """Ticks the instances do not notice: their own clocks stand still."""
    troubles: int = 0
    """Quotes or order books that cannot be read, dead notice channels, bugs."""
    fates: tuple[Fate, ...] = (Fate.SHOWN, Fate.HIDDEN)


class Running(NamedTuple):
    """A delivery or a run at work."""

    node: Node
    mono: float
    arrived: float
    doubted: bool = False
    """Its last call brought no answer: the next may not either, the store is down."""
    sent: bool = False
    """It made an order call that FYERS did not provably refuse."""


class Ended(NamedTuple):
    """A delivery or run that is over."""

    resent_at: float | None = None


class Booked(NamedTuple):
    """An order FYERS took."""

    alert: int
    order: Order
    fate: Fate


class Heard(NamedTuple):
    """What sender and owner know of one alert."""

    told: bool = False
    """That there is no order, or may be none."""
    denied: bool = False
    """The last word was that there is none."""
    corrected: bool = False
    """That there is one after all; a stale notice may still come after this."""
    claimed: bool = False
    """A claim of it was ever stored."""


class Left(NamedTuple):
    """What may still go wrong."""

    crashes: int = 0
    doubts: int = 0
    ticks: int = 0
    stalls: int = 0
    troubles: int = 0


class World(NamedTuple):
    """One state of everything."""

    doc: Stored | None
    kept: tuple[Stored, ...]
    """Claims of older alerts, which the document spoke for before."""
    under_way: frozenset[Write]
    """Writes that failed for their caller and may still be applied."""
    orders: tuple[Booked, ...]
    wall: float
    """Seconds since the first delivery, on everybody's wall clock."""
    actors: tuple[Running | Ended | None, ...]
    left: Left
    heard: tuple[Heard, Heard]

    def find(self, key: str) -> Stored | None:
        """Return the claim under a key: the alert's, if it is no older one's."""
        return next((doc for doc in self.kept if doc.key == key), self.doc)

    def write(self, done: Stored) -> World:
        """Return the world with a claim as it is now."""
        if any(doc.key == done.key for doc in self.kept):
            kept = (done if doc.key == done.key else doc for doc in self.kept)
            return self._replace(kept=tuple(kept))
        return self._replace(doc=done)

    def watched(self) -> tuple[Stored, ...]:
        """Return the claims that reconcile still works on."""
        docs = (self.doc, *self.kept)
        return tuple(doc for doc in docs if doc and doc.claim.watched)

    def replies(self) -> tuple[Reply | None, ...]:
        """Return the stored answers."""
        docs = (self.doc, *self.kept)
        return tuple(reply_of(doc.claim) for doc in docs if doc)

    def put(self, i: int, actor: Running | Ended) -> World:
        """Return the world with one actor moved."""
        return self._replace(actors=(*self.actors[:i], actor, *self.actors[i + 1 :]))

    def later(self, seconds: float) -> World:
        """Return the world after some time, on all clocks."""
        actors = tuple(
            actor._replace(mono=actor.mono + seconds)
            if isinstance(actor, Running)
            else actor
            for actor in self.actors
        )
        return self._replace(wall=self.wall + seconds, actors=actors)

    def spend(self, what: str) -> World:
        """Return the world in which one thing more went wrong."""
        less = getattr(self.left, what) - 1
        return self._replace(left=self.left._replace(**{what: less}))

    def hear(self, alert: int, **news: bool | None) -> World:
        """Return the world in which people know more; None is no news."""
        heard = list(self.heard)
        heard[alert] = heard[alert]._replace(
            **{name: value for name, value in news.items() if value is not None}
        )
        return self._replace(heard=(heard[0], heard[1]))

    def show(self, n: int) -> World:
        """Return the world whose order book shows an order at last."""
        shown = self.orders[n]._replace(fate=Fate.SHOWN)
        return self._replace(orders=(*self.orders[:n], shown, *self.orders[n + 1 :]))


class Violation(NamedTuple):
    """A promise that was broken."""

    promise: str


def number(n: int) -> str:
    """Return FYERS's id of the n-th order."""
    return f"26112300000{n}"


def book(w: World) -> tuple[BookedOrder, ...]:
    """Return FYERS's order book as it shows now; market orders trade at once."""
    return tuple(
        _row(n, booked)
        for n, booked in enumerate(w.orders)
        if booked.fate is not Fate.HIDDEN
    )


def _row(n: int, booked: Booked) -> BookedOrder:
    refused = booked.fate is Fate.REFUSED
    return BookedOrder(
        order_id=number(n),
        ticker=booked.order.ticker,
        action=booked.order.action,
        qty=booked.order.qty,
        filled=0 if refused else booked.order.qty,
        product=str(booked.order.product),
        status=OrderStatus.REJECTED if refused else OrderStatus.TRADED,
        tag="" if booked.fate is Fate.UNTAGGED else booked.order.tag,
        parent_id=None,
        message="RED:margin" if refused else "",
        placed_at=None,
    )
