"""What happens once, across instances: a lease on some work, a fact of an IST day."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Protocol

from shared.errors import Doubtful, Unavailable
from shared.models import IST, Clock, Deadline

_log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""How long one instance may take over some work before another tries it again."""

ENDS = timedelta(hours=6)
"""FYERS ends every token at 06:00 IST."""


class Names(Protocol):
    """What is named once across instances, until it expires; raises `Doubtful`."""

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Return whether this call was the first to name `what`."""

    def named(self, what: str, deadline: Deadline) -> bool:
        """Return whether somebody named `what`."""


def token_day(now: datetime) -> date:
    """Return the IST day a login serves: it begins when the last one's token ends.

    What is told or refused past midnight belongs to the day before, so the morning's
    own notice still goes out.
    """
    return (now.astimezone(IST) - ENDS).date()


class OncePerDay:
    """Facts of an IST day, kept for all instances and remembered in this one."""

    def __init__(self, names: Names, clock: Clock) -> None:
        self._names = names
        self._clock = clock
        self._known: dict[str, date] = {}

    def lease(self, work: str, deadline: Deadline) -> bool:
        """Return whether this instance may do `work` now; raises `Unavailable`."""
        try:
            return self._names.once(work, self._clock() + LEASE, deadline)
        except Doubtful as error:
            raise Unavailable("the store of claims does not answer") from error

    def known(self, fact: str) -> bool:
        """Return whether this instance has seen `fact` noted today."""
        return self._known.get(fact) == self._today()

    def happened(self, fact: str, deadline: Deadline) -> bool:
        """Return whether `fact` was noted today; raises `Unavailable`."""
        today = self._today()
        try:
            noted = self._names.named(f"{fact}:{today}", deadline)
        except Doubtful as error:
            raise Unavailable("the store of claims does not answer") from error
        if noted:
            self._remember(fact, today)
        return noted

    def note(self, fact: str, deadline: Deadline) -> None:
        """Keep `fact` for the rest of the day, here even if the store does not."""
        today = self._today()
        self._remember(fact, today)
        over = datetime.combine(today + timedelta(days=1), time(), IST) + ENDS
        try:
            self._names.once(f"{fact}:{today}", over, deadline)
        except Doubtful:
            _log.warning("%s could not be noted for today; it may be repeated", fact)

    def tell(self, fact: str, send: Callable[[], bool], deadline: Deadline) -> None:
        """Send once a day; a crash or a dead channel repeats it, never loses it."""
        try:
            sending = f"{fact}-sending:{self._today()}"
            if self.known(fact) or not self.lease(sending, deadline):
                return
            if self.happened(fact, deadline):
                return
        except Unavailable:
            _log.warning("whether %s was told today is unknown; telling it", fact)
        if send():
            self.note(fact, deadline)

    def _remember(self, fact: str, today: date) -> None:
        self._known = {fact: today} | {
            name: day for name, day in self._known.items() if day == today
        }

    def _today(self) -> date:
        return token_day(self._clock())
