"""Alerts of a soak, and their chains of deliveries to its servers in turn."""

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
from local.standins.tradingview import APART, Delivery, Trigger
from shared import alerts
from simulator.contracts import Contract

LEAST_PRICE = Decimal(10)
"""Rupees; below it a target may be under one tick and is left out."""
MOST_LOTS = 3


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
    kind = "application/json" if alert.keyed else "text/plain; charset=utf-8"

    def post(body: bytes, request_id: str, timeout: float) -> requests.Response:
        server = servers[len(trigger.made) % len(servers)]
        headers = {"Content-Type": kind, "X-Request-Id": request_id}
        url = f"{server.url}/webhook"
        return requests.post(url, body, headers=headers, timeout=timeout)

    name = f"{alert.id}.{number}"
    trigger = Trigger(post, alert.body, name, clock=lambda: clock().timestamp())
    alert.chains.append(trigger.made)
    first = time.monotonic() + after
    while trigger.due:
        due = first + len(trigger.made) * APART
        if halt.wait(max(0.0, due - time.monotonic())):
            break
        trigger.go()
