"""What the core asks of FYERS: the Broker and Login ports.

Every call takes a `Turn`: the deadline that bounds it in total and its places in the
instance's pace. An order has three outcomes, returned as values; only what provably
never reached FYERS is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from shared.errors import BrokerError
from shared.models import (
    BookedOrder,
    Change,
    Deadline,
    Listing,
    OptionChain,
    Order,
    OrderBook,
    OrderResult,
    OurOrder,
    Position,
    Quote,
    Secret,
    Token,
)


class NotTaken(BrokerError):
    """The call provably did not reach FYERS or was refused before it counted.

    `reason` is for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LoginEnded(NotTaken):
    """FYERS took no token, a fresh one neither: only a person can log in."""


class Unreadable(BrokerError):
    """A read brought no usable answer (timeout, 5xx, 429, HTML, a cut body)."""


class Turn(Protocol):
    """A deadline and reserved places in the pace, shared by one alert's calls."""

    @property
    def deadline(self) -> Deadline:
        """Return the instant that bounds the calls in total."""


class Broker(Protocol):
    """FYERS as orders and reconcile use it.

    Reads raise `Unreadable`, or `LoginEnded` when FYERS does not accept the
    token even after it was renewed. No other exception leaves an implementation.
    """

    def turn(self, calls: int, deadline: Deadline) -> Turn:
        """Reserve `calls` places in the pace; raise `NotTaken` if that is too late."""

    def quote(self, ticker: str, turn: Turn) -> Quote | None:
        """Return the quote, or None where FYERS answers without a price."""

    def chain(
        self, underlying: str, strikes: int, timestamp: str, turn: Turn
    ) -> OptionChain:
        """Return the contracts round the underlying's price.

        `timestamp` is FYERS's own epoch of the expiry; empty for the nearest.
        """

    def positions(self, turn: Turn) -> Listing[Position]:
        """Return every row of the net positions."""

    def order_book(self, turn: Turn) -> Listing[BookedOrder]:
        """Return every order of the IST day."""

    def market_open(self, turn: Turn) -> bool:
        """Return whether the F&O market is open now."""

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Place one order; raise `NotTaken` only where FYERS provably holds nothing."""

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        """Cancel working orders; return how each ended, in the order given."""

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        """Set a working order's quantity; return how that ended."""

    def open(self) -> None:
        """Open connections without calling any FYERS endpoint."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What FYERS gives for an auth code or a refresh."""

    access: Secret
    refresh: Secret | None


class LoginQueue(StrEnum):
    """Whose way to FYERS a login takes: strangers never delay the owner's."""

    OWNER = "owner"
    OTHERS = "others"


class LoginRefused(BrokerError):
    """FYERS answered a login step with an error; `code` is FYERS's own (0 if none)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Entry(Protocol):
    """One person's login at FYERS, its calls reserved; raises like `Login`."""

    def exchange(self, auth_code: Secret) -> Granted:
        """Trade a one-use auth code for tokens."""

    def owner(self, access: Secret) -> str:
        """Return the profile's `fy_id` for the access token just granted."""


class Login(Protocol):
    """FYERS's login steps (docs/fyers.md: Login).

    Each raises `LoginRefused` for FYERS's own refusal and `Unreadable` for no usable
    answer.
    """

    def page(self, state: str) -> str:
        """Return the address of FYERS's login page that carries `state`."""

    def begin(
        self, queue: LoginQueue, deadline: Deadline
    ) -> AbstractContextManager[Entry]:
        """Reserve the calls of one login; `Unreadable` where there is no room now."""

    def refresh(self, token: Token, deadline: Deadline) -> Granted:
        """Ask for a new access token; refused since 1 April 2026."""

    def owner(self, access: Secret, deadline: Deadline) -> str:
        """Return the profile's `fy_id` for an access token."""


def read_book(
    ticker: str,
    today: date,
    ours: Iterable[OurOrder],
    rows: Listing[BookedOrder],
    positions: Listing[Position],
) -> OrderBook:
    """Return one contract's book; raise `Unreadable` if a row of it was broken."""
    if ticker in rows.broken | positions.broken:
        raise Unreadable(f"FYERS sent a row of {ticker} that cannot be read")
    return OrderBook.of(ticker, today, ours, rows.rows, positions.rows)
