"""The claim: the one record that makes an alert an order exactly once.

    (absent) --create--> CLAIMED
    CLAIMED  --its attempt, write confirmed--> SENDING   only then is the order placed
    CLAIMED  --nothing sent--> RELEASED                  kept for the next delivery
    SENDING  --accepted, or refused for good--> DONE     both replay
    SENDING  --provably not taken--> RELEASED
    SENDING  --anything else, or past send_by--> UNKNOWN never resent, only looked up
    CLAIMED past its lease --next delivery--> CLAIMED with a new attempt
    UNKNOWN  --found in the order book--> DONE;  --provably absent--> NOT_SENT
    SENDING, UNKNOWN, NOT_SENT --an order with the tag turns up--> DONE
    CLAIMED past its lease or RELEASED{retry}, untouched --reconcile--> NOT_SENT

Every write after `create` is conditional on the version it read. A write whose own
outcome is in doubt is settled by reading, never by assuming.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from shared.models import (
    PAPER,
    Contract,
    Deadline,
    Flight,
    Notice,
    Order,
    OurOrder,
    Product,
)


class State(StrEnum):
    """Where a claim stands; see the timeline above."""

    CLAIMED = "CLAIMED"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    RELEASED = "RELEASED"
    DONE = "DONE"
    NOT_SENT = "NOT_SENT"


@dataclass(frozen=True, slots=True)
class Slip:
    """The order as it goes to FYERS; written before it is placed."""

    order: Order
    ltp: Decimal | None
    """Rupees; None only for a close, which no quote may stop."""
    stop_loss: Decimal | None
    """Price level as of the LTP."""
    take_profit: Decimal | None
    sent_at: datetime
    send_by: datetime
    """After this instant the order call is certainly over."""
    day: date
    """IST day of the order book that can show the order."""
    closes: bool = False
    """It closes a position; otherwise it is an entry."""
    note: str = ""
    """What the reply must say besides (a quantity that was cut)."""
    traded_before: int = 0
    """Of an entry: contracts of its side and contract that positions showed as traded
    that day when it was decided."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The stored answer: replayed byte for byte."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice not yet accepted by `left` (None: by any channel)."""

    notice: Notice
    left: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """How an order ended, as the order book and the positions showed it."""

    filled: int
    """Contracts."""
    price: Decimal | None
    """Average fill, rupees; None where nothing filled."""
    ended_at: datetime
    """When the contract was seen flat and quiet."""
    rupees: Decimal | None = None
    """Realized of the contract that day, before charges; on its first entry only."""


@dataclass(frozen=True, slots=True)
class Child:
    """One position of an EXIT of several."""

    contract: Contract
    product: Product


@dataclass(frozen=True, slots=True)
class Claim:
    """One alert's record. Only the fields of its state are filled."""

    state: State
    attempt: str
    """128 random bits in hex, new for every delivery that takes the claim."""
    fingerprint: str
    created_at: datetime
    lease_until: datetime
    request_id: str
    what: str
    """The alert in words: `SELL NIFTY 25800 CE WEEKLY`."""
    touched_at: datetime
    reason: str = ""
    """Why it was RELEASED or is UNKNOWN, for people."""
    retry: bool = False
    """RELEASED and a resend is wanted (503); else the sender was told for good."""
    sending: Slip | None = None
    reply: Reply | None = None
    expires_at: datetime | None = None
    """Set only with DONE, RELEASED and NOT_SENT: what is unsettled never expires."""
    told: str = ""
    """Why the owner was told that an earlier delivery of this alert sent nothing."""
    closed: bool = False
    """UNKNOWN of a past day, the owner told to look: no order book shows it now."""
    outbox: tuple[Outgoing, ...] = ()
    order_ids: tuple[str, ...] = ()
    """What FYERS called the order, one id for each slice; DONE only."""
    ledger: str = ""
    """Ticker from SENDING on, until the guard found that contract flat and quiet."""
    lane: str = ""
    """Ticker of the closing lane this claim took."""
    contract: Contract | None = None
    """The contract the alert means, once chosen; a resend keeps it."""
    timed: bool = False
    """The alert's body carries its own time."""
    strategy: str = ""
    """The alert's own word for what it belongs to."""
    done_at: datetime | None = None
    """When it became DONE: FYERS's answer, or the order was found."""
    story: Story | None = None
    """How the order ended, as the guard saw it; for the journal."""
    children: tuple[Child, ...] = ()
    """Of an EXIT of several positions: what it closes, each under its own claim."""
    first: str = ""
    """The attempt that first claimed the alert; empty while it is still `attempt`."""

    @property
    def mark(self) -> str:
        """Return what names the alert itself: the same for all its deliveries.

        A later alert under the same key, or of the same text, has another one.
        """
        return self.first or self.attempt

    @property
    def went(self) -> bool:
        """Return whether FYERS got the order, or may have got it."""
        return self.sending is not None and self.state is not State.RELEASED

    @property
    def on_paper(self) -> bool:
        """Return whether its order is of the paper account."""
        return self.contract is not None and self.contract.ticker.startswith(PAPER)

    @property
    def came_to_nothing(self) -> bool:
        """Return whether the alert is over and did not become what it asked for."""
        if self.state is State.DONE:
            return self.reply is not None and self.reply.status >= 400
        return self.state is State.NOT_SENT or (
            self.state is State.RELEASED and not self.retry
        )

    @property
    def closes(self) -> bool:
        """Return whether the alert closes a position."""
        if self.sending is not None:
            return self.sending.closes
        return bool(self.lane) or self.what.partition(" ")[0] in ("BUY", "EXIT")

    @property
    def our_order(self) -> OurOrder | None:
        """Return the order as the order book looks for it, None if there is none."""
        sending = self.sending
        flight = _FLIGHTS.get(self.state)
        if sending is None or flight is None:
            return None
        if self.state is State.DONE and not self.order_ids:
            return None  # refused for good
        return OurOrder(
            order=sending.order,
            closes=sending.closes,
            flight=flight,
            order_ids=self.order_ids,
            sent_at=sending.sent_at,
            send_by=sending.send_by,
            tick=self.contract.tick if self.contract else Decimal("0.05"),
            traded_before=sending.traded_before,
        )

    @property
    def watched(self) -> bool:
        """Return whether reconcile still has work with this claim."""
        return self.due_at is not None

    @property
    def due_at(self) -> datetime | None:
        """Return this claim's place in reconcile's queue, None outside it.

        What is unsettled or untold goes before what the guard only watches: a day full
        of quiet shorts must not keep reconcile from it.
        """
        if (
            self.outbox
            or (self.state is State.UNKNOWN and not self.closed)
            or self.state in (State.CLAIMED, State.SENDING)
            or (self.state is State.RELEASED and self.retry)
        ):
            return self.touched_at
        return self.touched_at + timedelta(days=1) if self.ledger else None


