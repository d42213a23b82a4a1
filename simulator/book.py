"""Orders, trades and positions, and their rows as FYERS writes them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from simulator.contracts import Contract
from simulator.market import Prices
from simulator.options import IST
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
        """Return the order book's row (facts: order book row)."""
        wish, contract = self.wish, self.wish.contract
        limit = wish.limit_price if self.shown_limit is None else self.shown_limit
        row: Payload = {
            "clientId": "",
            "id": self.id,
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
            "exchange": 10,
            "segment": 11,
            "symbol": contract.ticker,
            "instrument": contract.instrument,
            "message": self.message,
            "offlineOrder": wish.offline,
            "orderDateTime": f"{self.at.astimezone(IST):%d-%b-%Y %H:%M:%S}",
            "orderValidity": wish.validity,
            "pan": "",
            "productType": wish.product,
            "side": wish.side,
            "status": self.status,
            "source": "API",
            "ex_sym": contract.underlying,
            "description": contract.description,
            "ch": 0.0,
            "chp": 0.0,
            "lp": float(prices.last),
            "slNo": number,
            "orderNumStatus": f"{self.id}:{self.status}",
            "orderTag": self.tag,
            "takeProfit": float(wish.take_profit),
            "stopLoss": float(wish.stop_loss),
        }
        if self.parent_id is not None:
            row["parentId"] = self.parent_id
        return row


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill."""

    order: Order
    qty: int
    price: Decimal
    at: datetime

    def row(self, number: int) -> Payload:
        """Return the trade book's row (facts: trade book row)."""
        return {
            "clientId": "",
            "orderDateTime": f"{self.at.astimezone(IST):%d-%b-%Y %H:%M:%S}",
            "orderNumber": self.order.id,
            "exchangeOrderNo": f"11{self.order.id}",
            "exchange": 10,
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


@dataclass(slots=True)
class Position:
    """The net of one contract and product."""

    contract: Contract
    product: str
    bought: int = 0
    bought_for: Decimal = Decimal(0)
    sold: int = 0
    sold_for: Decimal = Decimal(0)

    @property
    def net(self) -> int:
        """Return contracts, negative for a short."""
        return self.bought - self.sold

    def add(self, side: int, qty: int, price: Decimal) -> None:
        """Book a fill."""
        if side > 0:
            self.bought += qty
            self.bought_for += price * qty
        else:
            self.sold += qty
            self.sold_for += price * qty

    def row(self, number: int, prices: Prices) -> Payload:
        """Return the row of net positions (facts: positions)."""
        buy = self.bought_for / self.bought if self.bought else Decimal(0)
        sell = self.sold_for / self.sold if self.sold else Decimal(0)
        held = buy if self.net > 0 else sell if self.net < 0 else Decimal(0)
        realized = (sell - buy) * min(self.bought, self.sold)
        unrealized = (prices.last - held) * self.net
        ticker = self.contract.ticker
        return {
            "symbol": ticker,
            "id": f"{ticker}-{self.product}",
            "netQty": self.net,
            "qty": abs(self.net),
            "side": (self.net > 0) - (self.net < 0),
            "avgPrice": float(round(held, 4)),
            "netAvg": float(round(held, 4)),
            "productType": self.product,
            "realized_profit": float(round(realized, 2)),
            "unrealized_profit": float(round(unrealized, 2)),
            "pl": float(round(realized + unrealized, 2)),
            "ltp": float(prices.last),
            "buyQty": self.bought,
            "buyAvg": float(round(buy, 4)),
            "buyVal": float(self.bought_for),
            "sellQty": self.sold,
            "sellAvg": float(round(sell, 4)),
            "sellVal": float(self.sold_for),
            "slNo": number,
            "fyToken": self.contract.fy_token,
            "crossCurrency": "N",
            "rbiRefRate": 1,
            "qtyMulti_com": 1,
            "segment": 11,
            "exchange": 10,
            "cfBuyQty": 0,
            "cfSellQty": 0,
            "dayBuyQty": self.bought,
            "daySellQty": self.sold,
        }
