"""The instance's pace: FYERS allows 10 calls a second and 200 a minute in all.

Places go by reservation, first come first served. A call may start once the calls
begun within the window and the unused places of *earlier* reservations leave room for
it, so an alert whose quote went out is never overtaken by later alerts' quotes when it
comes to order. What a reservation did not use returns when its turn ends, is forgotten
or passes its deadline.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable

from shared.broker import NotTaken
from shared.models import Deadline

WINDOW = 1.05
"""Seconds; above FYERS's 1.0 for what the network adds between call and arrival."""

MINUTE = 60.5

CALL = 0.3
"""Seconds that waiting for a place must leave for the call itself."""

_GLANCE = 0.05
"""Seconds between looks at the queue: places ahead may come free unannounced."""


_GRAIN = 1e-6
"""Seconds below which waiting could not move the clock."""


class PacedTurn:
    """A deadline and its reserved places; safe from several threads."""

    def __init__(
        self,
        pace: Pace,
        calls: int,
        deadline: Deadline,
        beside: PacedTurn | None = None,
    ) -> None:
        self._pace = pace
        self.places = calls
        self.beside = beside
        self._deadline = deadline

    @property
    def deadline(self) -> Deadline:
        """Return the instant that bounds the calls in total."""
        return self._deadline

    def wait(self) -> None:
        """Wait for the next place; raise `NotTaken` where it would come too late."""
        self._pace.start(self)

    def end(self) -> None:
        """Give back the places not used; an exception may hold the turn for long."""
        self._pace.end(self)

    def again(self) -> PacedTurn:
        """Return a turn for repeating a call: its place is queued for when it waits.

        It queues behind everybody but this turn's own places, which stay for the calls
        they were reserved for and may be waiting for the repeat.
        """
        return PacedTurn(self._pace, 0, self._deadline, self)


class Pace:
    """At most `per_second` calls within a second and `per_minute` within a minute.

    Without `per_minute` it is 20 times `per_second`; 0 a second turns both off. `now`
    is a monotonic clock in seconds.
    """

    def __init__(
        self,
        per_second: int,
        now: Callable[[], float],
        pause: Callable[[float], None],
        per_minute: int = 0,
    ) -> None:
        per_minute = per_minute or per_second * 20
        self._limits = ((per_second, WINDOW), (per_minute, MINUTE))
        self._off = per_second == 0
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=max(per_second, per_minute))
        # Weak: a turn its alert no longer holds has no more calls to make.
        self._queue: list[weakref.ref[PacedTurn]] = []

    def reserve(self, calls: int, deadline: Deadline) -> PacedTurn:
        """Reserve places for all of an alert's calls, or raise `NotTaken` at once."""
        turn = PacedTurn(self, calls, deadline)
        self._reserve(turn)
        return turn

    def _reserve(self, turn: PacedTurn) -> None:
        if self._off:
            return
        with self._lock:
            self._queue = [ref for ref in self._queue if _places(ref())]
            last = self._ahead_of(turn) + turn.places
            _check(self._wait_for(last), turn.deadline)
            self._queue.append(weakref.ref(turn))

    def end(self, turn: PacedTurn) -> None:
        """Let others have what is left of a turn's places."""
        with self._lock:
            turn.places = 0

    def start(self, turn: PacedTurn) -> None:
        """Begin one call of `turn` when its place has come, or raise `NotTaken`."""
        if self._off:
            return
        extra = None
        while (wait := self._begin(extra or turn)) is not None:
            if wait < 0:
                extra = PacedTurn(self, 1, turn.deadline, turn.beside)
                self._reserve(extra)
                continue
            _check(wait, turn.deadline)
            self._pause(min(wait, _GLANCE))

    def _begin(self, turn: PacedTurn) -> float | None:
        """Start a call (None), or return the seconds to wait, -1 without a place."""
        with self._lock:
            if not turn.places:
                return -1
            wait = self._wait_for(self._ahead_of(turn) + 1)
            if wait > _GRAIN:
                return wait
            turn.places -= 1
            self._starts.append(self._now())
            return None

    def _ahead_of(self, turn: PacedTurn) -> int:
        """Return the unused places of the turns reserved before this one."""
        places = 0
        for ref in self._queue:
            other = ref()
            if other is turn:
                break
            if other is not turn.beside:
                places += _places(other)
        return places

    def _wait_for(self, place: int) -> float:
        """Return the seconds until the `place`-th call from here on may start.

        Those ahead are taken to start as soon as they may.
        """
        now = self._now()
        starts = list(self._starts)
        for _ in range(place):
            earliest = max(starts[-1], now) if starts else now
            for limit, window in self._limits:
                if len(starts) >= limit:
                    earliest = max(earliest, starts[-limit] + window)
            starts.append(earliest)
        return starts[-1] - now


def _places(turn: PacedTurn | None) -> int:
    return turn.places if turn and turn.deadline.left() else 0


def _check(wait: float, deadline: Deadline) -> None:
    if wait > _GRAIN and wait > deadline.left() - CALL:
        raise NotTaken("FYERS's rate limit leaves no room in time")
