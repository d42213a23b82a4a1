"""What `POST /_sim/state` can set, each key by its own function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulator.book import CANCELLED, EXPIRED, PENDING, TRADED, Order
from simulator.contracts import Contract
from simulator.market import QUOTE_MODES
from simulator.options import FILLS, IST
from simulator.rules import MARKET, Wish, check_order

if TYPE_CHECKING:
    from simulator.server import Simulator

STATUSES = {"cancelled": CANCELLED, "expired": EXPIRED, "pending": PENDING}


def apply(simulator: Simulator, body: dict[str, Any]) -> dict[str, object]:
    """Set every key; raise ValueError naming an unknown one before anything is set."""
    unknown = sorted(set(body) - set(CHANGES))
    if unknown:
        raise ValueError(f"cannot set {', '.join(unknown)}")
    done: dict[str, object] = {"s": "ok"}
    with simulator.exchange.lock:
        for name, value in body.items():
            result = CHANGES[name](simulator, value)
            if result is not None:
                done[name] = result
    return done


def set_positions(simulator: Simulator, rows: list[dict[str, Any]]) -> None:
    """Add `{"symbol", "netQty", "productType", "avgPrice"}` to the positions."""
    for row in rows:
        contract = _contract(simulator, row["symbol"])
        net = int(row["netQty"])
        prices = simulator.market.prices(contract.ticker)
        default = prices.last if prices else 0
        wish = _bare(contract, abs(net), row.get("productType", "INTRADAY"))
        price = Decimal(str(row.get("avgPrice", default)))
        simulator.exchange.hold(wish, 1 if net > 0 else -1, abs(net), price)


def set_orders(simulator: Simulator, rows: list[dict[str, Any]]) -> None:
    """Mark orders: `{"id" or "tag", "status", "filledQty", "price", "message"}`."""
    for row in rows:
        for order in _chosen(simulator, row):
            _mark(simulator, order, row)


def place_orders(simulator: Simulator, bodies: list[dict[str, Any]]) -> list[str]:
    """Place orders as a person would in FYERS's own app: untagged unless tagged."""
    ids = []
    market = simulator.market
    for body in bodies:
        whole = {
            "type": MARKET,
            "productType": "INTRADAY",
            "limitPrice": 0,
            "stopPrice": 0,
            "validity": "DAY",
            "disclosedQty": 0,
            "offlineOrder": False,
            **body,
        }
        treatment = whole.pop("treatment", "")
        wish = check_order(whole, market.catalogue, market, simulator.options)
        ids.append(simulator.exchange.place(wish, treatment).id)
    return ids


def set_prices(simulator: Simulator, prices: dict[str, Any]) -> None:
    """Move last prices (null: back to the model); what they touch trades."""
    for symbol, price in prices.items():
        at = None if price is None else Decimal(str(price))
        simulator.exchange.move(symbol, at)


def set_quotes(simulator: Simulator, modes: dict[str, str]) -> None:
    """Set how a ticker's quote looks: one of `QUOTE_MODES`."""
    for symbol, mode in modes.items():
        if mode not in QUOTE_MODES:
            raise ValueError(f"quotes: {mode!r} is none of {QUOTE_MODES}")
        simulator.market.modes[symbol] = mode


def set_fill(simulator: Simulator, fill: str) -> None:
    """Set what happens to market orders: one of `FILLS`."""
    if fill not in FILLS:
        raise ValueError(f"fill: {fill!r} is none of {FILLS}")
    simulator.options.fill = fill


def set_blocked(simulator: Simulator, blocked: bool) -> None:
    """Block the user for the rest of the IST day, or end that."""
    now: datetime = simulator.options.clock()
    simulator.limits.blocked_on = now.astimezone(IST).date() if blocked else None


def end_tokens(simulator: Simulator, wanted: bool) -> None:
    """End every token issued so far."""
    if wanted:
        simulator.auth.end_tokens()


def drop_exits(simulator: Simulator, wanted: bool) -> int:
    """Make all working exit legs vanish; return how many."""
    return simulator.exchange.drop_exits() if wanted else 0


def _option(name: str, kind: Callable[[Any], object]) -> Callable[..., None]:
    def change(simulator: Simulator, value: Any) -> None:
        setattr(simulator.options, name, kind(value))

    return change


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


CHANGES: dict[str, Callable[[Any, Any], object]] = {
    "positions": set_positions,
    "orders": set_orders,
    "place": place_orders,
    "prices": set_prices,
    "quotes": set_quotes,
    "fill": set_fill,
    "blocked": set_blocked,
    "expire_tokens": end_tokens,
    "exits_vanish": drop_exits,
    "fill_delay": _option("fill_delay", float),
    "stop_leg_type": _option("stop_leg_type", int),
    "tagged_legs": _option("tagged_legs", bool),
    "rate_limits": _option("rate_limits", bool),
    "delay_ms": _option("delay_ms", float),
    "refresh_allowed": _option("refresh_allowed", bool),
    "orders_allowed": _option("orders_allowed", bool),
    "funds": _option("funds", _decimal),
}


def _chosen(simulator: Simulator, row: dict[str, Any]) -> list[Order]:
    exchange = simulator.exchange
    if "id" in row:
        found = [order for order in exchange.orders if order.id == row["id"]]
    else:
        found = exchange.tagged(row["tag"])
    if not found:
        raise ValueError(f"no such order: {row}")
    return found


def _mark(simulator: Simulator, order: Order, row: dict[str, Any]) -> None:
    exchange, status = simulator.exchange, row["status"]
    if status in ("filled", "part"):
        price = Decimal(str(row["price"])) if "price" in row else None
        wanted = int(row.get("filledQty", order.qty)) - order.filled
        exchange.fill(order, wanted, price)
        if status == "filled" and order.filled < order.qty:
            order.become(TRADED)
    elif status == "rejected":
        exchange.reject(order, row.get("message", ""))
    else:
        order.become(STATUSES[status], row.get("message", ""))


def _contract(simulator: Simulator, ticker: str) -> Contract:
    contract = simulator.market.catalogue.find(ticker)
    if contract is None:
        raise ValueError(f"no such symbol: {ticker}")
    return contract


def _bare(contract: Contract, qty: int, product: str) -> Wish:
    zero = Decimal(0)
    return Wish(contract, qty, MARKET, 1, product, zero, zero)
