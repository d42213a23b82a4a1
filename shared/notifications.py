"""What the owner is told, and the port that tells them.

A notice belongs to a claim's outbox: it is stored with the state it reports, sent, and
struck out. Crashing in between may repeat a notice, never lose one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from shared.errors import Doubtful
from shared.models import IST, Clock, Deadline, Notice, Severity

_log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)

AGAIN = timedelta(minutes=1)
"""After which a count that reached nobody is sent again."""


class Notifier(Protocol):
    """Every channel the owner configured, none included."""

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Send to `only` those channels (None: all); return the names that failed.

        Raises nothing: a notifier that is down changes nothing else.
        """


@dataclass
class _Tally:
    since: datetime
    due: datetime
    """When the owner may be told."""
    count: int = 0
    left: tuple[str, ...] | None = None
    """Channels that have not taken a notice which is this instance's to send."""


class HourlyCount:
    """Counts what anybody can cause; the owner hears the number, at most once an hour.

    `first` names a thing across instances until it expires and returns whether this
    call was the first. An instance asks it once an hour, so nobody can make it write
    more often.
    """

    def __init__(
        self,
        notifier: Notifier,
        first: Callable[[str, datetime, Deadline], bool],
        clock: Clock,
    ) -> None:
        self._notifier = notifier
        self._first = first
        self._clock = clock
        self._lock = Lock()
        self._tallies: dict[str, _Tally] = {}

    def add(
        self,
        event: str,
        message: str,
        severity: Severity,
        deadline: Deadline,
        request_id: str = "",
    ) -> None:
        """Count `event` once more and tell it if its hour is over; raises nothing.

        The notice begins with the count: `3 since 10:05: ` and then `message`.
        """
        now = self._clock()
        with self._lock:
            tally = self._tallies.setdefault(event, _Tally(now, now))
            tally.since = tally.since if tally.count else now
            tally.count += 1
            if now < tally.due:
                return
            tally.due = now + HOUR
        if tally.left is None and not self._mine(event, now, deadline):
            return
        told = tally.count
        notice = Notice(
            message=f"{told} since {tally.since.astimezone(IST):%H:%M}: {message}",
            severity=severity,
            event=event,
            at=now,
            request_id=request_id,
        )
        failed = self._notifier.send(notice, deadline, tally.left)
        with self._lock:
            tally.left = failed or None
            if failed:
                tally.due = now + AGAIN
            else:
                tally.count -= told

    def _mine(self, event: str, now: datetime, deadline: Deadline) -> bool:
        try:
            return self._first(f"hourly:{event}", now + HOUR, deadline)
        except Doubtful:
            _log.warning("whether %s was told this hour is unknown; telling it", event)
            return True
