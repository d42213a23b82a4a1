"""A trading desk over HTTP: alerts in, the simulator's order book and the phone out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from local.standins import fyers
from local.standins.bucket import Bucket
from shared.models import IST
from simulator import Fault
from simulator.contracts import Contract
from tests.functional.clocked import SharedClock
from tests.functional.login_world import HOOK_SECRET, World, worlds
from tests.support.backends import Embedded

ORDERS = "/api/v3/orders/sync"
POSITIONS = "/api/v3/positions"
QUOTES = "/data/quotes"
BOOK = "/api/v3/orders"


class Desk:
    """One served webhook (or several), its simulator and its phone.

    Not a dataclass: a property test would print all it holds for every example.
    """

    def __init__(
        self,
        servers: list[World],
        ticker: str,
        strike: float,
        lot: int,
        expiry: str = "WEEKLY",
    ) -> None:
        self.servers = servers
        self.ticker = ticker
        self.strike = strike
        self.lot = lot
        self.expiry = expiry

    @property
    def world(self) -> World:
        return self.servers[0]

    def alert(self, action: str = "SELL", **changes: Any) -> dict[str, Any]:
        """Return the README's alert; `...` leaves a field out."""
        fields = {
            **fyers.alert(HOOK_SECRET, self.strike, action, self.world.now()),
            "expiry": self.expiry,
            "idempotency_key": uuid.uuid4().hex,
        }
        return {k: v for k, v in (fields | changes).items() if v is not ...}

    def post(
        self,
        body: Mapping[str, Any] | bytes,
        server: int = 0,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> requests.Response:
        """Deliver as TradingView does: plain text, whatever is inside."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(
            f"{self.servers[server].url}/webhook",
            data=data,
            headers={"Content-Type": "text/plain; charset=utf-8", **(headers or {})},
            timeout=timeout,
        )

    def send(self, action: str = "SELL", **changes: Any) -> requests.Response:
        return self.post(self.alert(action, **changes))

    def reconcile(self) -> dict[str, Any]:
        reply = self.world.post("/reconcile")
        assert reply.status_code == 200, reply.text
        content: dict[str, Any] = reply.json()
        return content

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = requests.get(
            f"{self.world.fyers.url}/_sim/state", timeout=10
        ).json()
        return content

    def orders(self) -> list[dict[str, Any]]:
        """Return the order book without exit legs."""
        return [row for row in self.state()["orders"] if not row.get("parentId")]

    def change(self, **what: Any) -> dict[str, Any]:
        """Change something at FYERS by hand; return its answer."""
        return fyers.change(self.world.fyers, **what)

    def fault(self, kind: str, path: str, **more: Any) -> None:
        self.world.fyers.faults.add(Fault(kind=kind, path=path, **more))

    @property
    def store(self) -> Embedded:
        return Embedded(self.world.state)

    def age(self, seconds: float) -> None:
        """Let time pass for every claim: what it stores moves into the past."""
        self.store.age_claims(seconds)

    @property
    def events(self) -> list[str]:
        return [str(notice["event"]) for notice in self.world.phone.notices]

    def clear(self) -> None:
        """Forget every order, notice and claim, and what the guard knew."""
        self.store.clear()
        self.world.fyers.reset()
        self.world.phone.notices.clear()


@contextmanager
def desks(
    folder: Path,
    count: int = 1,
    env: Mapping[str, str] | None = None,
    clock: SharedClock | None = None,
) -> Iterator[Desk]:
    """Serve the functions on the embedded stores, logged in, with symbols, unpaced."""
    with _served(folder, count, env or {}, clock) as servers:
        keep_login(servers[0])
        yield _desk(servers)


@contextmanager
def google_desks(
    folder: Path,
    firestore: str,
    count: int = 1,
    env: Mapping[str, str] | None = None,
    clock: SharedClock | None = None,
) -> Iterator[Desk]:
    """Serve them on Google's stores: the Firestore emulator and a bucket of our own."""
    bucket = Bucket()
    settings = {
        "STATE_BACKEND": "gcp",
        "GOOGLE_CLOUD_PROJECT": f"desk-{uuid.uuid4().hex[:12]}",
        "GCS_BUCKET_NAME": "desk",
        "FIRESTORE_EMULATOR_HOST": firestore,
        "STORAGE_EMULATOR_HOST": bucket.url,
        **(env or {}),
    }
    try:
        with _served(folder, count, settings, clock) as servers:
            bucket.put(("desk", "tokens/tokens.json"), _token(servers[0]), None)
            yield _desk(servers)
    finally:
        bucket.close()


@contextmanager
def _served(
    folder: Path,
    count: int,
    env: Mapping[str, str],
    clock: SharedClock | None = None,
) -> Iterator[list[World]]:
    settings = {"FYERS_CALLS_PER_SECOND": "0", "WEBHOOK_MAX_QTY": "2", **env}
    with worlds(folder, count, settings, clock) as servers:
        yield servers


def _desk(servers: list[World]) -> Desk:
    first = servers[0]
    assert first.post("/refresh-symbols").status_code == 200
    for server in servers:
        server.get("/webhook")  # warms it; on a busy machine the first alert does
    contract = _at_the_money(first, timedelta(0))
    return Desk(servers, contract.ticker, float(contract.strike or 0), contract.lot)


def later_expiry(desk: Desk) -> Desk:
    """Return the desk on a contract that lives for days yet, whatever day it is."""
    contract = _at_the_money(desk.world, timedelta(days=4))
    expiry = datetime.fromtimestamp(contract.expires, IST).date()
    strike = float(contract.strike or 0)
    return Desk(desk.servers, contract.ticker, strike, contract.lot, str(expiry))


def _at_the_money(world: World, away: timedelta) -> Contract:
    """Return the NIFTY call nearest to the money that ends first after that long."""
    after = (world.now() + away).timestamp()
    return world.fyers.market.catalogue.at_the_money("NIFTY", after)


def keep_login(world: World) -> None:
    """Keep a login that FYERS accepts, in the embedded store."""
    Embedded(world.state).store_token(_token(world))


def _token(world: World) -> bytes:
    kept = fyers.login(world.fyers, world.now())
    document = json.loads(kept)
    world.secrets += [document["access_token"], document["refresh_token"]]
    return kept
