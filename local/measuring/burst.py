"""Many alerts at once against FYERS's real limits, resent as TradingView does."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from local.measuring.ground import Ground
from local.measuring.served import TRADINGVIEW, WEBHOOK, Served, serving
from simulator.calls import busiest_second

Note = Callable[[str], None]

PACE = 10
RESENDS = (0.0, 5.0, 10.0, 15.0)
"""Seconds after the alert; TradingView resends on 5xx only, three times."""


@dataclass(slots=True)
class Burst:
    """What became of alerts that came at once."""

    alerts: int
    placed: int = 0
    """Answered 200."""
    first: int = 0
    """Of these, at the first delivery."""
    slowest: float = 0.0
    """Seconds of the slowest delivery that was answered."""
    unanswered: int = 0
    """Deliveries TradingView would have given up on."""
    other: Counter[int] = field(default_factory=Counter)
    """Last answers that are neither 200 nor 503."""
    left: int = 0
    """Never sent; their claim waits for reconcile, which tells the owner."""
    lost: int = 0
    """Neither an order nor a claim that somebody will look at."""
    orders: int = 0
    busiest: int = 0
    """Most FYERS calls in any second."""


def burst(ground: Ground, count: int, note: Note) -> Burst:
    """Send `count` different alerts at once to a fresh, warm instance.

    FYERS's limits are on, and so is the instance's pace.
    """
    found, lock = Burst(count), threading.Lock()
    with ground.embedded(PACE) as settings, serving(WEBHOOK, settings) as instance:
        ground.fyers.reset()
        instance.first(ground.alert())
        time.sleep(1.1)  # the first alert's calls leave the window
        ground.fyers.reset()
        ground.fyers.options.rate_limits = True
        started = threading.Barrier(count)

        def send() -> None:
            alert = ground.alert()
            started.wait()
            _resent(instance, alert, found, lock)

        senders = [threading.Thread(target=send, daemon=True) for _ in range(count)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
            note(f"{count} alerts at once, {found.placed} placed")
        found.orders = len(ground.orders())
        found.busiest = busiest_second(list(ground.fyers.calls))
        ground.fyers.options.rate_limits = False
        found.left = _waiting(Path(settings["LOCAL_STATE_DIR"]))
    found.lost = count - found.placed - found.left
    return found


def _resent(instance: Served, alert: bytes, found: Burst, lock: threading.Lock) -> None:
    began = time.monotonic()
    for turn, after in enumerate(RESENDS):
        time.sleep(max(0.0, began + after - time.monotonic()))
        answer = instance.deliver(alert, TRADINGVIEW)
        with lock:
            found.slowest = max(found.slowest, answer.seconds)
            found.unanswered += answer.status == 0
            if answer.status == 200:
                found.placed += 1
                found.first += turn == 0
        if answer.status < 500:
            break
    if answer.status not in (200, 503):
        with lock:
            found.other[answer.status] += 1


def _waiting(folder: Path) -> int:
    """Return how many claims are unsettled and on reconcile's list."""
    with closing(sqlite3.connect(folder / "claims.sqlite")) as db:
        rows = db.execute(
            "SELECT document FROM documents WHERE collection = 'alerts'"
            " AND json_extract(document, '$.watched_at') IS NOT NULL"
        ).fetchall()
    return sum(json.loads(document)["state"] != "DONE" for (document,) in rows)
