"""One exchange's snapshot as an instance keeps it.

It is read once, and again when it is a day old or does not hold what is asked for.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from shared.errors import Doubtful, Unavailable
from shared.models import Deadline
from shared.symbols.ports import SymbolStore
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary

_LOG = logging.getLogger(__name__)

FRESH = timedelta(days=1)

REREAD_EVERY = timedelta(seconds=10)
"""A bad alert may cost one read of the store in this time, no more."""

REREAD_WITHIN = 0.5
"""Seconds an alert waits for a reread while a snapshot is in memory."""


class CachedSnapshot:
    """A snapshot in memory and the store behind it; safe from several threads."""

    def __init__(self, exchange: str, store: SymbolStore) -> None:
        self.exchange = exchange
        self._store = store
        self._lock = threading.Lock()
        self._kept: Snapshot | None = None
        self._tried: datetime | None = None
        self._doubt = False

    @property
    def summary(self) -> Summary | None:
        """Return what is in memory, without any I/O; None where nothing is."""
        kept = self._kept
        return None if kept is None else kept.summary

    def doubtful(self, now: datetime) -> bool:
        """Return whether what is in memory may no longer be what is stored."""
        return self._doubt or self._kept is None or _stale(self._kept, now)

    def current(self, now: datetime, deadline: Deadline) -> Snapshot:
        """Return the snapshot, read if there is none or it is old; see `reread`."""
        kept = self._kept
        if kept is None or _stale(kept, now):
            return self.reread(now, deadline)
        return kept

    def reread(self, now: datetime, deadline: Deadline) -> Snapshot:
        """Return the newest snapshot to be had; raise `Unavailable` if there is none.

        One thread reads while the others wait for it, each within its own deadline.
        """
        before = self._kept
        if before is not None:
            deadline = deadline.within(REREAD_WITHIN)
        if not self._lock.acquire(timeout=deadline.left()):
            if before is not None:
                return before
            raise Unavailable("the symbol snapshot is still being read")
        try:
            if self._kept is None or self._due(now):
                self._tried = now
                self._kept = self._read(deadline)
            return self._kept
        finally:
            self._lock.release()

    def _due(self, now: datetime) -> bool:
        # Not only `<`: a clock that was set back must not stop the rereading.
        return self._tried is None or abs(now - self._tried) >= REREAD_EVERY

    def _read(self, deadline: Deadline) -> Snapshot:
        kept, fault = self._kept, None
        try:
            data = self._store.read(deadline)
            new = None if data is None else self._open(data)
        except (Doubtful, SnapshotRefused) as error:
            new, fault = None, error
        self._doubt = new is None
        if new is None:
            if kept is not None:
                _LOG.warning("symbols not reread, those in memory serve: %s", fault)
                return kept
            if fault is None:
                raise Unavailable(
                    f"there is no symbol snapshot of {self.exchange}: "
                    "run refresh_symbols"
                )
            raise Unavailable("the symbol snapshot cannot be read now") from fault
        # The same snapshot again: what is parsed of it stays.
        return kept if kept is not None and kept.summary == new.summary else new

    def _open(self, data: bytes) -> Snapshot:
        found = Snapshot(data)
        if found.summary.exchange != self.exchange:
            raise SnapshotRefused("the stored snapshot is of another exchange")
        return found


def _stale(snapshot: Snapshot, now: datetime) -> bool:
    return abs(now - snapshot.summary.built_at) >= FRESH
