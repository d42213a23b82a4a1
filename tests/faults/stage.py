"""Two instances of the functions, one FYERS, one phone; all of it can be struck.

The instances share their stores as instances on the platform do. A killed one is
replaced by gunicorn's master at once, cold, as the platform replaces it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

import simulator
from local import hours, serve
from local.standins import fyers as standin
from local.standins.phone import Phone, ringing
from shared.models import IST
from simulator.limits import Limits
from tests.faults.director import Director, Script, pause
from tests.faults.served import DIRECTOR, SERVER
from tests.support.backends import Backend

HOOK_SECRET = "faults-hook-secret-5K"
APP_SECRET = "Faults-App-Secret-3P"
PIN = "9753"

_OFF = hours.until_eleven()


@dataclass(slots=True)
class Passing:
    """Seconds that FYERS takes to have passed besides the real ones."""

    seconds: float = 0.0

    def ticks(self) -> float:
        """Return its monotonic seconds."""
        return time.monotonic() + self.seconds


def _now() -> datetime:
    return datetime.now(IST) + _OFF


_MAIN = """from tests.faults import served

served.install()

from functions.{name}.main import {name}  # noqa: E402

__all__ = ["{name}"]
"""


@dataclass
class Stage:
    """Where one cell after another is played."""

    urls: list[str]
    fyers: simulator.Simulator
    phone: Phone
    director: Director
    backend: Backend
    lines: list[str]
    ticker: str
    lot: int
    strike: float
    passing: Passing
    before: set[str] = field(default_factory=set)
    """Attempts of the claims that made the position which a cell begins with."""

    def alert(self, action: str, **changes: Any) -> bytes:
        """Return the README's alert as TradingView sends it; `...` drops a field."""
        fields = {
            **standin.alert(HOOK_SECRET, self.strike, action, _now()),
            "idempotency_key": uuid.uuid4().hex,
        }
        whole = {k: v for k, v in (fields | changes).items() if v is not ...}
        return json.dumps(whole).encode()

    def post(
        self, server: int, body: bytes, request_id: str, timeout: float
    ) -> requests.Response:
        """Deliver to one instance."""
        return requests.post(
            f"{self.urls[server]}/webhook",
            data=body,
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                "X-Request-Id": request_id,
            },
            timeout=timeout,
        )

    def reconcile(self, server: int = 0) -> int:
        """Run reconcile as the Scheduler does; return its status, 0 where it died."""
        try:
            reply = requests.post(f"{self.urls[server]}/reconcile", timeout=60)
        except requests.ConnectionError:
            return 0
        if reply.status_code != 200:
            self.lines.append(f"reconcile said {reply.status_code} {reply.text}")
        return reply.status_code

    def wait(self, seconds: float) -> None:
        """Let time pass: what is stored grows older, FYERS's limits are over.

        A little of it passes for real, so that what an instance still does after its
        reply happens before.
        """
        pause(0.02)
        self.backend.age(seconds)
        self.passing.seconds += seconds
        self.fyers.limits = Limits(self.fyers.options.clock, self.fyers.options.ticks)

    def short(self, lots: int, ago: float) -> None:
        """Open a short with both exits so many seconds ago, for a cover to find."""
        reply = self.post(0, self.alert("SELL", qty=lots * self.lot), "before", 30)
        assert reply.status_code == 200, "\n".join([reply.text, *self.lines[-20:]])
        if ago:
            self.wait(ago)
        self.before = {str(claim["attempt"]) for claim in self.backend.claims()}
        self.director.passed.clear()
        self.fyers.calls.clear()

    def by_hand(self, qty: int, **exits: int) -> None:
        """Sell the alert's contract as a person does: the order has no tag."""
        sold = {"symbol": self.ticker, "qty": qty, "side": -1, **exits}
        standin.change(self.fyers, place=[sold])

    def net(self) -> int:
        """Return the contracts held of the alert's contract."""
        return self.fyers.exchange.net(self.ticker)

    def warm(self, server: int) -> None:
        """Wait until an instance is ready for its next alert."""
        for _ in range(100):
            try:
                reply = requests.get(f"{self.urls[server]}/webhook", timeout=30)
            except requests.ConnectionError:
                pause(0.1)
                continue
            if reply.status_code == 200:
                return
            pause(0.1)
        raise AssertionError("\n".join(["not ready", *self.lines[-20:]]))

    def rehearse(self, server: int) -> None:
        """Let an instance place an order: the first one opens what later ones use."""
        self.warm(server)
        for _ in range(5):
            if self.post(server, self.alert("SELL"), "rehearsal", 30).ok:
                return
        raise AssertionError("\n".join(["no order was placed", *self.lines[-20:]]))

    def log_in(self) -> None:
        """Store a login FYERS accepts."""
        self.backend.store_token(standin.login(self.fyers, _now()))

    def cool(self) -> None:
        """Let both instances forget what they hold in memory, then warm them."""
        for server in range(len(self.urls)):
            self.director.arm(Script("warm", "before", "cold", server=server))
            self.warm(server)

    def clear(self) -> None:
        """Return to an empty morning."""
        self.director.clear()
        self.backend.clear()
        self.fyers.reset()
        self.fyers.calls.clear()
        self.phone.notices.clear()
        self.phone.modes.clear()
        self.before.clear()


@contextmanager
def staged(
    folder: Path, backend: Backend, env: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Start everything, logged in and with symbols; the instances are unpaced.

    `env` is what the instances are set to besides.
    """
    lines: list[str] = []
    passing = Passing()
    functions = folder / "functions"
    for name in ("webhook", "reconcile"):
        main = functions / name / "main.py"
        main.parent.mkdir(parents=True)
        main.write_text(_MAIN.format(name=name))
    with ExitStack() as stack:
        fyers = stack.enter_context(
            simulator.running(
                secret=APP_SECRET, pin=PIN, clock=_now, ticks=passing.ticks
            )
        )
        phone = stack.enter_context(ringing())
        director = Director()
        director.network = lambda what: (
            backend.strike(what) if what else backend.heal(all_of_it=False)
        )
        stack.callback(director.close)
        settings = {
            **standin.settings(fyers, HOOK_SECRET),
            "TOKEN_REFRESH": "true",
            "FYERS_CALLS_PER_SECOND": "0",
            "WEBHOOK_MAX_QTY": "2",
            "NOTIFICATION_URL": phone.url,
            "NOTIFY_ORDERS": "false",
            "SUMMARY": "false",
            "LOG_LEVEL": "INFO",
            DIRECTOR: director.address,
            hours.SHIFT: str(_OFF.total_seconds()),
            **backend.env,
            **(env or {}),
        }
        urls = [
            stack.enter_context(
                serve.running(
                    settings | {SERVER: str(number)}, log=lines.append, folder=functions
                )
            )
            for number in range(2)
        ]
        nearest = fyers.market.catalogue.at_the_money("NIFTY", _now().timestamp())
        strike, place = float(nearest.strike or 0), (nearest.ticker, nearest.lot)
        stage = Stage(
            urls, fyers, phone, director, backend, lines, *place, strike, passing
        )
        stage.log_in()
        for server in range(len(urls)):
            stage.rehearse(server)
        stage.clear()
        yield stage
