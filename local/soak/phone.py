"""The owner's phone in a soak: out of reach at times, and what it got to hear."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from local.standins.phone import Phone

HICCUPS = 0.05
"""Share of notices that fail while the phone is in reach."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One notice as it arrived; the same one may arrive twice."""

    request_id: str
    event: str
    message: str
    contract: str
    severity: str = ""
    at: float = 0.0
    """When it arrived, seconds on the monotonic clock."""


class Reach:
    """Whether the phone can be reached: a mood for `Phone`."""

    def __init__(self, phone: Phone, seed: int) -> None:
        self.phone = phone
        self.down = False
        self.reliable = True
        self._draw = random.Random(seed)  # noqa: S311 - repeatable, guards nothing
        phone.mood = self._mood

    def worsen(self) -> None:
        """Fail now and then from here on."""
        self.reliable = False

    def recover(self) -> None:
        """Take every notice from now on."""
        self.down, self.reliable = False, True

    @property
    def refused(self) -> int:
        """Return how many notices were not taken."""
        return self.phone.refused

    @property
    def heard(self) -> list[Heard]:
        """Return every notice, in order."""
        return [
            Heard(**{name: str(notice.get(name, "")) for name in _TEXTS}, at=at)
            for notice, at in zip(self.phone.notices, self.phone.arrived, strict=False)
        ]

    def _mood(self) -> str:
        if not self.reliable and (self.down or self._draw.random() < HICCUPS):
            return self._draw.choice(("down", "hang", "lose"))
        return ""


_TEXTS = ("request_id", "event", "message", "contract", "severity")


def as_json(heard: Heard) -> str:
    """Return a notice as one line."""
    return json.dumps([heard.event, heard.request_id, heard.message])
