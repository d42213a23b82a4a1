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
from typing import Generic, Protocol, TypeGuard, TypeVar

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


# --- Where a claim stands; see the timeline above -----------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery has the alert and has sent nothing yet."""

    name = "CLAIMED"


@dataclass(frozen=True, slots=True)
class Sending:
    """The order is on its way to FYERS, or about to be."""

    name = "SENDING"
    slip: Slip


@dataclass(frozen=True, slots=True)
class Unknown:
    """FYERS may hold the order."""

    name = "UNKNOWN"
    slip: Slip
    reason: str = ""
    order_ids: tuple[str, ...] = ()
    """What FYERS named all the same; the order is looked up by it too."""
    closed: bool = False
    """Of a past day, the owner told to look: no order book shows it now."""


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing was sent, or it was provably not taken; kept for the next delivery."""

    name = "RELEASED"
    expires_at: datetime
    reason: str = ""
    retry: bool = False
    """A resend is wanted (503); else the sender was told for good."""
    slip: Slip | None = None
    """The order that FYERS provably did not take."""


@dataclass(frozen=True, slots=True)
class Done:
    """Answered for good."""

    name = "DONE"
    reply: Reply
    expires_at: datetime
    done_at: datetime | None = None
    """FYERS's answer, or when the order was found; old documents do not say."""
    order_ids: tuple[str, ...] = ()
    """What FYERS called the order, one id for each slice; empty: nothing traded."""
    slip: Slip | None = None
    """None for an alert that was no order of its own."""
    reason: str = ""
    """Why it was UNKNOWN or NOT_SENT before."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Settled as never executed; corrected if the order turns up all the same."""

    name = "NOT_SENT"
    expires_at: datetime
    reason: str = ""
    order_ids: tuple[str, ...] = ()
    slip: Slip | None = None
    """The order that no book shows; None where none was ever sent."""


State = Claimed | Sending | Unknown | Released | Done | NotSent
"""What is unsettled has no `expires_at`: it never expires."""

S = TypeVar("S", bound=State)
S_co = TypeVar("S_co", bound=State, covariant=True)


@dataclass(frozen=True, slots=True)
class ClaimAt(Generic[S_co]):
    """One alert's record: what every claim has, and where it stands."""

    at: S_co
    attempt: str
    """128 random bits in hex, new for every delivery that takes the claim."""
    fingerprint: str
    created_at: datetime
    lease_until: datetime
    request_id: str
    what: str
    """The alert in words: `SELL NIFTY 25800 CE WEEKLY`."""
    touched_at: datetime
    told: str = ""
    """Why the owner was told that an earlier delivery of this alert sent nothing."""
    outbox: tuple[Outgoing, ...] = ()
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
    story: Story | None = None
    """How the order ended, as the guard saw it; for the journal."""
    children: tuple[Child, ...] = ()
    """Of an EXIT of several positions: what it closes, each under its own claim."""
    first: str = ""
    """The attempt that first claimed the alert; empty while it is still `attempt`."""

    @property
    def state(self) -> str:
        """Return the state's name, as documents, logs and people know it."""
        return self.at.name

    @property
    def slip(self) -> Slip | None:
        """Return the alert's order as it went to FYERS, None if none ever did."""
        return None if isinstance(self.at, Claimed) else self.at.slip

    @property
    def reason(self) -> str:
        """Return why nothing was sent, or why its outcome is or was unknown."""
        return "" if isinstance(self.at, Claimed | Sending) else self.at.reason

    @property
    def order_ids(self) -> tuple[str, ...]:
        """Return what FYERS called the order, one id for each slice."""
        return self.at.order_ids if isinstance(self.at, _NAMED) else ()

    @property
    def mark(self) -> str:
        """Return what names the alert itself: the same for all its deliveries.

        A later alert under the same key, or of the same text, has another one.
        """
        return self.first or self.attempt

    @property
    def went(self) -> bool:
        """Return whether FYERS got the order, or may have got it."""
        return self.slip is not None and not isinstance(self.at, Released)

    @property
    def on_paper(self) -> bool:
        """Return whether its order is of the paper account."""
        return self.contract is not None and self.contract.ticker.startswith(PAPER)

    @property
    def came_to_nothing(self) -> bool:
        """Return whether the alert is over and did not become what it asked for."""
        match self.at:
            case Done(reply=reply):
                return reply.status >= 400
            case Released(retry=retry):
                return not retry
            case NotSent():
                return True
            case Claimed() | Sending() | Unknown():
                return False

    @property
    def closes(self) -> bool:
        """Return whether the alert closes a position."""
        if self.slip is not None:
            return self.slip.closes
        return bool(self.lane) or self.what.partition(" ")[0] in ("BUY", "EXIT")

    @property
    def our_order(self) -> OurOrder | None:
        """Return the order as the order book looks for it, None if there is none."""
        match self.at:
            case Sending(slip):
                return self.booked(slip, Flight.OPEN)
            case Unknown(slip, order_ids=ids):
                return self.booked(slip, Flight.OPEN, ids)
            case Done(slip=Slip() as slip, order_ids=ids) if ids:
                return self.booked(slip, Flight.ACCEPTED, ids)
            case NotSent(slip=Slip() as slip, order_ids=ids):
                return self.booked(slip, Flight.ABSENT, ids)
            case Claimed() | Released() | Done() | NotSent():
                return None  # of DONE: refused for good, or no order of its own

    def booked(
        self, slip: Slip, flight: Flight, order_ids: tuple[str, ...] = ()
    ) -> OurOrder:
        """Return an order of this claim as the order book looks for it."""
        return OurOrder(
            order=slip.order,
            closes=slip.closes,
            flight=flight,
            order_ids=order_ids,
            sent_at=slip.sent_at,
            send_by=slip.send_by,
            tick=self.contract.tick if self.contract else Decimal("0.05"),
            traded_before=slip.traded_before,
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
        if self.outbox or self._unsettled:
            return self.touched_at
        return self.touched_at + timedelta(days=1) if self.ledger else None

    @property
    def _unsettled(self) -> bool:
        match self.at:
            case Claimed() | Sending():
                return True
            case Unknown(closed=closed):
                return not closed
            case Released(retry=retry):
                return retry
            case Done() | NotSent():
                return False


_NAMED = (Unknown, Done, NotSent)

Claim = ClaimAt[State]
"""A claim wherever it stands; a name for types only."""


@dataclass(frozen=True, slots=True)
class StoredAt(Generic[S_co]):
    """A claim as read, with the version a conditional write must name."""

    key: str
    """Document id: 64 hex digits."""
    claim: ClaimAt[S_co]
    version: str


Stored = StoredAt[State]


def stands_at(stored: Stored, state: type[S]) -> TypeGuard[StoredAt[S]]:
    """Return whether a stored claim stands there; the type checker knows it then."""
    return isinstance(stored.claim.at, state)


class ClaimStore(Protocol):
    """Where claims live; the only arbiter between instances.

    Raises `AlreadyExists`, `Conflict` (both: certainly not applied) or `Doubtful`
    (anything else: a write may have been applied, or be applied later).
    """

    def create(self, key: str, claim: ClaimAt[S], deadline: Deadline) -> StoredAt[S]:
        """Store a claim under an id nobody holds; raise `AlreadyExists`, `Doubtful`."""

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        """Return the claim, expired ones included; raise `Doubtful`."""

    def replace(
        self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
    ) -> StoredAt[S]:
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
        self, stored: Stored, claim: ClaimAt[S], kept_key: str, deadline: Deadline
    ) -> StoredAt[S]:
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
