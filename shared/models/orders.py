"""Orders: as they go to FYERS, as its order book shows them, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from shared.models.basics import Action, Product

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[_Row]):
    """A list as FYERS sent it, each row parsed once."""

    rows: tuple[_Row, ...]
    broken: frozenset[str] = frozenset()
    """Tickers with a row that could not be read: of these nothing may be concluded."""


@dataclass(frozen=True, slots=True)
class Position:
    """One row of FYERS's net positions: a (ticker, product) pair."""

    ticker: str
    product: str
    """As FYERS says it; may be a product this code never orders."""
    net_qty: int
    """Contracts, signed: below zero is short."""
    carried: int = 0
    """Contracts brought from earlier days, signed: cfBuyQty − cfSellQty."""
    day_bought: int = 0
    """Contracts bought today, `dayBuyQty`; may lag behind the order book."""
    day_sold: int = 0
    ltp: Decimal | None = None
    """Last traded price, rupees; None where FYERS gives none."""
    realized: Decimal = Decimal(0)
    """Rupees."""
    unrealized: Decimal = Decimal(0)
    """Rupees."""


class OrderStatus(StrEnum):
    """FYERS's order status, by meaning (docs/fyers.md: Order book and positions)."""

    CANCELLED = "cancelled"
    TRADED = "traded"
    TRANSIT = "transit"
    REJECTED = "rejected"
    PENDING = "pending"
    EXPIRED = "expired"
    OTHER = "other"

    @property
    def working(self) -> bool:
        """Return whether the order may still trade."""
        return self in (OrderStatus.TRANSIT, OrderStatus.PENDING, OrderStatus.OTHER)


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """One row of FYERS's order book."""

    order_id: str
    ticker: str
    action: Action
    qty: int
    filled: int
    product: str
    status: OrderStatus
    tag: str
    """The user's tag without FYERS's `1:`; empty when the order carries none."""
    parent_id: str | None
    """The entry order's id on an exit leg, else None; FYERS also writes "-" and 0."""
    message: str
    placed_at: datetime | None
    order_type: int = 2
    """1 limit, 2 market, 3 stop (SL-M), 4 stop-limit."""
    limit_price: Decimal = Decimal(0)
    stop_price: Decimal = Decimal(0)
    traded_price: Decimal = Decimal(0)
    """Average price of what is filled, rupees; 0 before."""

    @property
    def remaining(self) -> int:
        """Return the contracts that may still trade."""
        return max(0, self.qty - self.filled) if self.status.working else 0


@dataclass(frozen=True, slots=True)
class Order:
    """A market order as it goes to FYERS; exits are distances in points."""

    ticker: str
    action: Action
    qty: int
    product: Product
    tag: str
    """20 hex digits; FYERS returns `1:<tag>` and never deduplicates by it."""
    stop_loss: Decimal | None = None
    """Distance from the fill, rupees (`legType` 1), a multiple of the tick."""
    take_profit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """FYERS accepted the order: 1101 and an id, one for each slice."""

    order_id: str
    message: str
    slices: tuple[str, ...] = ()
    """Every id of a sliced order, `order_id` first; empty for an order in one piece."""
    refused: tuple[str, ...] = ()
    """FYERS's words for each slice it did not take."""

    @property
    def order_ids(self) -> tuple[str, ...]:
        """Return every id the order book may show."""
        return self.slices or (self.order_id,)


@dataclass(frozen=True, slots=True)
class Rejected:
    """FYERS refused the order for good; nothing is working."""

    code: int
    reason: str
    order_id: str | None = None

    @property
    def for_margin(self) -> bool:
        """Return whether RMS says that money is short (`RED:Margin Shortfall…`)."""
        return "margin shortfall" in self.reason.casefold()


@dataclass(frozen=True, slots=True)
class Unclear:
    """FYERS may hold the order; only the order book can tell."""

    reason: str
    order_id: str = ""
    """An id FYERS named all the same: the order is looked up by it too."""


class Change(StrEnum):
    """How a cancel or resize of a working order ended."""

    CONFIRMED = "confirmed"
    NOT_PENDING = "not pending"
    """-52: it had ended already, perhaps by a trade. Read and compute anew."""
    UNCLEAR = "unclear"


OrderResult = Placed | Rejected | Unclear
