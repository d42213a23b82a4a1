"""Orders and trades, and their rows as FYERS writes them."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from simulator.market import Prices
from simulator.options import ABSENT, IST
from simulator.rules import Wish
from simulator.wire import Payload

CANCELLED, TRADED, TRANSIT, REJECTED, PENDING, EXPIRED = 1, 2, 4, 5, 6, 7
WORKING = (TRANSIT, PENDING)
NO_PRICES = Prices(Decimal(0), Decimal(0), Decimal(0))


@dataclass(slots=True)
class Order:
    """One order of the day; changes as it lives."""

    id: str
    wish: Wish
    at: datetime
    tag: str
    """As FYERS returns it, with its `1:` or `2:`."""
    status: int = TRANSIT
    filled: int = 0
    paid: Decimal = Decimal(0)
    """Rupees traded so far, fills × price."""
    message: str = ""
    parent_id: str | None = None
    exit: str = ""
    """`stop` or `target` on an exit leg."""
    shown_limit: Decimal | None = None
    """The protection price a market order turned into."""
    exits: str = ""
    """What becomes of its exit legs: nothing special, `vanish` or `reject`."""
    history: list[int] = field(default_factory=lambda: [TRANSIT])
    """Every status it had, oldest first."""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    source: str = "API"
    """Where it came from: API, or a person or FYERS itself (M, W, R, A, ITS)."""
    suffix: str = ""
    """What the book appends to its id."""
    product: str = ""
    """The product word its row shows; empty is its own."""
    shown_parent: object = ABSENT
    """The parentId its row shows, `ABSENT` for none."""
    triggered: bool = False
    """A stop whose price was reached."""
    hidden: bool = False
    """Accepted, and in no order book."""
    shown_from: float = 0.0
    """Ticks from which the order book shows it."""
    before: list[tuple[float, Order]] = field(default_factory=list)
    """What the book shows of it until when, in ticks; afterwards what it is."""

    @property
    def symbol(self) -> str:
        """Return the contract's ticker."""
        return self.wish.contract.ticker

    @property
    def qty(self) -> int:
        """Return the contracts ordered."""
        return self.wish.qty

    @property
    def side(self) -> int:
        """Return 1 for a buy, -1 for a sell."""
        return self.wish.side

    @property
    def left(self) -> int:
        """Return the contracts that may still trade."""
        return self.wish.qty - self.filled if self.working else 0

    @property
    def working(self) -> bool:
        """Return whether it may still trade."""
        return self.status in WORKING

    @property
    def shown_id(self) -> str:
        """Return the id its row carries."""
        return self.id + self.suffix

    def lag(self, until: float) -> None:
        """Let the book show what it is now until then, whatever it becomes."""
        self.before.append((until, copy.copy(self)))

    def seen(self, now: float) -> Order:
        """Return what the book shows of it at a tick."""
        return next((past for until, past in self.before if until > now), self)

    @property
    def average(self) -> Decimal:
        """Return the mean price of its fills, rupees."""
        return self.paid / self.filled if self.filled else Decimal(0)

    def become(self, status: int, message: str = "") -> None:
        """Move to a status."""
        if status != self.status:
            self.history.append(status)
        self.status = status
        self.message = message or self.message

    def change(self, **values: object) -> None:
        """Replace parts of what was asked for."""
        self.wish = replace(self.wish, **values)  # type: ignore[arg-type]  # Wish's own fields

    def row(self, number: int, prices: Prices) -> Payload:
        """Return the order book's row (docs/fyers.md: Order book and positions)."""
        wish, contract = self.wish, self.wish.contract
        limit = wish.limit_price if self.shown_limit is None else self.shown_limit
        row: Payload = {
            "clientId": "",
            "id": self.shown_id,
            "id_fyers": self.uuid,
            "exchOrdId": "" if self.status == REJECTED else f"11{self.id}",
            "qty": wish.qty,
            "remainingQuantity": self.left,
            "filledQty": self.filled,
            "discloseQty": 0,
            "disclosedQty": 0,
            "dqQtyRem": 0,
            "limitPrice": float(limit),
            "stopPrice": float(wish.stop_price),
            "tradedPrice": float(round(self.average, 4)),
            "type": wish.type,
            "fyToken": contract.fy_token,
            "exchange": contract.exchange,
            "segment": 11,
            "symbol": contract.ticker,
            "instrument": contract.instrument,
            "message": self.message,
            "offlineOrder": wish.offline,
            "orderDateTime": f"{self.at.astimezone(IST):%d-%b-%Y %H:%M:%S}",
            "orderValidity": wish.validity,
            "pan": "",
            "productType": self.product or wish.product,
            "side": wish.side,
            "status": self.status,
            "source": self.source,
            "ex_sym": contract.underlying,
            "description": contract.description,
            "ch": 0.0,
            "chp": 0.0,
            "lp": float(prices.last),
            "slNo": number,
            "orderNumStatus": f"{self.shown_id}:{self.status}",
            "orderTag": self.tag,
            "takeProfit": float(wish.take_profit),
            "stopLoss": float(wish.stop_loss),
        }
        if self.shown_parent != ABSENT:
            row["parentId"] = self.shown_parent
        return row


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill."""

    order: Order
    qty: int
    price: Decimal
    at: datetime

    def row(self, number: int) -> Payload:
        """Return the trade book's row (docs/fyers.md: Order book and positions)."""
        return {
            "clientId": "",
            "orderDateTime": f"{self.at.astimezone(IST):%d-%b-%Y %H:%M:%S}",
            "orderNumber": self.order.shown_id,
            "exchangeOrderNo": f"11{self.order.id}",
            "exchange": self.order.wish.contract.exchange,
            "segment": 11,
            "side": self.order.side,
            "orderType": self.order.wish.type,
            "fyToken": self.order.wish.contract.fy_token,
            "productType": self.order.wish.product,
            "tradedQty": self.qty,
            "tradePrice": float(self.price),
            "tradeValue": float(self.price * self.qty),
            "tradeNumber": f"{self.order.id}-{number}",
            "row": number,
            "symbol": self.order.symbol,
            "orderTag": self.order.tag.replace("2:", "1:", 1),
        }
