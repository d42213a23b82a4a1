"""Positions: what fills, carrying and conversion make of them, and when it shows.

The truth changes at once; what `/positions` shows may follow it later, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from simulator.contracts import Contract
from simulator.market import Prices
from simulator.wire import Payload


@dataclass(slots=True)
class Side:
    """What was bought, or what was sold: contracts and the rupees for them."""

    qty: int = 0
    value: Decimal = Decimal(0)

    def add(self, qty: int, value: Decimal) -> None:
        """Book contracts and their rupees."""
        self.qty += qty
        self.value += value

    def take(self, most: int) -> tuple[int, Decimal]:
        """Take out up to `most` contracts at their mean price."""
        qty = min(most, self.qty)
        value = self.value * qty / self.qty if qty else Decimal(0)
        self.add(-qty, -value)
        return qty, value

    def __add__(self, other: Side) -> Side:
        return Side(self.qty + other.qty, self.value + other.value)

    @property
    def average(self) -> Decimal:
        """Return the mean price, zero for nothing."""
        return self.value / self.qty if self.qty else Decimal(0)


@dataclass(slots=True)
class Position:
    """The net of one contract and product: carried from before, and of the day."""

    contract: Contract
    product: str
    carried_buys: Side = field(default_factory=Side)
    carried_sells: Side = field(default_factory=Side)
    day_buys: Side = field(default_factory=Side)
    day_sells: Side = field(default_factory=Side)

    @property
    def net(self) -> int:
        """Return contracts, negative for a short."""
        carried = self.carried_buys.qty - self.carried_sells.qty
        return carried + self.day_buys.qty - self.day_sells.qty

    def add(self, side: int, qty: int, price: Decimal, *, carried: bool) -> None:
        """Book a fill, or contracts carried from a day before."""
        if carried:
            booked = self.carried_buys if side > 0 else self.carried_sells
        else:
            booked = self.day_buys if side > 0 else self.day_sells
        booked.add(qty, price * qty)

    def row(self, number: int, prices: Prices) -> Payload:
        """Return the row of net positions (docs/fyers.md: Order book and positions)."""
        buys = self.carried_buys + self.day_buys
        sells = self.carried_sells + self.day_sells
        net = self.net
        held = buys.average if net > 0 else sells.average if net < 0 else Decimal(0)
        realized = (sells.average - buys.average) * min(buys.qty, sells.qty)
        unrealized = (prices.last - held) * net
        ticker = self.contract.ticker
        return {
            "symbol": ticker,
            "id": f"{ticker}-{self.product}",
            "netQty": net,
            "qty": abs(net),
            "side": (net > 0) - (net < 0),
            "avgPrice": float(round(held, 4)),
            "netAvg": float(round(held, 4)),
            "productType": self.product,
            "realized_profit": float(round(realized, 2)),
            "unrealized_profit": float(round(unrealized, 2)),
            "pl": float(round(realized + unrealized, 2)),
            "ltp": float(prices.last),
            "buyQty": buys.qty,
            "buyAvg": float(round(buys.average, 4)),
            "buyVal": float(round(buys.value, 4)),
            "sellQty": sells.qty,
            "sellAvg": float(round(sells.average, 4)),
            "sellVal": float(round(sells.value, 4)),
            "slNo": number,
            "fyToken": self.contract.fy_token,
            "crossCurrency": "N",
            "rbiRefRate": 1,
            "qtyMulti_com": 1,
            "segment": 11,
            "exchange": self.contract.exchange,
            "cfBuyQty": self.carried_buys.qty,
            "cfSellQty": self.carried_sells.qty,
            "dayBuyQty": self.day_buys.qty,
            "daySellQty": self.day_sells.qty,
        }


Change = Callable[["Table"], None]


class Table:
    """Positions by contract and product."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Position] = {}

    def of(self, contract: Contract, product: str) -> Position:
        """Return a position, a flat one if there was none."""
        key = contract.ticker, product
        return self.rows.setdefault(key, Position(contract, product))


class Positions:
    """The truth, and what is shown of it."""

    def __init__(self) -> None:
        self.truth = Table()
        self._shown = Table()
        self._waiting: deque[tuple[float, Change]] = deque()

    def net(self, ticker: str, product: str) -> int:
        """Return the contracts held, negative for a short."""
        position = self.truth.rows.get((ticker, product))
        return position.net if position else 0

    def do(self, change: Change, shows_at: float = 0.0) -> None:
        """Make a change; show it then, never before an earlier one."""
        change(self.truth)
        last = self._waiting[-1][0] if self._waiting else 0.0
        self._waiting.append((max(shows_at, last), change))

    def shown(self, now: float) -> list[Position]:
        """Return what shows by now."""
        while self._waiting and self._waiting[0][0] <= now:
            self._waiting.popleft()[1](self._shown)
        return list(self._shown.rows.values())

    def next_day(self) -> None:
        """Carry what is open; what is closed is no longer listed."""
        held = [position for position in self.truth.rows.values() if position.net]
        self.truth, self._shown = Table(), Table()
        self._waiting.clear()
        for position in held:
            self.do(carried_over(position))


def booked(
    contract: Contract,
    product: str,
    side: int,
    qty: int,
    price: Decimal,
    *,
    carried: bool = False,
) -> Change:
    """Return the change that books contracts."""

    def change(table: Table) -> None:
        table.of(contract, product).add(side, qty, price, carried=carried)

    return change


def carried_over(position: Position) -> Change:
    """Return the change that a night makes of an open position."""
    net = position.net
    buys = position.carried_buys + position.day_buys
    sells = position.carried_sells + position.day_sells
    price = (buys if net > 0 else sells).average
    side = 1 if net > 0 else -1
    return booked(
        position.contract, position.product, side, abs(net), price, carried=True
    )


def converted(contract: Contract, old: str, new: str, side: int, qty: int) -> Change:
    """Return the change that moves contracts of a side to another product."""

    def change(table: Table) -> None:
        source, target = table.of(contract, old), table.of(contract, new)
        left = qty
        for name in ("day", "carried"):
            word = f"{name}_{'buys' if side > 0 else 'sells'}"
            moved, value = getattr(source, word).take(left)
            getattr(target, word).add(moved, value)
            left -= moved

    return change
