"""Things that happen a little later, done when the next call arrives."""

from __future__ import annotations

from collections.abc import Callable

Action = Callable[[], None]


class Agenda:
    """Actions and when they are due, in seconds on the simulator's ticks."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks = ticks
        self._due: list[tuple[float, Action]] = []

    def add(self, seconds: float, action: Action) -> None:
        """Do something once that many seconds have passed."""
        self._due.append((self._ticks() + seconds, action))

    def settle(self) -> None:
        """Do what has become due, oldest first."""
        if not self._due:
            return
        now = self._ticks()
        due = [item for item in self._due if item[0] <= now]
        self._due = [item for item in self._due if item[0] > now]
        for _, action in sorted(due, key=lambda item: item[0]):
            action()
