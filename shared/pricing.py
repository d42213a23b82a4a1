"""Exit levels: distances in points that FYERS takes, and the levels they mean today.

FYERS measures `stopLoss` and `takeProfit` from the fill, so what is sent is a distance;
the level told to people is as of the price then.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from shared.errors import BadRequest
from shared.models import Action, ExitWish, Quote, Unit


class Leg(NamedTuple):
    """One exit: its distance in points, a tick multiple, and its level in rupees."""

    distance: Decimal
    level: Decimal


class Exits(NamedTuple):
    """The exits of an entry at the price; None where a leg has no valid level."""

    stop: Leg | None
    target: Leg | None


class Percents(NamedTuple):
    """The default distances, percent of the price."""

    stop_loss: Decimal
    take_profit: Decimal


def distance(points: Decimal, tick: Decimal) -> Decimal:
    """Return `points` rounded to the nearest tick, at least one tick."""
    ticks = (abs(points) / tick).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return max(ticks, Decimal(1)) * tick


MOST_TIMES = 20
"""An option's exit farther than this many times its price is meant for the underlying,
or a mistake."""


def live_price(quote: Quote) -> Decimal | None:
    """Return the price that distances start from, None where nothing ever traded.

    Before the day's first trade the last price is yesterday's close, while bid and ask
    are of now: it counts between them, else the nearer of the two does.
    """
    last, bid, ask = quote.ltp, quote.bid, quote.ask
    if last is None or (bid and ask and bid > ask):
        return last
    if bid and last < bid:
        return bid
    if ask and last > ask:
        return ask
    return last


def exits(
    side: Action,
    price: Decimal,
    tick: Decimal,
    percents: Percents,
    sl: ExitWish | None = None,
    tp: ExitWish | None = None,
    *,
    entry: bool = True,
) -> Exits:
    """Return stop and target for an order of `side` at `price`.

    A SELL's stop is above the price, its target below; a BUY's the other way round.
    A wish that no exit can mean raises `BadRequest` for an entry and is passed over for
    a close, which carries no exits. A default that has no valid level is None.
    """
    up = 1 if side is Action.SELL else -1
    at = _At(side, price, tick, entry)
    return Exits(
        stop=_leg("sl", at, sl, percents.stop_loss, up),
        target=_leg("tp", at, tp, percents.take_profit, -up),
    )


class _At(NamedTuple):
    side: Action
    price: Decimal
    tick: Decimal
    entry: bool


def _leg(
    name: str, at: _At, wish: ExitWish | None, percent: Decimal, side: int
) -> Leg | None:
    if wish is not None:
        problem = _problem(name, at, wish, side)
        if problem and at.entry:
            raise BadRequest(problem)
        if problem:
            wish = None
    wish = wish or ExitWish(percent, Unit.PERCENT)
    step = distance(_points(at.price, wish), at.tick)
    level = at.price + side * step
    return Leg(step, level) if level >= at.tick else None


def _points(price: Decimal, wish: ExitWish) -> Decimal:
    match wish.unit:
        case Unit.LEVEL:
            return wish.value - price
        case Unit.PERCENT:
            return price * wish.value / 100
        case Unit.POINTS:
            return wish.value


def _problem(name: str, at: _At, wish: ExitWish, side: int) -> str:
    """Return why no exit on this side of the price can be what is wished, or empty."""
    name += "" if wish.unit is Unit.LEVEL else wish.unit.capitalize()
    where = "above" if side > 0 else "below"
    points = _points(at.price, wish)
    if wish.unit is Unit.LEVEL:
        if points * side <= 0:
            verb = "SELL" if at.side is Action.SELL else "LONG"
            return f"{name} must be {where} the LTP of {at.price} for a {verb}"
        points = abs(points)
    level = at.price + side * points
    if level > MOST_TIMES * at.price:
        return (
            f"{name} would be more than {MOST_TIMES} times the option's price of "
            f"{at.price}; is it meant for the underlying?"
        )
    if at.price + side * distance(points, at.tick) < at.tick:
        return f"{name} would be below one tick of {at.tick}, where no order can stand"
    return ""
