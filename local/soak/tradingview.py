"""Alerts, and a client that delivers them as TradingView does.

One trigger is at most four deliveries of the same bytes: the first, and a resend 5, 10
and 15 s after it while the answer is a 5xx. A server slower than 3 s is given up on and
not sent to again. A refused or cut connection is an instance that is down or died: the
platform before it answers 5xx.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import requests

from local.hours import IST
from local.soak.servers import Server
from shared import alerts
from simulator.contracts import Contract

TIMEOUT = 3.0
APART = 5.0
MOST = 4
LEAST_PRICE = Decimal(10)
"""Rupees; below it a target may be under one tick and is left out."""
MOST_LOTS = 3

CUT, LATE = "cut", "late"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery and what the sender got."""

    request_id: str
    server: str
    status: int
    """0 where no reply came."""
    seen: str
    """The reply's code, `CUT` or `LATE`; empty for a success."""
    order_id: str
    replayed: bool
    seconds: float
    at: float = 0.0
    """When it was sent, seconds since 1970 on the world's clock."""
    why: str = ""
    """The reply's reason, for people."""

    @property
    def ours_5xx(self) -> bool:
        """Return whether our own code said 5xx."""
        return self.status >= 500

    @property
    def failed(self) -> bool:
        """Return whether the sender sees a failure."""
        return self.status >= 400 or self.seen == CUT

    @property
    def resent(self) -> bool:
        """Return whether TradingView delivers again."""
        return self.ours_5xx or self.seen == CUT


@dataclass(slots=True)
class Alert:
    """One trigger with all its deliveries; a doubled one has two chains."""

    id: str
    body: bytes
    key: str
    """The claim's document id."""
    action: str
    contract: Contract
    keyed: bool
    at: datetime
    chains: list[list[Delivery]] = field(default_factory=list)

    @property
    def side(self) -> int:
        """Return FYERS's side."""
        return -1 if self.action == "SELL" else 1

    @property
    def deliveries(self) -> list[Delivery]:
        """Return every delivery."""
        return [delivery for chain in self.chains for delivery in chain]

    @property
    def last_words(self) -> list[Delivery]:
        """Return the last delivery of each chain."""
        return [chain[-1] for chain in self.chains if chain]


class Desk:
    """Writes alerts: each SELL on a contract of its own, one BUY per contract."""

    def __init__(
        self,
        contracts: Sequence[Contract],
        secret: str,
        draw: random.Random,
        clock: Callable[[], datetime],
    ) -> None:
        self._unsold = list(contracts)
        draw.shuffle(self._unsold)
        self._secret = secret
        self._draw = draw
        self._clock = clock
        self._count = 0

    def sell(self) -> Alert:
        """Return a SELL of one to three lots."""
        contract = self._unsold.pop()
        lots = self._draw.randint(1, MOST_LOTS)
        return self._alert("SELL", contract, {"qty": lots * contract.lot})

    def cover(self, contract: Contract) -> Alert:
        """Return a BUY of one lot or of the whole short."""
        part: dict[str, object] = {"qty": contract.lot}
        return self._alert("BUY", contract, part if self._draw.random() < 0.4 else {})

    def _alert(self, action: str, contract: Contract, more: dict[str, object]) -> Alert:
        self._count += 1
        name, now = f"soak-{self._count:05d}", self._clock().astimezone(UTC)
        keyed = self._draw.random() < 0.5
        expiry = datetime.fromtimestamp(contract.expires, IST).date()
        fields = {
            "token": self._secret,
            "symbol": contract.underlying,
            "strikeprice": str(contract.strike),
            "optionType": contract.option_type,
            "expiry": str(expiry),
            "action": action,
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "comment": name,
            **more,
            **({"idempotency_key": f"key of {name}"} if keyed else {}),
        }
        parsed = alerts.parse(
            alerts.read_body(json.dumps(fields).encode()), None, now, 0
        )
        return Alert(
            name,
            json.dumps(fields).encode(),
            alerts.document_id(parsed),
            action,
            contract,
            keyed,
            now,
        )


def deliver(
    alert: Alert,
    servers: Sequence[Server],
    number: int,
    halt: threading.Event,
    clock: Callable[[], datetime],
    after: float = 0.0,
) -> None:
    """Play one chain of deliveries, to one server after the other.

    `number` tells the chains of a doubled alert apart, the second beginning `after`
    seconds late; `halt` ends them early.
    """
    chain: list[Delivery] = []
    alert.chains.append(chain)
    first = time.monotonic() + after
    for turn in range(MOST):
        if halt.wait(max(0.0, first + turn * APART - time.monotonic())):
            break
        server = servers[turn % len(servers)]
        chain.append(_once(alert, server, f"{alert.id}.{number}{turn + 1}", clock))
        if not chain[-1].resent:
            break


def _once(
    alert: Alert, server: Server, request_id: str, clock: Callable[[], datetime]
) -> Delivery:
    began, at = time.monotonic(), clock().timestamp()

    def ended(
        status: int, seen: str, order: str = "", again: bool = False, why: str = ""
    ) -> Delivery:
        seconds = time.monotonic() - began
        return Delivery(
            request_id, server.name, status, seen, order, again, seconds, at, why
        )

    kind = "application/json" if alert.keyed else "text/plain; charset=utf-8"
    headers = {"Content-Type": kind, "X-Request-Id": request_id}
    try:
        reply = requests.post(
            f"{server.url}/webhook", alert.body, headers=headers, timeout=TIMEOUT
        )
        content = reply.json()
    except requests.Timeout:
        return ended(0, LATE)
    except requests.RequestException:
        return ended(0, CUT)
    order, again = content.get("order_id", ""), "Idempotency-Replayed" in reply.headers
    code, why = content.get("code", ""), content.get("error", "")
    return ended(reply.status_code, code, order, again, why)
