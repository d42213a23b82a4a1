"""One contract of the account: what is open, what works there, what was told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from simulator.calls import Call
from tests.functional.clocked import SharedClock
from tests.functional.desk import ORDERS, Desk

PRICE = 100.0
"""Last price of the contract at the start of every test, rupees."""
STOP, TARGET = 0.15, 0.25
"""Distances of the exits, of the price; the code's defaults."""
RESENDS = 3
BETWEEN_RESENDS = 5.0
"""How TradingView repeats what was answered with a 5xx, seconds."""

WORKING, LIMIT, STOPS = (4, 6), 1, (3, 4)
"""FYERS's codes: statuses that may still trade, and order types."""


@dataclass(frozen=True)
class Kind:
    """A short or a long, in one product, and the alerts that open and close it."""

    name: str
    product: str
    opens: str
    closes: str
    sign: int

    @property
    def side(self) -> str:
        """Return the side of the order that closes it."""
        return "BUY" if self.sign < 0 else "SELL"

    @property
    def opening(self) -> str:
        """Return the side of the order that opens it."""
        return "SELL" if self.sign < 0 else "BUY"

    def __str__(self) -> str:
        return f"{self.name}-{self.product}"


SHORTS = [Kind("short", name, "SELL", "BUY", -1) for name in ("INTRADAY", "MARGIN")]
LONGS = [Kind("long", name, "LONG", "EXIT", 1) for name in ("INTRADAY", "MARGIN")]
SOLD = Kind("long-sold", "INTRADAY", "LONG", "SELL", 1)
"""Closed by a SELL, which opens a short where no long is left."""
EVERY = [*SHORTS, *LONGS]


class Account:
    """A position of one kind over HTTP: alerts in, FYERS's books and the phone out."""

    def __init__(self, desk: Desk, clock: SharedClock, kind: Kind) -> None:
        self.desk = desk
        self.clock = clock
        self.kind = kind
        self.ticker, self.lot = desk.ticker, desk.lot
        self.fyers = desk.world.fyers
        self.price(PRICE)

    # --- What happens -----------------------------------------------------------------

    def price(self, price: float) -> None:
        self.desk.change(prices={self.ticker: price})

    def change(self, **what: Any) -> None:
        self.desk.change(**what)

    def alert(self, action: str, **changes: Any) -> dict[str, Any]:
        return self.desk.alert(action, productType=self.kind.product, **changes)

    def post(self, alert: Mapping[str, Any]) -> requests.Response:
        return self.desk.post(alert)

    def open(self, lots: int = 1, **changes: Any) -> dict[str, Any]:
        """Open a position by an alert; return the reply."""
        alert = self.alert(self.kind.opens, qty=lots * self.lot, **changes)
        reply = self.post(alert)
        assert reply.status_code == 200, reply.text
        content: dict[str, Any] = reply.json()
        return content

    def close(self, **changes: Any) -> requests.Response:
        """Send one close, once."""
        return self.post(self.alert(self.kind.closes, **changes))

    def closed(self, **changes: Any) -> dict[str, Any]:
        """Send one close that must be placed; return the reply."""
        reply = self.close(**changes)
        assert reply.status_code == 200, reply.text
        content: dict[str, Any] = reply.json()
        return content

    def delivered(self, alert: Mapping[str, Any]) -> list[int]:
        """Send an alert as TradingView does, resends included; return the statuses."""
        replies = [self.post(alert)]
        while replies[-1].status_code >= 500 and len(replies) <= RESENDS:
            self.clock.move(BETWEEN_RESENDS)
            replies.append(self.post(alert))
        return [reply.status_code for reply in replies]

    def posting(self, alert: Mapping[str, Any]) -> Posting:
        """Send an alert from another thread."""
        return Posting(self, alert)

    def by_hand(self, side: str, lots: int = 1, **order: Any) -> str:
        """Place an order in FYERS's own app; return its id."""
        wish = {
            "symbol": self.ticker,
            "qty": lots * self.lot,
            "side": 1 if side == "BUY" else -1,
            "productType": self.kind.product,
            **order,
        }
        return str(self.desk.change(place=[wish])["place"][0])

    def hand_close(self, lots: int = 1) -> str:
        return self.by_hand(self.kind.side, lots)

    def hand_open(self, lots: int = 1) -> str:
        return self.by_hand(self.kind.opening, lots)

    def fault(self, kind: str, path: str, **more: Any) -> None:
        self.desk.fault(kind, path, **more)

    def rests(self, **more: Any) -> None:
        """Let the next order that an alert sends rest at FYERS unfilled."""
        self.fault("unfilled", ORDERS, method="POST", **more)

    def pass_(self, seconds: float) -> None:
        self.clock.move(seconds)

    def run(self, runs: int = 1, every: float = 60.0) -> list[dict[str, Any]]:
        """Let reconcile run; return what it told, in order."""
        before = len(self.notices)
        for turn in range(runs):
            if turn:
                self.clock.move(every)
            self.desk.reconcile()
        return self.notices[before:]

    # --- What there is ----------------------------------------------------------------

    @property
    def notices(self) -> list[dict[str, Any]]:
        return self.desk.world.phone.notices

    def told(self, event: str) -> list[dict[str, Any]]:
        return [notice for notice in self.notices if notice["event"] == event]

    @property
    def net(self) -> int:
        """Return the contracts open over all products, below zero short."""
        rows = self.desk.state()["positions"]
        return sum(row["netQty"] for row in rows if row["symbol"] == self.ticker)

    def rows(self) -> list[dict[str, Any]]:
        rows = self.desk.state()["orders"]
        return [row for row in rows if row["symbol"] == self.ticker]

    def row(self, order_id: str) -> dict[str, Any]:
        return next(row for row in self.rows() if row["id"] == order_id)

    def sent(self) -> list[tuple[str, int]]:
        """Return side and quantity of every order that alerts sent to FYERS."""
        bodies = [json.loads(call.content) for call in self.calls("POST", ORDERS)]
        return [("BUY" if b["side"] > 0 else "SELL", b["qty"]) for b in bodies]

    def calls(self, method: str, path: str = "") -> list[Call]:
        found = list(self.fyers.calls)
        return [c for c in found if c.method == method and c.path.startswith(path)]

    def exits(self) -> dict[str, int]:
        """Return the contracts of the working exit legs, by what they are."""
        legs = [
            order
            for order in self.fyers.exchange.orders
            if order.exit and order.working and order.symbol == self.ticker
        ]
        return {leg.exit: leg.left for leg in legs}

    def working(self) -> list[str]:
        """Return the ids of all orders that may still trade."""
        return [row["id"] for row in self.rows() if row["status"] in WORKING]

    def leg(self, name: str) -> str:
        """Return the id of a working exit leg, `stop` or `target`."""
        (found,) = [
            order.shown_id
            for order in self.fyers.exchange.orders
            if order.exit == name and order.working
        ]
        return found

    def is_about(self, notice: Mapping[str, Any], qty: int, side: str = "") -> None:
        """Check that a notice names contract, side and quantity, and what to do."""
        assert notice["contract"] == self.ticker
        assert notice["quantity"] == qty
        assert notice["side"] == (side or self.kind.side)
        assert self.ticker in notice["message"]

    def flat(self) -> bool:
        """Return whether nothing is open and nothing works there."""
        return self.net == 0 and self.working() == []


class Posting:
    """An alert on its way from another thread."""

    def __init__(self, account: Account, alert: Mapping[str, Any]) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._reply = self._pool.submit(account.post, alert)

    def reply(self) -> requests.Response:
        try:
            return self._reply.result(30)
        finally:
            self._pool.shutdown()
