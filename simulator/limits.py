"""FYERS's rate limits: 10 calls a second and 200 a minute over all endpoints.

Placing, changing and cancelling together are limited to 10 a second as well. The fourth
minute breach of an IST day blocks the user until that day is over.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from datetime import date, datetime

from simulator.options import IST
from simulator.wire import Refused

PER_SECOND, PER_MINUTE, ORDERS_PER_SECOND, BREACHES = 10, 200, 10, 3
BLOCKED_SECONDS = 3600.0


class Window:
    """At most `most` passes in any `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._passed: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Return seconds until a pass is free, zero if one is."""
        while self._passed and self._passed[0] <= now - self.seconds:
            self._passed.popleft()
        if len(self._passed) < self.most:
            return 0.0
        return self._passed[0] + self.seconds - now

    def take(self, now: float) -> None:
        """Count a pass."""
        self._passed.append(now)


class Limits:
    """Who calls too often."""

    def __init__(
        self, clock: Callable[[], datetime], ticks: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self.refused = 0
        self.breaches = 0
        self._breach_day: date | None = None
        self._breach_at = -math.inf
        self.blocked_on: date | None = None
        """The IST day the user is blocked for."""
        self._second = Window(PER_SECOND, 1.0)
        self._minute = Window(PER_MINUTE, 60.0)
        self._orders = Window(ORDERS_PER_SECOND, 1.0)

    def check(self, path: str, *, order: bool) -> None:
        """Count a call; raise the endpoint's own 429 if it is one too many."""
        with self._lock:
            now, day = self._ticks(), self._clock().astimezone(IST).date()
            wait = BLOCKED_SECONDS if self.blocked_on == day else 0.0
            minute = self._minute.wait(now)
            if minute:
                self._breach(now, day)
            windows = (self._second, self._orders) if order else (self._second,)
            wait = max(wait, minute, *(window.wait(now) for window in windows))
            if wait:
                self.refused += 1
                raise too_many(path, wait)
            for window in (self._minute, *windows):
                window.take(now)

    def _breach(self, now: float, day: date) -> None:
        """Count one breach a minute, however many calls make it."""
        if self._breach_day != day:
            self._breach_day, self.breaches = day, 0
        if now - self._breach_at < 60:
            return
        self._breach_at = now
        self.breaches += 1
        if self.breaches > BREACHES:
            self.blocked_on = day


def too_many(path: str, wait: float) -> Refused:
    """Return the 429 of an endpoint (docs/fyers.md: Calls and refusals)."""
    if path.startswith("/data/"):
        return Refused(429, 429, "request limit reached")
    headers = (
        ("Retry-After", str(math.ceil(wait))),
        ("X-Retry-After-Ms", str(math.ceil(wait * 1000))),
    )
    message = "Request limit reached, refresh after few mins"
    return Refused(429, -429, message, headers=headers)
