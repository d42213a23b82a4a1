"""The ports on a stage: each call is put to the world.

They do before a call what the adapters do: one with no time left is not begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.broker import NotTaken, Turn
from shared.errors import Doubtful
from shared.guard import GuardState
from shared.guardrails import Control
from shared.idempotency import (
    ClaimAt,
    Claimed,
    HeldLane,
    Lane,
    S,
    Sending,
    Stored,
    StoredAt,
)
from shared.models import (
    BookedOrder,
    Change,
    Deadline,
    Listing,
    Notice,
    OptionChain,
    Order,
    OrderResult,
    Position,
)
from shared.models import Quote as Price
from tests.model.stage import (
    AskPositions,
    Book,
    Cancel,
    Create,
    Ledger,
    Place,
    Quote,
    Read,
    ReadLane,
    ReadState,
    Replace,
    Resize,
    Send,
    Stage,
    Supersede,
    Watched,
    WriteLane,
    WriteState,
)


class StagedStore:
    """The ClaimStore and LaneStore ports."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def create(self, key: str, claim: ClaimAt[S], deadline: Deadline) -> StoredAt[S]:
        stored: StoredAt[S] = self._stage.ask(Create(self._until(deadline), key, claim))
        return stored

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        found: Stored | None = self._stage.ask(Read(self._until(deadline), key))
        return found

    def replace(
        self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
    ) -> StoredAt[S]:
        new: StoredAt[S] = self._stage.ask(
            Replace(self._until(deadline), stored, claim)
        )
        return new

    def supersede(
        self, stored: Stored, claim: ClaimAt[S], kept_key: str, deadline: Deadline
    ) -> StoredAt[S]:
        call = Supersede(self._until(deadline), stored, claim, kept_key)
        new: StoredAt[S] = self._stage.ask(call)
        return new

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        found: tuple[Stored, ...] = self._stage.ask(Watched(self._until(deadline)))
        return found

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        found: tuple[Stored, ...] = self._stage.ask(
            Ledger(self._until(deadline), ticker)
        )
        return found

    def of_day(self, day: date, deadline: Deadline) -> tuple[Stored, ...]:
        raise AssertionError("nobody asks for a day here")

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        raise AssertionError("orders and reconcile never ask for it")

    def named(self, what: str, deadline: Deadline) -> bool:
        raise AssertionError("orders and reconcile never ask for it")

    def forget(self, what: str, deadline: Deadline) -> None:
        raise AssertionError("orders and reconcile never ask for it")

    # The lane

    def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
        held: HeldLane = self._stage.ask(ReadLane(self._until(deadline)))
        return held

    def take(
        self, found: HeldLane, lane: Lane, stored: StoredAt[Claimed], deadline: Deadline
    ) -> tuple[HeldLane, StoredAt[Claimed]]:
        claim = replace(stored.claim, lane=found.ticker)
        done: tuple[HeldLane, StoredAt[Claimed]] = self._stage.ask(
            WriteLane(self._until(deadline), found, lane, stored, claim)
        )
        return done

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        call = WriteLane(self._until(deadline), held, lane, stored, claim)
        done: tuple[HeldLane, StoredAt[Sending]] = self._stage.ask(call)
        return done[1], done[0]

    def give_back(self, held: HeldLane, deadline: Deadline) -> None:
        if held.version is not None:
            call = WriteLane(self._until(deadline), held, None, None, None)
            self._stage.ask(call)

    def settle(
        self, stored: Stored, claim: ClaimAt[S], held: HeldLane, deadline: Deadline
    ) -> StoredAt[S]:
        if held.version is None:
            return self.replace(stored, claim, deadline)
        call = WriteLane(self._until(deadline), held, None, stored, claim)
        done: tuple[HeldLane, StoredAt[S]] = self._stage.ask(call)
        return done[1]

    def _until(self, deadline: Deadline) -> float:
        if not deadline.left():
            raise Doubtful("no time left for the claim store")
        return self._stage.until(deadline)


class StagedState:
    """The Kept port of what the guard has told."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def read(self, deadline: Deadline) -> tuple[GuardState | None, str | None]:
        found: tuple[GuardState | None, str | None] = self._stage.ask(
            ReadState(self._stage.until(deadline))
        )
        return found

    def write(self, value: GuardState, version: str | None, deadline: Deadline) -> str:
        new: str = self._stage.ask(
            WriteState(self._stage.until(deadline), value, version)
        )
        return new

    def delete(self, version: str, deadline: Deadline) -> None:
        raise AssertionError("the guard's state is never deleted")


class NothingKept:
    """The Kept port of the entry control: nobody paused, nothing counts."""

    def read(self, deadline: Deadline) -> tuple[Control | None, str | None]:
        return None, None

    def write(self, value: Control, version: str | None, deadline: Deadline) -> str:
        raise AssertionError("without limits the entry control writes nothing")

    def delete(self, version: str, deadline: Deadline) -> None:
        raise AssertionError("the entry control is never deleted")


@dataclass(frozen=True, slots=True)
class _Turn:
    deadline: Deadline


class StagedBroker:
    """The Broker port."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def turn(self, calls: int, deadline: Deadline) -> Turn:
        return _Turn(deadline)

    def quote(self, ticker: str, turn: Turn) -> Price | None:
        price: Price | None = self._stage.ask(Quote(self._until(turn)))
        return price

    def chain(
        self, underlying: str, strikes: int, timestamp: str, turn: Turn
    ) -> OptionChain:
        raise AssertionError("these alerts name their strike")

    def positions(self, turn: Turn) -> Listing[Position]:
        found: Listing[Position] = self._stage.ask(AskPositions(self._until(turn)))
        return found

    def order_book(self, turn: Turn) -> Listing[BookedOrder]:
        book: Listing[BookedOrder] = self._stage.ask(Book(self._until(turn)))
        return book

    def market_open(self, turn: Turn) -> bool:
        return True

    def place(self, order: Order, turn: Turn) -> OrderResult:
        result: OrderResult = self._stage.ask(Place(self._until(turn), order))
        return result

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        call = Cancel(self._until(turn), tuple(order_ids))
        ended: tuple[Change, ...] = self._stage.ask(call)
        return ended

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        ended: Change = self._stage.ask(Resize(self._until(turn), order, qty))
        return ended

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
