"""Contracts, tokens, notices, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

IST = timezone(timedelta(hours=5, minutes=30), "IST")

_T = TypeVar("_T")

Clock = Callable[[], datetime]
"""Return the present instant, aware."""


class Fork(Protocol):
    """Starts a task beside the caller, who awaits it before the reply."""

    def __call__(self, task: Callable[[], _T], /) -> Future[_T]:
        """Return the running task."""


class Secret:
    """A text that shows itself only when opened by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def open(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Action(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"


class OptionType(StrEnum):
    """Call or put."""

    CE = "CE"
    PE = "PE"


class Product(StrEnum):
    """The products an order may carry; FYERS withdrew BO and CO on 2 August 2026."""

    INTRADAY = "INTRADAY"
    MARGIN = "MARGIN"


class Wanted(StrEnum):
    """The product words an alert may say; BO and CO are translated, never sent."""

    INTRADAY = "INTRADAY"
    MARGIN = "MARGIN"
    BO = "BO"
    CO = "CO"


class Deadline:
    """An instant on a monotonic clock after which nothing more may be awaited."""

    __slots__ = ("_at", "_now")

    def __init__(self, at: float, now: Callable[[], float]) -> None:
        self._at = at
        self._now = now

    def left(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._at - self._now())

    def within(self, seconds: float) -> Deadline:
        """Return the earlier of this deadline and `seconds` from now."""
        return Deadline(min(self._at, self._now() + seconds), self._now)

    def minus(self, seconds: float) -> Deadline:
        """Return a deadline that keeps `seconds` of this one in reserve."""
        return Deadline(self._at - seconds, self._now)


PAPER = "PAPER:"
"""What the ticker of a paper contract begins with."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One option contract as the symbol master lists it."""

    ticker: str
    """FYERS ticker, e.g. `NSE:NIFTY26NOV25800CE`; never constructed."""
    underlying: str
    expiry: date
    """IST date of the last trading day."""
    expires_at: datetime
    """The master's expiry instant: the session's close on that day."""
    strike: Decimal
    option_type: OptionType
    lot: int
    """Contracts per lot."""
    tick: Decimal
    """Smallest price step, rupees."""


@dataclass(frozen=True, slots=True)
class Token:
    """A FYERS login: the access token and what is known of it."""

    access: Secret
    refresh: Secret | None
    issued_at: datetime
    expires_at: datetime
    """From the access token's own `exp`; FYERS ends it at 06:00 IST."""
    fy_id: str


class Severity(StrEnum):
    """How soon a person should look."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to the owner, in words a trader uses, saying what to do."""

    message: str
    severity: Severity
    event: str
    """Snake-case name of what happened, e.g. `outcome_unknown`."""
    at: datetime
    request_id: str = ""
    contract: str = ""
    """FYERS ticker once known, else the alert's own words; empty if neither."""
    side: str = ""
    quantity: int | None = None
    """Contracts."""
    alert_at: datetime | None = None
    """When the alert came that this is about; None where it is about none."""
