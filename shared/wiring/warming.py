"""Making an instance ready before its first alert."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared import logs
from shared.broker import Unreadable
from shared.config import Settings
from shared.errors import Doubtful, Problem, Unavailable, failure_body
from shared.wiring import parts
from shared.wiring.process import clock, deadline, first_request, settings
from shared.wiring.symbols import rebuild
from shared.wiring.watching import notice_silence

_LOG = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
"""How often a GET does the work; others get the last answer."""

_STORES = 5.0
"""Seconds for the stores' answers."""

_SELDOM = timedelta(minutes=15)

_built: dict[str, datetime] = {}
"""When this instance last tried to build an exchange's missing snapshot."""

_Lacks = tuple[str, Problem]
"""The check that failed, and how."""

_WARMING: _Lacks = "warming", Unavailable("the instance is being made ready")

_lock = threading.Lock()
_last: tuple[datetime, _Lacks | None] | None = None


@first_request()
def warm() -> tuple[int, Mapping[str, object]]:
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
    lacks = _last[1] if _last else _WARMING
    if lacks is None:
        return 200, {"status": "ready"}
    check, problem = lacks
    return 503, failure_body(
        problem.message, problem.code, logs.request_id(), check=check
    )


def _warm(ours: Settings) -> _Lacks | None:
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
            return name, problem
    parts.notifier(ours).warm()  # never inside a reply
    notice_silence(ours)
    return None


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
            rebuild(ours, exchange, url)
    symbols.load(exchange, deadline(_STORES))
