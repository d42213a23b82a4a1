"""The snapshot's daily renewal, one exchange at a time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.errors import Doubtful, Unavailable
from shared.models import IST, Deadline
from shared.symbols.master import build
from shared.symbols.ports import SourceBroken, SymbolSource, SymbolStore
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary

_LOG = logging.getLogger(__name__)

LATE = timedelta(days=4)
"""The master's date is the last trading day: older than any long weekend is odd."""


def refresh(
    source: SymbolSource,
    store: SymbolStore,
    now: datetime,
    deadline: Deadline,
    *,
    exchange: str = "NSE",
    least_rows: int | None = None,
) -> Summary:
    """Replace the snapshot by today's master; raise `Unavailable`, the old one kept.

    The message of the exception is meant for the owner. `deadline` bounds the store;
    the source has bounds of its own.
    """
    kept = f"{exchange} symbols not refreshed, the old snapshot is kept"
    try:
        built = build(
            source.lines(),
            now,
            exchange=exchange,
            previous=_previous(store, deadline),
            least_rows=least_rows,
        )
        store.write(built.data, deadline)
    except (SourceBroken, SnapshotRefused) as error:
        raise Unavailable(f"{kept}: {error}") from error
    except Doubtful as error:
        raise Unavailable(
            f"{exchange} symbols not refreshed: the store gave no usable answer"
        ) from error
    _remark(built.summary, now)
    return built.summary


def _remark(summary: Summary, now: datetime) -> None:
    name = summary.exchange
    if now.astimezone(IST).date() - summary.as_of > LATE:
        _LOG.warning("the %s symbol master is dated %s", name, summary.as_of)
    if summary.broken:
        _LOG.warning("the %s symbol master has %d broken rows", name, summary.broken)
    if summary.left_out:
        _LOG.warning("left out of %s as odd: %s", name, ", ".join(summary.left_out))


def _previous(store: SymbolStore, deadline: Deadline) -> Summary | None:
    """Return what is stored now; a snapshot nobody can read may be replaced freely."""
    data = store.read(deadline)
    try:
        return None if data is None else Snapshot(data).summary
    except SnapshotRefused:
        return None
