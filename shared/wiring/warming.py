"""Making an instance ready before its first alert, and the symbols' daily renewal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared import logs
from shared.broker import Unreadable
from shared.config import Settings
from shared.errors import Doubtful, Problem, Unavailable
from shared.models import IST, Notice, Severity
from shared.symbols import LATE, Summary, refresh
from shared.wiring import parts
from shared.wiring.process import clock, deadline, first_request, settings
from shared.wiring.watching import notice_silence

_LOG = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
"""How often a GET does the work; others get the last answer."""

_STORES = 5.0
_WRITE = 150.0
"""Seconds for the stores' answers, and for a download with its write."""

_SELDOM = timedelta(minutes=15)

_built: dict[str, datetime] = {}
"""When this instance last tried to build an exchange's missing snapshot."""

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
        ("token", lambda: parts.tokens(ours).current(limit, tell=False)),
    ):
        try:
            check()
        except Problem as problem:
            failure = {"success": False, "error": problem.message, "check": name}
            return 503, {**failure, "code": problem.code}
    parts.notifier(ours).warm()  # never inside a reply
    notice_silence(ours)
    return 200, {"status": "ready"}


def _request() -> Mapping[str, object]:
    return {"request_id": logs.request_id()}


def _connect(ours: Settings) -> None:
    try:
        parts.broker(ours).open()
    except Unreadable as error:
        raise Unavailable("FYERS could not be reached") from error


def _symbols(ours: Settings) -> None:
    """Load the snapshots; build one that is missing.

    The first exchange's must be there. Another's is tried seldom where it cannot be
    had: a download that fails must not keep the first from being ready.
    """
    for place, (exchange, url) in enumerate(ours.symbol_masters):
        try:
            _load(ours, exchange, url, seldom=bool(place))
        except Unavailable as problem:
            if not place:
                raise
            _LOG.warning("the %s symbols: %s", exchange, problem.message)


def _load(ours: Settings, exchange: str, url: str, *, seldom: bool) -> None:
    symbols = parts.symbols(ours)
    if symbols.describe(exchange) is None:
        store = parts.symbol_store(ours, exchange)
        try:
            missing = store.read(deadline(_STORES)) is None
        except Doubtful as error:
            raise Unavailable("the symbol store gives no answer") from error
        tried = _built.get(exchange)
        if missing and not (seldom and tried and clock() - tried < _SELDOM):
            _built[exchange] = clock()
            _refresh(ours, exchange, url)
    symbols.load(exchange, deadline(_STORES))


def refresh_symbols() -> Mapping[str, object]:
    """Replace each exchange's snapshot; tell the owner what stays, is old or is odd.

    Raises `Unavailable` if one stays, after the others have been replaced.
    """
    ours = settings("refresh_symbols")
    notice_silence(ours)
    done: dict[str, Summary] = {}
    failed: list[str] = []
    for exchange, url in ours.symbol_masters:
        try:
            done[exchange] = _refresh(ours, exchange, url)
        except Unavailable as problem:
            failed.append(problem.message)
    for message in failed:
        _tell(
            ours,
            "symbols_not_refreshed",
            f"{message}. New expiries may be missing until the next run; run "
            "refresh-symbols by hand if this repeats.",
        )
    for summary in done.values():
        _tell_of(ours, summary)
    if failed:
        raise Unavailable("; ".join(failed))
    return {
        "success": True,
        **_counts(next(iter(done.values()))),
        "exchanges": {exchange: _counts(found) for exchange, found in done.items()},
        **_request(),
    }


def _tell_of(ours: Settings, summary: Summary) -> None:
    age = (clock().astimezone(IST).date() - summary.as_of).days
    if age > LATE.days:
        _tell(
            ours,
            "symbols_old",
            f"FYERS's {summary.exchange} symbol master is {age} days old. Expiries "
            "listed since are missing; run refresh-symbols again later.",
        )
    if summary.left_out:
        names = ", ".join(summary.left_out)
        _tell(
            ours,
            "symbols_left_out",
            f"{names}: the rows in FYERS's {summary.exchange} symbol master contradict "
            "each other, so alerts for it are refused until the next refresh; all "
            "others work. Close what is open there in FYERS.",
        )


def _counts(summary: Summary) -> Mapping[str, object]:
    return {
        "rows": summary.rows,
        "contracts": summary.contracts,
        "underlyings": summary.underlyings,
        "left_out": list(summary.left_out),
        "file_date": str(summary.as_of),
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


def _refresh(ours: Settings, exchange: str, url: str) -> Summary:
    source, store = parts.symbol_source(url), parts.symbol_store(ours, exchange)
    return refresh(source, store, clock(), deadline(_WRITE), exchange=exchange)
