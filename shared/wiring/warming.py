"""Making an instance ready before its first alert, and the symbols' daily renewal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared import logs
from shared.broker import Unreadable
from shared.config import Settings
from shared.errors import Doubtful, Problem, Unavailable
from shared.models import IST, Notice, Severity
from shared.symbols import Summary, refresh
from shared.wiring import parts
from shared.wiring.process import clock, deadline, first_request, settings

EVERY = timedelta(seconds=10)
"""How often a GET does the work; others get the last answer."""

_STORES = 5.0
_WRITE = 150.0
"""Seconds for the stores' answers, and for a download with its write."""

_OLD_DAYS = 4
"""A weekend and two holidays; a master older than that is told."""


Reply = tuple[int, Mapping[str, object]]
"""Status and content."""

_WARMING: Reply = (
    503,
    {
        "success": False,
        "error": "the instance is being made ready",
        "check": "warming",
        "code": Unavailable.code,
    },
)

_lock = threading.Lock()
_last: tuple[datetime, Reply] | None = None


@first_request()
def warm() -> Reply:
    """Load settings, token and symbols and open the connections.

    No FYERS endpoint is called. A missing symbol snapshot is built.
    """
    global _last
    ours = settings("webhook")
    # Whoever comes while it is being done takes the last answer: GETs are public and
    # must not hold the threads that alerts need.
    if (_last is None or abs(clock() - _last[0]) >= EVERY) and _lock.acquire(
        blocking=False
    ):
        try:
            _last = (clock(), _warm(ours))
        finally:
            _lock.release()
    status, content = _last[1] if _last else _WARMING
    return status, content if status == 200 else {**content, **_request()}


def _warm(ours: Settings) -> Reply:
    limit = deadline(_STORES)
    for name, check in (
        ("store", lambda: parts.claims(ours).look("0" * 64, limit)),
        ("symbols", lambda: _symbols(ours)),
        ("fyers", lambda: _connect(ours)),
        ("token", lambda: parts.tokens(ours).current(limit)),
    ):
        try:
            check()
        except Problem as problem:
            failure = {"success": False, "error": problem.message, "check": name}
            return 503, {**failure, "code": problem.code}
    return 200, {"status": "ready"}


def _request() -> Mapping[str, object]:
    return {"request_id": logs.request_id()}


def _connect(ours: Settings) -> None:
    try:
        parts.broker(ours).open()
    except Unreadable as error:
        raise Unavailable("FYERS could not be reached") from error


def _symbols(ours: Settings) -> None:
    """Load the snapshot; build it where there is none."""
    symbols = parts.symbols(ours)
    if symbols.describe() is None:
        try:
            if parts.symbol_store(ours).read(deadline(_STORES)) is None:
                _refresh(ours)
        except Doubtful as error:
            raise Unavailable("the symbol store gives no answer") from error
    symbols.load(deadline(_STORES))


def refresh_symbols() -> Mapping[str, object]:
    """Replace the symbol snapshot; tell the owner when it stays or comes old."""
    ours = settings("refresh_symbols")
    try:
        summary = _refresh(ours)
    except Unavailable as problem:
        _tell(
            ours,
            "symbols_not_refreshed",
            f"{problem.message}. New expiries may be missing until the next run; run "
            "refresh-symbols by hand if this repeats.",
        )
        raise
    age = (clock().astimezone(IST).date() - summary.as_of).days
    if age > _OLD_DAYS:
        _tell(
            ours,
            "symbols_old",
            f"FYERS's symbol master is {age} days old. Expiries listed since are "
            "missing; run refresh-symbols again later.",
        )
    return {
        "success": True,
        "rows": summary.rows,
        "contracts": summary.contracts,
        "underlyings": summary.underlyings,
        "file_date": str(summary.as_of),
        **_request(),
    }


def _tell(ours: Settings, event: str, message: str) -> None:
    notice = Notice(
        message=message,
        severity=Severity.ERROR,
        event=event,
        at=clock(),
        request_id=logs.request_id(),
    )
    parts.notifier(ours).send(notice, deadline(_STORES))


def _refresh(ours: Settings) -> Summary:
    source, store = parts.symbol_source(ours), parts.symbol_store(ours)
    return refresh(source, store, clock(), deadline(_WRITE))
