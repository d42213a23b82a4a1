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

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from shared.models import Deadline, Notice, Order


class State(StrEnum):
    """Where a claim stands; see the timeline above."""

    CLAIMED = "CLAIMED"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    RELEASED = "RELEASED"
    DONE = "DONE"
    NOT_SENT = "NOT_SENT"


@dataclass(frozen=True, slots=True)
class Sending:
    """The order as it stands at FYERS's door; written before it is placed."""

    order: Order
    lot: int
    ltp: Decimal | None
    """Rupees; None only for a cover, which no quote may stop."""
    stop_loss: Decimal | None
    """Price level as of the LTP."""
    take_profit: Decimal | None
    sent_at: datetime
    send_by: datetime
    """After this instant the order call is certainly over."""
    day: date
    """IST day of the order book that can show the order."""
    covers: int = 0
    """Contracts short, not yet being covered, before a BUY; 0 for a SELL."""
    note: str = ""
    """What the reply must say besides (a quantity that was cut)."""


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
class Followed:
    """An order reconcile still watches, for this claim or one it took over."""

    order: Order
    order_id: str
    """Empty for an order believed never sent that may yet turn up."""
    sent_at: datetime
    day: date
    request_id: str
    exits: int = 0
    """Exit legs the order should have once filled."""
    trim: bool = False
    """The exits of what this cover closed have still to be cut to the short left."""
    rested: bool = False
    """The order was seen working without a fill."""
    filled_at: datetime | None = None
    """When a fill was first seen of an order that had rested."""
    told: tuple[str, ...] = ()
    """Events reported already."""


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
    sending: Sending | None = None
    reply: Reply | None = None
    expires_at: datetime | None = None
    """Set only with DONE, RELEASED and NOT_SENT: what is unsettled never expires."""
    told: str = ""
    """Why the owner was told that an earlier delivery of this alert sent nothing."""
    closed: bool = False
    """UNKNOWN of a past day, the owner told to look: no order book shows it now."""
    outbox: tuple[Outgoing, ...] = ()
    followed: tuple[Followed, ...] = field(default=())

    @property
    def watched(self) -> bool:
        """Return whether reconcile still has work with this claim."""
        return self.due_at is not None

    @property
    def due_at(self) -> datetime | None:
        """Return this claim's place in reconcile's queue, None outside it.

        What is unsettled or untold goes before orders that are only followed: a day
        full of quiet shorts must not keep reconcile from it.
        """
        if (
            self.outbox
            or (self.state is State.UNKNOWN and not self.closed)
            or self.state in (State.CLAIMED, State.SENDING)
            or (self.state is State.RELEASED and self.retry)
        ):
            return self.touched_at
        return self.touched_at + timedelta(days=1) if self.followed else None


@dataclass(frozen=True, slots=True)
class Stored:
    """A claim as read, with the version a conditional write must name."""

    key: str
    """Document id: 64 hex digits."""
    claim: Claim
    version: str


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

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Return whether this call was the first ever to name `what`; else False.

        The id is SHA-256 of `what`. An entry past its `expires_at` counts as absent
        even while it is still stored. Raises `Doubtful`.
        """

    def named(self, what: str, deadline: Deadline) -> bool:
        """Return whether `once` was told `what` and it has not expired; `Doubtful`."""

    def forget(self, what: str, deadline: Deadline) -> None:
        """Let the next `once` of `what` be the first again; raise `Doubtful`."""