@dataclass(frozen=True, slots=True)
class Stored:
    """A claim as read, with the version a conditional write must name."""

    key: str
    """Document id: 64 hex digits."""
    claim: Claim
    version: str


_FLIGHTS = {
    State.SENDING: Flight.OPEN,
    State.UNKNOWN: Flight.OPEN,
    State.DONE: Flight.ACCEPTED,
    State.NOT_SENT: Flight.ABSENT,
}


class ClaimStore(Protocol):
    """Where claims live; the only arbiter between instances.

    Raises `AlreadyExists`, `Conflict` (both: certainly not applied) or `Doubtful`
    (anything else: a write may have been applied, or be applied later).
    """

    def create(self, key: str, claim: Claim, deadline: Deadline) -> Stored:
        """Store a claim under an id nobody holds; raise `AlreadyExists`, `Doubtful`."""

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        """Return the claim, expired ones included; raise `Doubtful`."""

    def replace(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        """Write `claim` over exactly the version read; raise `Conflict`, `Doubtful`."""

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        """Return up to `limit` watched claims, by `due_at`."""

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        """Return every claim whose `ledger` is that ticker, oldest first.

        None: all that have one. Raises `Doubtful`.
        """

    def of_day(self, day: date, deadline: Deadline) -> tuple[Stored, ...]:
        """Return the claims created on that IST day, oldest first; raise `Doubtful`."""

    def supersede(
        self, stored: Stored, claim: Claim, kept_key: str, deadline: Deadline
    ) -> Stored:
        """Write `claim` over exactly the version read and keep the old one.

        The old claim is written under `kept_key`, which nobody may hold, in the same
        commit. Raises `Conflict`, `Doubtful`.
        """

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Return whether this call was the first ever to name `what`; else False.

        The id is SHA-256 of `what`. An entry past its `expires_at` counts as absent
        even while it is still stored. Raises `Doubtful`.
        """

    def named(self, what: str, deadline: Deadline) -> bool:
        """Return whether `once` was told `what` and it has not expired; `Doubtful`."""

    def forget(self, what: str, deadline: Deadline) -> None:
        """Let the next `once` of `what` be the first again; raise `Doubtful`."""
