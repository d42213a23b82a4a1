"""What `POST /_sim/state` can set, each key by its own function (`CHANGES`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from simulator.book import CANCELLED, EXPIRED, PENDING, TRADED, Order
from simulator.contracts import Contract
from simulator.market import QUOTE_MODES
from simulator.options import (
    FILLS,
    IST,
    SINGLE_SLICES,
    STOP_ORDERS,
    TAG_FORMS,
    LegShape,
)
from simulator.rules import MARKET, check_order
from simulator.world import World

STATUSES = {"cancelled": CANCELLED, "expired": EXPIRED, "pending": PENDING}


def apply(world: World, body: dict[str, Any]) -> dict[str, object]:
    """Set every key; raise ValueError naming an unknown one before anything is set."""
    unknown = sorted(set(body) - set(CHANGES))
    if unknown:
        raise ValueError(f"cannot set {', '.join(unknown)}")
    done: dict[str, object] = {"s": "ok"}
    with world.exchange.lock:
        for name, value in body.items():
            result = CHANGES[name](world, value)
            if result is not None:
                done[name] = result
    return done


def set_positions(world: World, rows: list[dict[str, Any]]) -> None:
    """Add contracts to the positions.

    `{"symbol", "productType", "netQty" (of today), "cfBuyQty", "cfSellQty",
    "dayBuyQty", "daySellQty", "avgPrice"}`, all but the symbol optional.
    """
    for row in rows:
        contract = _contract(world, row["symbol"])
        prices = world.market.prices(contract.ticker)
        price = _decimal(row.get("avgPrice", prices.last if prices else 0))
        net = int(row.get("netQty", 0))
        for side, qty, carried in (
            (1, max(net, 0) + int(row.get("dayBuyQty", 0)), False),
            (-1, max(-net, 0) + int(row.get("daySellQty", 0)), False),
            (1, int(row.get("cfBuyQty", 0)), True),
            (-1, int(row.get("cfSellQty", 0)), True),
        ):
            product = row.get("productType", "INTRADAY")
            if qty:
                world.exchange.hold(
                    contract, product, side, qty, price, carried=carried
                )


def set_orders(world: World, rows: list[dict[str, Any]]) -> None:
    """Change orders, now or `after` seconds.

    Chosen by `id`, by `tag`, or by `parent` (an id) with `exit` (stop, target).
    `status`: filled, part, rejected, cancelled, expired, pending, gone; with
    `filledQty` (in all), `price`, `message`. `fill` trades that many more. `shown`:
    whether the order book has it.
    """
    for row in rows:
        for order in _chosen(world, row):
            _mark_later(world, order, row)


def place_orders(world: World, bodies: list[dict[str, Any]]) -> list[str]:
    """Place orders as a person would in FYERS's own app: untagged unless tagged.

    A body is one of `POST /orders/sync`, `symbol`, `qty` and `side` at least. Of the
    simulator's own: `treatment` (a fault's order kind), `rawTag` (what the book shows
    for a tag), `source` (M), `parentId` (what the row shows).
    """
    ids = []
    market = world.market
    for body in bodies:
        whole = {
            "type": MARKET,
            "productType": "INTRADAY",
            "limitPrice": 0,
            "stopPrice": 0,
            "validity": "DAY",
            "disclosedQty": 0,
            "offlineOrder": False,
            "source": "M",
            **body,
        }
        treatment, tag = whole.pop("treatment", ""), whole.pop("rawTag", None)
        source = whole.pop("source")
        wish = check_order(whole, market.catalogue, market, world.options)
        order = world.exchange.place(wish, treatment, tag=tag, source=source)
        order.shown_parent = whole.get("parentId", order.shown_parent)
        ids.append(order.id)
    return ids


def square_off(world: World, how: bool | dict[str, Any]) -> list[str]:
    """Close INTRADAY positions as FYERS does at 15:15; return the ids of its orders.

    True, or `{"exits": false (they end), "treatment": "unfilled", "source": "R"}`.
    """
    if not how:
        return []
    wanted = how if isinstance(how, dict) else {}
    return [order.id for order in world.exchange.square_off(**wanted)]


def convert(world: World, rows: list[dict[str, Any]]) -> None:
    """Convert positions: `{"symbol", "from", "to", "qty"}`, all of it by default."""
    for row in rows:
        contract = _contract(world, row["symbol"])
        old, new = row.get("from", "INTRADAY"), row.get("to", "MARGIN")
        net = world.exchange.net(contract.ticker, old)
        qty = int(row.get("qty", abs(net)))
        if not 0 < qty <= abs(net):
            raise ValueError(f"cannot convert {qty} of {net}")
        world.exchange.convert(contract, old, new, 1 if net > 0 else -1, qty)


def end_day(world: World, wanted: bool) -> None:
    """Let DAY orders expire (7); the book and the positions stay."""
    if wanted:
        world.exchange.end_day()


def new_day(world: World, wanted: bool) -> None:
    """Begin the next day: an empty book, fills carried over."""
    if wanted:
        world.exchange.new_day()


def set_prices(world: World, prices: dict[str, Any]) -> None:
    """Move last prices (null: back to the model); what they touch trades."""
    for symbol, price in prices.items():
        at = None if price is None else Decimal(str(price))
        world.exchange.move(symbol, at)


def set_quotes(world: World, rows: dict[str, Any]) -> None:
    """Set how a ticker's quote looks: one of `QUOTE_MODES`, or its figures.

    Figures: `{"lp", "bid", "ask", "volume", "mode"}`; bid and ask go together.
    """
    market = world.market
    for symbol, wanted in rows.items():
        row = {"mode": wanted} if isinstance(wanted, str) else dict(wanted)
        unknown = sorted(set(row) - {"lp", "bid", "ask", "volume", "mode"})
        if unknown:
            raise ValueError(f"quotes: cannot set {', '.join(unknown)}")
        mode = row.get("mode", market.modes.get(symbol, "ok"))
        if mode not in QUOTE_MODES:
            raise ValueError(f"quotes: {mode!r} is none of {QUOTE_MODES}")
        market.modes[symbol] = mode
        if "bid" in row or "ask" in row:
            market.sides[symbol] = _decimal(row["bid"]), _decimal(row["ask"])
        if "volume" in row:
            market.volumes[symbol] = int(row["volume"])
        if "lp" in row:
            market.pinned[symbol] = _decimal(row["lp"])
        world.exchange.touch(symbol)


def set_legs(world: World, shape: dict[str, Any]) -> None:
    """Set how exit legs look from now on, the fields of `LegShape`; {} is as usual."""
    prices = ("stop_offset", "target_offset")
    made: dict[str, Any] = dict(shape)
    made.update({name: _decimal(made[name]) for name in prices if name in made})
    world.options.legs = LegShape(**made)


def set_market_status(world: World, status: str | dict[str, str]) -> None:
    """Set the status of both F&O markets, or `{"10": "CLOSED"}` of one."""
    both = dict(world.options.market_status)
    wanted = dict.fromkeys(both, status) if isinstance(status, str) else status
    world.options.market_status = both | {int(k): v for k, v in wanted.items()}


def set_row_changes(world: World, changes: list[dict[str, Any]]) -> None:
    """Set what rows of both books show instead: `{"match": {…}, "set": {…}}`."""
    for change in changes:
        if set(change) != {"match", "set"}:
            raise ValueError(f"row_changes: {change}")
    world.options.row_changes = changes


def set_fill(world: World, fill: str) -> None:
    """Set what happens to market orders: one of `FILLS`."""
    if fill not in FILLS:
        raise ValueError(f"fill: {fill!r} is none of {FILLS}")
    world.options.fill = fill


def set_blocked(world: World, blocked: bool) -> None:
    """Block the user for the rest of the IST day, or end that."""
    now: datetime = world.options.clock()
    world.limits.blocked_on = now.astimezone(IST).date() if blocked else None


def end_tokens(world: World, wanted: bool) -> None:
    """End every token issued so far."""
    if wanted:
        world.auth.end_tokens()


def drop_exits(world: World, wanted: bool) -> int:
    """Make all working exit legs vanish; return how many."""
    return world.exchange.drop_exits() if wanted else 0


def _option(name: str, kind: Callable[[Any], object]) -> Callable[..., None]:
    def change(world: World, value: Any) -> None:
        setattr(world.options, name, kind(value))

    return change


def _one_of(name: str, known: tuple[str, ...]) -> Callable[..., None]:
    def change(world: World, value: Any) -> None:
        if value not in known:
            raise ValueError(f"{name}: {value!r} is none of {known}")
        setattr(world.options, name, value)

    return change


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _as_it_is(value: Any) -> object:
    return value


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
    "square_off": square_off,
    "convert": convert,
    "end_day": end_day,
    "new_day": new_day,
    "positions_lag": _option("positions_lag", float),
    "book_lag": _option("book_lag", float),
    "fills_lag": _option("fills_lag", float),
    "untagged": _option("untagged", str),
    "tag_form": _one_of("tag_form", TAG_FORMS),
    "id_suffix": _option("id_suffix", str),
    "plain_parent": _option("plain_parent", _as_it_is),
    "legs": set_legs,
    "oco": _option("oco", bool),
    "stops_fill": _option("stops_fill", bool),
    "triggered_type": _option("triggered_type", int),
    "stop_orders": _one_of("stop_orders", STOP_ORDERS),
    "exits_hold_margin": _option("exits_hold_margin", bool),
    "slice_refused": _option("slice_refused", list),
    "slice_tags": _option("slice_tags", bool),
    "single_slice": _one_of("single_slice", SINGLE_SLICES),
    "market_status": set_market_status,
    "chain_missing": _option("chain_missing", list),
    "extra_orders": _option("extra_orders", list),
    "extra_positions": _option("extra_positions", list),
    "row_changes": set_row_changes,
}


def _chosen(world: World, row: dict[str, Any]) -> list[Order]:
    orders = world.exchange.orders
    if "id" in row:
        found = [o for o in orders if row["id"] in (o.id, o.shown_id)]
    elif "parent" in row:
        legs = [o for o in orders if o.parent_id == row["parent"]]
        found = [leg for leg in legs if row.get("exit", leg.exit) == leg.exit]
    else:
        found = world.exchange.tagged(row["tag"])
    if not found:
        raise ValueError(f"no such order: {row}")
    return found


def _mark_later(world: World, order: Order, row: dict[str, Any]) -> None:
    after = float(row.get("after", 0))
    if after:
        world.exchange.later(after, lambda: _mark(world, order, row))
    else:
        _mark(world, order, row)


def _mark(world: World, order: Order, row: dict[str, Any]) -> None:
    exchange, status = world.exchange, row.get("status")
    price = _decimal(row["price"]) if "price" in row else None
    order.hidden = not row.get("shown", not order.hidden)
    if "fill" in row:
        exchange.fill(order, int(row["fill"]), price)
    if status in ("filled", "part"):
        wanted = int(row.get("filledQty", order.qty)) - order.filled
        exchange.fill(order, wanted, price)
        if status == "filled" and order.filled < order.qty:
            order.become(TRADED)
    elif status == "rejected":
        exchange.reject(order, row.get("message", ""))
    elif status == "gone":
        exchange.drop(order)
    elif status == "cancelled" and order.working:
        exchange.cancel(order)
    elif status is not None:
        order.become(STATUSES[status], row.get("message", ""))


def _contract(world: World, ticker: str) -> Contract:
    contract = world.market.catalogue.find(ticker)
    if contract is None:
        raise ValueError(f"no such symbol: {ticker}")
    return contract
