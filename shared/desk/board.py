"""What the desk reads of the stores, each list once; FYERS is never asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar

from shared.errors import Doubtful, Unavailable
from shared.guard.state import GuardState
from shared.guardrails import Control, Limits
from shared.idempotency import ClaimStore, Stored
from shared.models import IST, Deadline, Fork, Kept

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class HouseRules:
    """The owner's settings that the desk shows."""

    limits: Limits
    square_off_at: time | None
    """IST."""
    paper: bool
    """Every entry goes to the paper account."""
    notifies: bool
    """At least one channel is configured."""
    auth_url: str


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the desk reads, made by wiring."""

    claims: ClaimStore
    control: Kept[Control]
    guard: Kept[GuardState]
    paper: Kept[GuardState]
    fork: Fork


@dataclass(frozen=True, slots=True)
class Board:
    """One reading of everything the front page shows."""

    now: datetime
    connected_until: datetime
    rules: HouseRules
    control: Control
    claims: tuple[Stored, ...] = ()
    """Of the IST day, oldest first."""
    ledger: tuple[Stored, ...] = ()
    """Whatever the guard watches, of any day."""
    guard: GuardState | None = None
    paper: GuardState | None = None

    @property
    def today(self) -> date:
        """Return the IST day."""
        return self.now.astimezone(IST).date()


def read_board(
    stores: Stores,
    rules: HouseRules,
    connected_until: datetime,
    now: datetime,
    deadline: Deadline,
) -> Board:
    """Return what the stores hold now; raise `Unavailable` if one gives no answer."""
    today = now.astimezone(IST).date()
    claims = stores.fork(lambda: stores.claims.of_day(today, deadline))
    ledger = stores.fork(lambda: stores.claims.ledger(None, deadline))
    control = stores.fork(lambda: stores.control.read(deadline)[0])
    guard = stores.fork(lambda: stores.guard.read(deadline)[0])
    paper = stores.fork(lambda: stores.paper.read(deadline)[0])
    try:
        return Board(
            now=now,
            connected_until=connected_until,
            rules=rules,
            control=(control.result() or Control()).on(today),
            claims=claims.result(),
            ledger=ledger.result(),
            guard=guard.result(),
            paper=paper.result(),
        )
    except Doubtful as error:
        raise Unavailable("the store does not answer") from error


def read_day(stores: Stores, day: date, deadline: Deadline) -> tuple[Stored, ...]:
    """Return a day's claims, oldest first; raise `Unavailable`."""
    try:
        return stores.claims.of_day(day, deadline)
    except Doubtful as error:
        raise Unavailable("the store does not answer") from error


def read_guard(stores: Stores, deadline: Deadline) -> GuardState | None:
    """Return what the guard wrote last; raise `Unavailable`."""
    try:
        return stores.guard.read(deadline)[0]
    except Doubtful as error:
        raise Unavailable("the store does not answer") from error
