"""A trading desk over HTTP: alerts in, the simulator's order book and the phone out."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from local.standins.bucket import Bucket
from shared.models import IST
from simulator import Fault
from simulator.contracts import Contract
from tests.functional.clocked import SharedClock
from tests.functional.login_world import HOOK_SECRET, World, worlds

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00")

_CLAIMS = "SELECT key, document FROM documents WHERE collection = 'alerts'"

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
            "token": HOOK_SECRET,
            "symbol": "NIFTY",
            "strikeprice": self.strike,
            "optionType": "CE",
            "expiry": self.expiry,
            "action": action,
            "idempotency_key": uuid.uuid4().hex,
            "time": f"{self.world.now():%Y-%m-%dT%H:%M:%SZ}",
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

    def change(self, **what: Any) -> None:
        reply = requests.post(
            f"{self.world.fyers.url}/_sim/state", json=what, timeout=10
        )
        assert reply.status_code == 200, reply.text

    def fault(self, kind: str, path: str, **more: Any) -> None:
        self.world.fyers.faults.add(Fault(kind=kind, path=path, **more))

    def _claims(self) -> sqlite3.Connection:
        return sqlite3.connect(self.world.state / "claims.sqlite", timeout=5)

    def age(self, seconds: float) -> None:
        """Let time pass for every claim: what it stores moves into the past."""
        with contextlib.closing(self._claims()) as db, db:
            for key, text in db.execute(_CLAIMS).fetchall():
                older = _INSTANT.sub(lambda found: _earlier(found[0], seconds), text)
                # Instances remember documents by their version: it names one content.
                db.execute(
                    "UPDATE documents SET document = ?, version = version || '-aged'"
                    " WHERE key = ?",
                    (older, key),
                )

    @property
    def events(self) -> list[str]:
        return [str(notice["event"]) for notice in self.world.phone.notices]

    def clear(self) -> None:
        """Forget every order, notice and claim, and what the guard knew."""
        with contextlib.closing(self._claims()) as db, db:
            db.execute("DELETE FROM documents")
        self.world.fyers.reset()
        self.world.phone.notices.clear()


def _earlier(instant: str, seconds: float) -> str:
    return (datetime.fromisoformat(instant) - timedelta(seconds=seconds)).isoformat()


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
    catalogue = world.fyers.market.catalogue
    spot = catalogue.spot("NIFTY")
    after = (world.now() + away).timestamp()
    assert spot is not None
    calls = [
        contract
        for contract in map(catalogue.find, catalogue)
        if contract is not None
        and contract.underlying == "NIFTY"
        and contract.strike is not None
        and contract.expires > after
        and contract.ticker.endswith("CE")
    ]
    return min(calls, key=lambda c: (c.expires, abs((c.strike or 0) - spot)))


def keep_login(world: World) -> None:
    """Keep a login that FYERS accepts, in the embedded store."""
    world.token_file.parent.mkdir(parents=True, exist_ok=True)
    world.token_file.write_bytes(_token(world))


def _token(world: World) -> bytes:
    tokens = world.fyers.login()
    now = world.now()
    world.secrets += [tokens["access_token"], tokens["refresh_token"]]
    kept = {
        **{name: tokens[name] for name in ("access_token", "refresh_token")},
        "issued_at": now.isoformat(),
        "expires_at": (now + timedelta(hours=8)).isoformat(),
        "fy_id": world.fyers.options.fy_id,
    }
    return json.dumps(kept).encode()
