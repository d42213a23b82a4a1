"""A simulator over HTTP and a client with a token."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

import simulator
from simulator import Simulator

APP = "SIM00001-200"
ORDERS = "/api/v3/orders/sync"


@pytest.fixture(scope="package")
def served() -> Iterator[Simulator]:
    with simulator.running() as running:
        yield running


@pytest.fixture
def sim(served: Simulator) -> Simulator:
    served.reset()
    served.options.rate_limits = False
    return served


class Ticks:
    """The simulator's seconds, moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks(sim: Simulator) -> Ticks:
    sim.options.ticks = made = Ticks()
    return made


class Client:
    """One keep-alive connection with a token."""

    def __init__(self, sim: Simulator) -> None:
        self._base = sim.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"{APP}:{sim.login()['access_token']}"

    def __call__(self, method: str, path: str, **parts: Any) -> requests.Response:
        parts.setdefault("allow_redirects", False)
        return self.session.request(method, self._base + path, timeout=5, **parts)

    def control(self, name: str, body: object) -> Any:
        reply = self("POST", f"/_sim/{name}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def set(self, **state: object) -> Any:
        """Set parts of the simulator's state; return what it says about them."""
        return self.control("state", state)

    def book(self) -> list[dict[str, Any]]:
        """Return the order book's rows."""
        rows: list[dict[str, Any]] = self("GET", "/api/v3/orders").json()["orderBook"]
        return rows

    def positions(self) -> list[dict[str, Any]]:
        """Return the rows of the net positions."""
        reply = self("GET", "/api/v3/positions").json()
        rows: list[dict[str, Any]] = reply["netPositions"]
        return rows

    def nets(self) -> list[int]:
        """Return the quantities held, row by row."""
        return [row["netQty"] for row in self.positions()]

    def place(self, order: dict[str, Any], **changes: object) -> str:
        """Place an order and return its id."""
        body = self("POST", ORDERS, json={**order, **changes}).json()
        made: str = body["id"]
        return made


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    made = Client(sim)
    yield made
    made.session.close()


@pytest.fixture
def order(sim: Simulator) -> dict[str, Any]:
    contract = sim.market.catalogue.at_the_money("NIFTY")
    sim.exchange.move(contract.ticker, Decimal(100))
    return {
        "symbol": contract.ticker,
        "qty": contract.lot,
        "type": 2,
        "side": -1,
        "productType": "INTRADAY",
        "limitPrice": 0,
        "stopPrice": 0,
        "validity": "DAY",
        "disclosedQty": 0,
        "offlineOrder": False,
        "stopLoss": 15,
        "takeProfit": 25,
        "orderTag": "abc123",
    }


def said(reply: requests.Response) -> tuple[int, int, str]:
    body = reply.json()
    return reply.status_code, body["code"], body["message"]
