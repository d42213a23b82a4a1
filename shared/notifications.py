"""What the owner is told, and the port that tells them.

A notice belongs to a claim's outbox: it is stored with the state it reports, sent, and
struck out. Crashing in between may repeat a notice, never lose one.
"""

from __future__ import annotations

from typing import Protocol

from shared.models import Deadline, Notice


class Notifier(Protocol):
    """Every channel the owner configured, none included."""

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Send to `only` those channels (None: all); return the names that failed.

        Raises nothing: a notifier that is down changes nothing else.
        """
