"""A client that delivers an alert as TradingView does.

One trigger is at most four deliveries of the same bytes: the first, and a resend 5, 10
and 15 s after it for as long as the answer is a 5xx. A server slower than 3 s is given
up on and the alert is not resent; any other answer ends the chain as well.

A connection that is cut stands for an instance that died: the platform in front of it
answers TradingView with a 5xx of its own (`CUT`), or, where it never does, TradingView
gives up after its 3 s (`GONE`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

TIMEOUT = 3.0
"""Seconds TradingView waits for a reply."""
APART = 5.0
"""Seconds between two deliveries of one trigger."""
MOST = 4
"""Deliveries of one trigger, resends included."""

CUT = "cut"
"""The instance died; the platform said 5xx in its place."""
GONE = "gone"
"""The instance died and nobody said anything."""
LATE = "late"
"""No whole reply within TradingView's patience."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery and what came back."""

    request_id: str
    reply: str
    """The HTTP status as text, or `CUT`, `GONE`, `LATE`."""
    code: str = ""
    """The failure's code; empty for a success and where nothing came."""
    body: bytes = b""
    replayed: bool = False
    seconds: float = 0.0
    at: float = 0.0
    """When it was sent, seconds since 1970."""

    @property
    def status(self) -> int:
        """Return the HTTP status, 0 where no reply came."""
        return int(self.reply) if self.reply.isdecimal() else 0

    def said(self, name: str) -> str:
        """Return a field of the reply as text, empty where it has none."""
        return str(_content(self.body).get(name, ""))

    @property
    def ours_5xx(self) -> bool:
        """Return whether our own code answered with a 5xx."""
        return self.status >= 500

    @property
    def failed(self) -> bool:
        """Return whether the sender sees a failure."""
        return self.status >= 400 or self.reply == CUT

    @property
    def resent(self) -> bool:
        """Return whether TradingView delivers the alert again."""
        return self.ours_5xx or self.reply == CUT


Post = Callable[[bytes, str, float], requests.Response]
"""Delivers a body under a request id within a timeout."""


@dataclass(slots=True)
class Trigger:
    """One alert that fired, and its deliveries so far."""

    post: Post
    body: bytes
    name: str
    on_death: str = CUT
    """What the platform makes of a cut connection: `CUT` or `GONE`."""
    clock: Callable[[], float] = time.time
    """Returns the present instant, seconds since 1970."""
    made: list[Delivery] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """Return whether TradingView delivers (again)."""
        return not self.made or (self.made[-1].resent and len(self.made) < MOST)

    def go(self) -> None:
        """Deliver once."""
        self.made.append(self._deliver(f"{self.name}.{len(self.made) + 1}"))

    def _deliver(self, request_id: str) -> Delivery:
        """Deliver once."""
        began, at = time.monotonic(), self.clock()
        status, body, replayed = self.on_death, b"", False
        try:
            reply = self.post(self.body, request_id, TIMEOUT)
            status, body = str(reply.status_code), reply.content
            replayed = reply.headers.get("Idempotency-Replayed") == "true"
        except requests.Timeout:
            status = LATE
        except requests.RequestException:
            pass
        code, seconds = str(_content(body).get("code", "")), time.monotonic() - began
        return Delivery(request_id, status, code, body, replayed, seconds, at)


def play(triggers: Sequence[Trigger], wait: Callable[[float], None]) -> None:
    """Deliver alerts that fired together until TradingView would stop.

    `wait` lets seconds pass; what the deliveries took counts.
    """
    while due := [trigger for trigger in triggers if trigger.due]:
        if any(trigger.made for trigger in due):
            wait(APART - max(trigger.made[-1].seconds for trigger in due))
        if len(due) == 1:
            due[0].go()
            continue
        with ThreadPoolExecutor(len(due)) as pool:
            for done in [pool.submit(trigger.go) for trigger in due]:
                done.result()


def _content(body: bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
