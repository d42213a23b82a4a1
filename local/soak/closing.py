"""Whether our closes did what a close may do: never more, and never nothing.

A close that meets a fill nobody could see in time (a stop, a hand, FYERS itself) may
open a long; that must be told and is counted apart. Everything else is a violation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from local.soak.hands import LAGS
from local.soak.tradingview import Alert
from local.standins.tradingview import Delivery
from simulator.book import Trade
from simulator.server import Simulator

READ_BEFORE = 2.2 + max(LAGS)
"""Seconds before its arrival at FYERS in which a close read the account, lag added."""

NOTHING_OPEN = ("no_short_position", "nothing_open")


@dataclass(frozen=True, slots=True)
class Crossing:
    """A close of ours that bought more than was short."""

    ticker: str
    contracts: int
    raced: bool
    """Another hand traded after the close had read."""


def crossings(fyers: Simulator) -> list[Crossing]:
    """Return every fill of a close of ours that made a position long."""
    arrived = _arrivals(fyers)
    found = []
    for ticker, trades in _by_contract(fyers.exchange.trades).items():
        net = 0
        for number, trade in enumerate(trades):
            after = net + trade.qty * trade.order.side
            beyond = max(0, after) - max(0, net)
            net = after
            if beyond and is_close(trade):
                since = arrived.get(trade.order.wish.tag, trade.at.timestamp())
                raced = any(
                    other.order.side > 0
                    and not is_close(other)
                    and other.at.timestamp() > since - READ_BEFORE
                    for other in trades[:number]
                )
                found.append(Crossing(ticker, beyond, raced))
    return found


def is_close(trade: Trade) -> bool:
    """Return whether a fill is of a close that an alert sent."""
    order = trade.order
    return order.parent_id is None and bool(order.wish.tag) and order.side > 0


def refused_while_open(fyers: Simulator, alerts: Iterable[Alert]) -> list[Alert]:
    """Return the closes told for good that nothing was open, while a short was."""
    trades = _by_contract(fyers.exchange.trades)
    return [
        alert
        for alert in alerts
        if alert.action == "BUY"
        and any(
            _open_throughout(trades.get(alert.contract.ticker, ()), delivery)
            for delivery in alert.deliveries
            if delivery.status == 400 and delivery.code in NOTHING_OPEN
        )
    ]


def _open_throughout(trades: Sequence[Trade], delivery: Delivery) -> bool:
    """Return whether a short was open all the while, and long enough to be seen."""
    began, ended = delivery.at - READ_BEFORE, delivery.at + delivery.seconds
    net, steps = 0, [(0.0, 0)]
    for trade in trades:
        net += trade.qty * trade.order.side
        steps.append((trade.at.timestamp(), net))
    steps.append((ended, net))
    return all(
        held < 0
        for (since, held), (until, _) in pairwise(steps)
        if since < ended and until > began
    )


def _by_contract(trades: Iterable[Trade]) -> Mapping[str, list[Trade]]:
    found: dict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        found[trade.order.symbol].append(trade)
    return found


def _arrivals(fyers: Simulator) -> dict[str, float]:
    """Return when each tagged order's call came to FYERS."""
    found = {}
    for call in list(fyers.calls):
        if (call.method, call.path) == ("POST", "/api/v3/orders/sync"):
            tag = call.content.partition('"orderTag":')[2].strip(' "')[:20]
            found[tag] = call.epoch
    return found
