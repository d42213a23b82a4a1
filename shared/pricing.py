"""Exit levels: distances in points that FYERS takes, and the levels they mean today.

FYERS measures `stopLoss` and `takeProfit` from the fill, so what is sent is a distance;
the level told to people is as of the LTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from shared.errors import BadRequest
from shared.models import Action


@dataclass(frozen=True, slots=True)
class Leg:
    """One exit: its distance in points, a tick multiple, and its level in rupees."""

    distance: Decimal
    level: Decimal


@dataclass(frozen=True, slots=True)
class Exits:
    """The exits of an entry at the LTP; None where a leg has no valid level."""

    stop: Leg | None
    target: Leg | None


@dataclass(frozen=True, slots=True)
class Percents:
    """The default distances, percent of the LTP."""

    stop_loss: Decimal
    take_profit: Decimal


def distance(points: Decimal, tick: Decimal) -> Decimal:
    """Return `points` rounded to the nearest tick, at least one tick."""
    ticks = (abs(points) / tick).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return max(ticks, Decimal(1)) * tick


def exits(
    action: Action,
    ltp: Decimal,
    tick: Decimal,
    percents: Percents,
    sl: Decimal | None = None,
    tp: Decimal | None = None,
) -> Exits:
    """Return stop and target for an order of `action` at `ltp`.

    A SELL's stop is above the LTP and its target below; a BUY's the other way round.
    A given level on the wrong side raises `BadRequest` for a SELL and is passed over
    for a BUY, which carries no exits.
    """
    up = 1 if action is Action.SELL else -1
    return Exits(
        stop=_leg("sl", action, ltp, tick, sl, percents.stop_loss, up),
        target=_leg("tp", action, ltp, tick, tp, percents.take_profit, -up),
    )


def _leg(
    name: str,
    action: Action,
    ltp: Decimal,
    tick: Decimal,
    given: Decimal | None,
    percent: Decimal,
    side: int,
) -> Leg | None:
    if given is not None and (given - ltp) * side <= 0:
        if action is Action.SELL:
            where = "above" if side > 0 else "below"
            raise BadRequest(f"{name} must be {where} the LTP of {ltp} for a SELL")
        given = None
    points = ltp * percent / 100 if given is None else given - ltp
    step = distance(points, tick)
    level = ltp + side * step
    return Leg(step, level) if level >= tick else None
