"""The ports on a stage: each call is put to the world.

They do before a call what the adapters do: one with no time left is not begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.broker import NotTaken, Turn
from shared.errors import Doubtful
from shared.idempotency import Claim, Stored
from shared.models import BookedOrder, Deadline, Notice, Order, OrderResult, Position
from tests.model.stage import (
    Book,
    Create,
    Place,
    Quote,
    Read,
    Replace,
    Send,
    Stage,
    Watched,
)


class StagedStore:
    """The ClaimStore port; the one document's id does not matter here."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def create(self, key: str, claim: Claim, deadline: Deadline) -> Stored:
        stored: Stored = self._stage.ask(Create(self._until(deadline), claim))
        return stored

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        found: Stored | None = self._stage.ask(Read(self._until(deadline)))
        return found

    def replace(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        new: Stored = self._stage.ask(Replace(self._until(deadline), stored, claim))
        return new

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        found: tuple[Stored, ...] = self._stage.ask(Watched(self._until(deadline)))
        return found

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        raise AssertionError("a SELL without a long never asks for it")

    def named(self, what: str, deadline: Deadline) -> bool:
        raise AssertionError("orders and reconcile never ask for it")

    def forget(self, what: str, deadline: Deadline) -> None:
        raise AssertionError("a SELL without a long never asks for it")

    def _until(self, deadline: Deadline) -> float:
        if not deadline.left():
            raise Doubtful("no time left for the claim store")
        return self._stage.until(deadline)


@dataclass(frozen=True, slots=True)
class _Turn:
    deadline: Deadline


class StagedBroker:
    """The Broker port; what only reads and never differs is answered at once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def turn(self, calls: int, deadline: Deadline) -> Turn:
        return _Turn(deadline)

    def ltp(self, ticker: str, turn: Turn) -> Decimal | None:
        price: Decimal | None = self._stage.ask(Quote(self._until(turn)))
        return price

    def positions(self, turn: Turn) -> tuple[Position, ...]:
        return ()

    def order_book(self, turn: Turn) -> tuple[BookedOrder, ...]:
        book: tuple[BookedOrder, ...] = self._stage.ask(Book(self._until(turn)))
        return book

    def place(self, order: Order, turn: Turn) -> OrderResult:
        result: OrderResult = self._stage.ask(Place(self._until(turn), order))
        return result

    def cancel(self, order_id: str, turn: Turn) -> bool:
        raise AssertionError("a SELL without exits cancels nothing")

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> bool:
        raise AssertionError("a SELL without exits resizes nothing")

    def open(self) -> None:
        raise AssertionError("only warming opens connections")

    def _until(self, turn: Turn) -> float:
        if turn.deadline.left() < 0.15:
            raise NotTaken("no time was left to call FYERS")
        return self._stage.until(turn.deadline)


class StagedNotifier:
    """The Notifier port."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        failed: tuple[str, ...] = self._stage.ask(
            Send(self._stage.until(deadline), notice)
        )
        return failed
