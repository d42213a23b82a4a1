"""What the core asks of FYERS: the Broker and Login ports.

Every call takes a `Turn`: the deadline that bounds it in total and its places in the
instance's pace. An order has three outcomes, returned as values; only what provably
never reached FYERS is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared.models import (
    Action,
    BookedOrder,
    Deadline,
    Order,
    OrderResult,
    Position,
    Secret,
    Token,
)


class NotTaken(Exception):
    """The call provably did not reach FYERS or was refused before it counted.

    `reason` is for people. `login` is true when only a person can cure it (a 401 that a
    fresh token did not cure).
    """

    def __init__(self, reason: str, *, login: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.login = login


class Unreadable(Exception):
    """A read brought no usable answer (timeout, 5xx, 429, HTML, a cut body)."""


class Turn(Protocol):
    """A deadline and reserved places in the pace, shared by one alert's calls."""

    @property
    def deadline(self) -> Deadline:
        """Return the instant that bounds the calls in total."""


class Broker(Protocol):
    """FYERS as orders and reconcile use it.

    Reads raise `Unreadable`, or `NotTaken(login=True)` when FYERS does not accept the
    token even after it was renewed. No other exception leaves an implementation.
    """

    def turn(self, calls: int, deadline: Deadline) -> Turn:
        """Reserve `calls` places in the pace; raise `NotTaken` if that is too late."""

    def ltp(self, ticker: str, turn: Turn) -> Decimal | None:
        """Return the last traded price, or None where FYERS answers without one."""

    def positions(self, turn: Turn) -> tuple[Position, ...]:
        """Return every row of the net positions."""

    def order_book(self, turn: Turn) -> tuple[BookedOrder, ...]:
        """Return every order of the IST day."""

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Place one order; raise `NotTaken` only where FYERS provably holds nothing."""

    def cancel(self, order_id: str, turn: Turn) -> bool:
        """Cancel a working order; return whether it is certainly not working now."""

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> bool:
        """Set a working order's quantity; return whether FYERS confirmed it."""

    def open(self) -> None:
        """Open connections without calling any FYERS endpoint."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What FYERS gives for an auth code or a refresh."""

    access: Secret
    refresh: Secret | None


class LoginRefused(Exception):
    """FYERS answered a login step with an error; `code` is FYERS's own (0 if none)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Login(Protocol):
    """FYERS's login steps (facts: authentication).

    Each raises `LoginRefused` for FYERS's own refusal and `Unreadable` for no usable
    answer.
    """

    def page(self, state: str) -> str:
        """Return the address of FYERS's login page that carries `state`."""

    def exchange(self, auth_code: Secret, deadline: Deadline) -> Granted:
        """Trade a one-use auth code for tokens."""

    def refresh(self, token: Token, deadline: Deadline) -> Granted:
        """Ask for a new access token; refused since 1 April 2026."""

    def owner(self, access: Secret, deadline: Deadline) -> str:
        """Return the profile's `fy_id` for an access token."""


def working_buys(
    book: tuple[BookedOrder, ...], ticker: str, product: str
) -> tuple[BookedOrder, ...]:
    """Return the BUY orders of a contract and product that still work, no exits."""
    return tuple(
        row
        for row in book
        if row.ticker == ticker
        and row.product == product
        and row.action is Action.BUY
        and row.parent_id is None
        and row.remaining > 0
    )


def working_sells(book: tuple[BookedOrder, ...], ticker: str, product: str) -> int:
    """Return the contracts that working SELL orders, exits aside, may still sell."""
    return sum(
        row.remaining
        for row in book
        if (row.ticker, row.product) == (ticker, product)
        and row.action is Action.SELL
        and row.parent_id is None
    )


@dataclass(frozen=True, slots=True)
class Trim:
    """One change to an exit leg: a new quantity, zero to cancel it."""

    leg: BookedOrder
    qty: int


def trims(
    book: tuple[BookedOrder, ...], ticker: str, product: str, short: int
) -> tuple[Trim, ...]:
    """Return the changes after which open exits cover `short` contracts, no more.

    Legs of one entry (same `parent_id`) protect the same contracts, so the excess is
    counted per entry; the oldest entry's exits go first.
    """
    legs = [
        row
        for row in book
        if row.ticker == ticker
        and row.product == product
        and row.parent_id is not None
        and row.status.working
    ]
    entries: dict[str, list[BookedOrder]] = {}
    for row in sorted(legs, key=lambda leg: (leg.parent_id or "", leg.order_id)):
        entries.setdefault(row.parent_id or "", []).append(row)
    excess = sum(max(leg.remaining for leg in group) for group in entries.values())
    excess -= max(0, short)
    changes: list[Trim] = []
    for group in entries.values():
        size = max(leg.remaining for leg in group)
        keep = max(0, size - max(0, excess))
        excess -= size - keep
        changes += [
            Trim(leg, keep + leg.filled if keep else 0)
            for leg in group
            if leg.remaining > keep
        ]
    return tuple(changes)
