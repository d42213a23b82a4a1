"""From an alert's words to the contract, and the snapshot's daily renewal.

An instance reads the snapshot once and keeps it. It rereads when the snapshot is a day
old or does not hold what is asked for. Only a snapshot that is fresh and was readable
just now may say that something is not listed (400); otherwise that is not known (503).
"""

from __future__ import annotations

import logging
import threading
from datetime import date, datetime, timedelta
from decimal import Decimal

from shared.errors import BadRequest, Doubtful, Unavailable
from shared.models import IST, Clock, Contract, Deadline, OptionType
from shared.symbols.chain import unknown
from shared.symbols.master import LEAST_ROWS, build
from shared.symbols.ports import SourceBroken, SymbolSource, SymbolStore
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary

_LOG = logging.getLogger(__name__)

FRESH = timedelta(days=1)

LATE = timedelta(days=4)
"""The master's date is the last trading day: older than any long weekend is odd."""

REREAD_EVERY = timedelta(seconds=10)
"""A bad alert may cost one read of the store in this time, no more."""

REREAD_WITHIN = 0.5
"""Seconds an alert waits for a reread while a snapshot is in memory."""

VOUCHED = timedelta(days=21)
"""NSE lists weeklies about four weeks ahead. In an older file the nearest expiry may
no longer be the nearest at the exchange, so `WEEKLY` could mean another contract."""


def refresh(
    source: SymbolSource,
    store: SymbolStore,
    now: datetime,
    deadline: Deadline,
    *,
    least_rows: int = LEAST_ROWS,
) -> Summary:
    """Replace the snapshot by today's master; raise `Unavailable`, the old one kept.

    The message of the exception is meant for the owner. `deadline` bounds the store;
    the source has bounds of its own.
    """
    try:
        built = build(
            source.lines(),
            now,
            previous=_previous(store, deadline),
            least_rows=least_rows,
        )
        store.write(built.data, deadline)
    except (SourceBroken, SnapshotRefused) as error:
        raise Unavailable(
            f"symbols not refreshed, the old snapshot is kept: {error}"
        ) from error
    except Doubtful as error:
        raise Unavailable(
            "symbols not refreshed: the store gave no usable answer"
        ) from error
    _remark(built.summary, now)
    return built.summary


def _remark(summary: Summary, now: datetime) -> None:
    if now.astimezone(IST).date() - summary.as_of > LATE:
        _LOG.warning("the symbol master is dated %s", summary.as_of)
    if summary.broken:
        _LOG.warning("the symbol master has %d broken rows", summary.broken)


def _previous(store: SymbolStore, deadline: Deadline) -> Summary | None:
    """Return what is stored now; a snapshot nobody can read may be replaced freely."""
    data = store.read(deadline)
    try:
        return None if data is None else Snapshot(data).summary
    except SnapshotRefused:
        return None


class Symbols:
    """The contracts, as the webhook asks for them; safe to use from several threads."""

    def __init__(self, store: SymbolStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Snapshot | None = None
        self._tried: datetime | None = None
        self._doubt = False

    def find(
        self,
        underlying: str,
        expiry: str | date,
        strike: Decimal,
        option_type: OptionType,
        deadline: Deadline,
    ) -> Contract:
        """Return the one contract meant; `expiry` is WEEKLY, MONTHLY or an IST date.

        Raises `BadRequest` `unknown_symbol` for what is not listed, `Unavailable`
        without a snapshot that can tell.
        """
        now = self._clock()
        wanted = (now, underlying, expiry, strike, option_type)
        try:
            return _look_up(self._current(now, deadline), *wanted)
        except (BadRequest, SnapshotRefused):
            pass  # it may have been listed, or repaired, since the snapshot was read
        snapshot = self._reread(now, deadline)
        try:
            return _look_up(snapshot, *wanted)
        except SnapshotRefused as damage:
            raise Unavailable("the symbol snapshot is damaged") from damage
        except BadRequest as missing:
            if not (self._doubt or _stale(snapshot, now)):
                raise
            raise Unavailable(
                f"{missing.message} (symbols of {snapshot.summary.as_of}, "
                "which could not be renewed)"
            ) from missing

    def load(self, deadline: Deadline) -> Summary:
        """Return what is in memory, read first if need be; raise `Unavailable`."""
        return self._current(self._clock(), deadline).summary

    def describe(self) -> Summary | None:
        """Return what is in memory, without any I/O; None where nothing is."""
        kept = self._kept
        return None if kept is None else kept.summary

    def _current(self, now: datetime, deadline: Deadline) -> Snapshot:
        kept = self._kept
        if kept is None or _stale(kept, now):
            return self._reread(now, deadline)
        return kept

    def _reread(self, now: datetime, deadline: Deadline) -> Snapshot:
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
            new = None if data is None else Snapshot(data)
        except (Doubtful, SnapshotRefused) as error:
            new, fault = None, error
        self._doubt = new is None
        if new is None:
            if kept is not None:
                _LOG.warning("symbols not reread, those in memory serve: %s", fault)
                return kept
            if fault is None:
                raise Unavailable("there is no symbol snapshot: run refresh_symbols")
            raise Unavailable("the symbol snapshot cannot be read now") from fault
        # The same snapshot again: what is parsed of it stays.
        return kept if kept is not None and kept.summary == new.summary else new


def _stale(snapshot: Snapshot, now: datetime) -> bool:
    return abs(now - snapshot.summary.built_at) >= FRESH


def _look_up(
    snapshot: Snapshot,
    now: datetime,
    underlying: str,
    expiry: str | date,
    strike: Decimal,
    option_type: OptionType,
) -> Contract:
    age = now.astimezone(IST).date() - snapshot.summary.as_of
    if not isinstance(expiry, date) and age > VOUCHED:
        raise Unavailable(
            f"the symbols are {age.days} days old and cannot tell the {expiry} expiry"
        )
    chain = snapshot.chain(underlying.upper() if underlying.isascii() else "")
    if chain is None:
        raise unknown(f"{underlying[:40]} is not an underlying of NSE options")
    return chain.expiry(expiry, now).contract(strike, option_type)
