"""Everything a soak needs, started: FYERS, state, phone, two servers, a login."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import simulator
from local import hours
from local.playground import Playground
from local.soak.phone import Reach
from local.soak.servers import Server, serving
from local.soak.tradingview import LEAST_PRICE, MOST_LOTS
from local.standins import fyers as standin
from local.standins.bucket import Bucket
from local.standins.emulators import firestore
from local.standins.phone import ringing
from shared.config import Settings
from shared.idempotency import ClaimStore
from shared.wiring import parts
from simulator.contracts import Contract

EXPIRES_AFTER = 4 * 3600
"""Seconds a contract must have left: none may expire under a soak."""

ANSWER_MS = 60.0
"""FYERS's usual answer, milliseconds: long enough to be killed or overtaken in."""


@dataclass(frozen=True, slots=True)
class World:
    """Where everything is."""

    fyers: simulator.Simulator
    phone: Reach
    servers: tuple[Server, Server]
    secret: str
    env: Mapping[str, str]
    logs: Path
    clock: Callable[[], datetime]
    """The present instant of this world, IST."""

    def change(self, **what: object) -> None:
        """Change something at FYERS by hand."""
        standin.change(self.fyers, **what)

    def store(self) -> ClaimStore:
        """Return the claim store both servers share."""
        return parts.claim_store(Settings.from_env(self.env, "reconcile"))

    def contracts(self) -> list[Contract]:
        """Return the options worth selling, in the catalogue's order."""
        market, now = self.fyers.market, self.fyers.options.clock().timestamp()
        found = []
        for ticker in market.catalogue:
            contract = market.catalogue.find(ticker)
            prices = market.prices(ticker)
            if (
                contract
                and contract.strike
                and contract.ticker.startswith("NSE:")
                and prices
                and prices.last >= LEAST_PRICE
                and contract.expires > now + EXPIRES_AFTER
            ):
                found.append(contract)
        return found

    def open_for_trading(self) -> None:
        """Log in through FYERS's page, build the snapshot, warm both servers."""
        grounds = [Playground(self.fyers, s.url, self.secret) for s in self.servers]
        grounds[0].log_in()
        grounds[0].call("POST", "refresh-symbols")
        for ground in grounds:
            ground.call("GET", "webhook")


@contextlib.contextmanager
def running(seed: int, embedded: bool) -> Iterator[World]:
    """Start everything; `embedded` keeps the state in SQLite instead of Firestore.

    Raises `NoEmulator`, `StartFailed`, `Failed`.
    """
    secret, off = secrets.token_urlsafe(24), hours.until_eleven()

    def clock() -> datetime:
        return datetime.now(hours.IST) + off

    with (
        contextlib.ExitStack() as stack,
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        # The limits are off: two instances with 2 alerts a second would meet FYERS's
        # 200 calls a minute, and the soak is about what goes wrong, not about pace.
        simulator.running(
            rate_limits=False, funds=Decimal(10**12), delay_ms=ANSWER_MS, clock=clock
        ) as fyers,
        ringing() as phone,
    ):
        state = (
            {"STATE_BACKEND": "local", "LOCAL_STATE_DIR": f"{folder}/state"}
            if embedded
            else _google(stack)
        )
        env = state | {
            **standin.settings(fyers, secret),
            "FYERS_CLIENT_ID": fyers.options.fy_id,
            "FYERS_CALLS_PER_SECOND": "0",
            "WEBHOOK_MAX_QTY": str(MOST_LOTS),
            "NOTIFICATION_URL": phone.url,
            hours.SHIFT: str(off.total_seconds()),
            "NOTIFY_ORDERS": "false",
            "SUMMARY": "false",
        }
        logs = Path(folder)
        with serving(env, logs) as servers:
            world = World(fyers, Reach(phone, seed), servers, secret, env, logs, clock)
            world.open_for_trading()
            yield world


def _google(stack: contextlib.ExitStack) -> dict[str, str]:
    """Return the settings of Google's stores; this process learns them too."""
    bucket = stack.enter_context(contextlib.closing(Bucket()))
    places = {
        "FIRESTORE_EMULATOR_HOST": stack.enter_context(firestore()).host,
        "STORAGE_EMULATOR_HOST": bucket.url,
    }
    os.environ.update(places)
    return places | {
        "STATE_BACKEND": "gcp",
        "GOOGLE_CLOUD_PROJECT": f"soak-{uuid.uuid4().hex[:12]}",
        "GCS_BUCKET_NAME": "soak",
    }
