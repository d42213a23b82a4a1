"""A day on paper against the same day at FYERS: same quotes, same alerts, over HTTP.

Both desks decide alike and leave the same journal; only ids, seconds and the word PAPER
differ. At FYERS the paper day leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests

from local import journal
from shared.adapters.sqlite import SqliteDocuments
from shared.adapters.store import Store
from shared.models import IST
from shared.wiring.process import deadline
from tests.functional.clocked import SharedClock
from tests.functional.desk import ORDERS, Desk, desks, later_expiry

LIMITS = {"MAX_ENTRIES_PER_DAY": "8", "MAX_OPEN_LOTS": "4"}

OWN = ("order_id", "order_response", "paper", "message", "request_id")
"""What a reply says of one account alone: ids, and words that name it."""


class Twins:
    """A desk at FYERS and one on paper, played side by side."""

    def __init__(self, real: Desk, paper: Desk, clock: SharedClock) -> None:
        self.both = (real, paper)
        self.clock = clock
        self.decided: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
        for desk in self.both:
            desk.change(rate_limits=False)

    def price(self, price: float, spread: float = 0.05) -> None:
        """Let the contract trade at this price at both, bid and ask beside it.

        Without a spread an exit trades at one price wherever it is looked at.
        """
        bid, ask = round(price - spread, 2), round(price + spread, 2)
        for desk in self.both:
            desk.change(quotes={desk.ticker: {"lp": price, "bid": bid, "ask": ask}})

    def send(self, action: str, **fields: Any) -> None:
        """Send one alert to both."""
        self._send([desk.alert(action, **fields) for desk in self.both])

    def _send(self, alerts: list[dict[str, Any]]) -> None:
        for desk, alert, decided in zip(self.both, alerts, self.decided, strict=True):
            decided.append(_decision(desk.post(alert)))

    def send_twice(self, action: str) -> None:
        """Send one alert to both, and the same again."""
        alerts = [desk.alert(action) for desk in self.both]
        self._send(alerts)
        self._send(alerts)

    def minutes(self, number: int) -> None:
        """Let reconcile run once a minute."""
        for _ in range(number):
            self.clock.move(60)
            for desk in self.both:
                desk.reconcile()


def _decision(reply: requests.Response) -> dict[str, Any]:
    """Return what a reply decides, without what only one account can say."""
    said = reply.json()
    for one in (said, *said.get("orders", [])):
        for name in OWN:
            one.pop(name, None)
        if "note" in one:
            one["note"] = one["note"].partition(" was cancelled first")[0][:20]
        if "error" in one:
            one["error"] = one["error"].replace("PAPER:", "")
    replayed = "Idempotency-Replayed" in reply.headers
    return {"status": reply.status_code, "replayed": replayed, **said}


def _journal(desk: Desk) -> list[dict[str, str]]:
    """Return the day's journal as the owner reads it, without ids and seconds."""
    store = Store(
        SqliteDocuments(desk.world.state / "claims.sqlite"), lambda: desk.world.now()
    )
    today = desk.world.now().astimezone(IST).date()
    rows = [journal.row(s.claim) for s in store.of_day(today, deadline(10))]
    return [
        asdict(row)
        | {"time": "", "order_id": "", "ended": "" if not row.ended else "ended"}
        | {"order": row.order.removeprefix("PAPER ")}
        | {"reason": row.reason.replace("PAPER:", "")}
        for row in rows
    ]


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    """Yield both desks on one clock, half past ten."""
    clock = SharedClock(tmp_path / "clock")
    clock.set(0, 10, 30)
    with ExitStack() as stack:
        desk = {
            paper: later_expiry(
                stack.enter_context(
                    desks(tmp_path / paper, env={**LIMITS, "PAPER": paper}, clock=clock)
                )
            )
            for paper in ("false", "true")
        }
        yield Twins(desk["false"], desk["true"], clock)


def play(twins: Twins) -> None:
    """Trade a day: entries, refusals, partial closes, exits that trade, a pause."""
    lot = twins.both[0].lot
    twins.price(100)
    twins.send_twice("SELL")
    twins.send("SELL", qty=lot + 1)
    twins.send("SELL", symbol="NIFTEE")
    twins.send("LONG")
    twins.minutes(1)
    twins.price(104)
    twins.send("SELL", slPercent=20, tpPoints=30)
    twins.minutes(1)
    twins.price(98)
    twins.send("BUY", qty=lot)
    twins.minutes(2)
    twins.send("EXIT")
    twins.minutes(2)
    twins.send("BUY")
    twins.send("LONG", lots=2)
    twins.minutes(1)
    twins.price(101)
    twins.send("SELL", qty=lot)
    twins.minutes(1)
    twins.send(
        "EXIT", symbol="ALL", strikeprice=..., optionType=..., expiry=..., colour="red"
    )
    twins.minutes(2)
    twins.price(100)
    twins.send("SELL", strategy="breakout")
    twins.minutes(1)
    twins.price(116, spread=0)  # beyond the stop at 114.95
    twins.minutes(2)
    twins.price(100)
    twins.send("LONG")
    twins.minutes(1)
    twins.price(84, spread=0)  # below the long's at 85.05
    twins.minutes(2)
    twins.price(100)
    twins.send("SELL")
    twins.minutes(1)
    twins.price(74.95, spread=0)  # the target
    twins.minutes(2)
    for _ in range(3):
        twins.send("SELL")
        twins.minutes(1)
    twins.send("EXIT")
    twins.send("PAUSE")
    twins.send("SELL")
    twins.minutes(3)


@pytest.mark.timeout(300)
def test_paper_decides_and_writes_what_the_real_account_does(twins: Twins) -> None:
    play(twins)
    real, paper = twins.decided
    for number, (one, other) in enumerate(zip(real, paper, strict=True)):
        assert other == one, f"alert {number}"
    said = {(one["status"], one.get("code", "")) for one in real}
    assert {
        (200, ""),
        (400, "bad_quantity"),
        (400, "unknown_symbol"),
        (400, "opposite_position"),
        (400, "no_short_position"),
        (400, "guardrail"),
        (400, "paused"),
    } <= said
    rows = _journal(twins.both[0])
    assert _journal(twins.both[1]) == rows
    assert sum(bool(row["rupees"]) for row in rows) >= 4
    events = [desk.events for desk in twins.both]
    assert events[1] == events[0]
    on_paper = twins.both[1]
    assert on_paper.state()["orders"] == on_paper.state()["positions"] == []
    assert [c for c in on_paper.world.fyers.calls if c.path == ORDERS] == []
    assert len(twins.both[0].orders()) > 4
