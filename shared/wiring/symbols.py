"""The symbols' daily renewal, made of concrete parts."""

from __future__ import annotations

from collections.abc import Mapping

from shared import logs
from shared.config import Settings
from shared.errors import Unavailable
from shared.models import IST, Notice, Severity
from shared.symbols import Summary
from shared.symbols.refreshing import LATE, refresh
from shared.wiring import parts
from shared.wiring.process import clock, deadline, settings
from shared.wiring.watching import notice_silence

_TELL = 5.0
_WRITE = 150.0
"""Seconds for a notice, and for a download with its write."""


def refresh_all() -> Mapping[str, object]:
    """Replace each exchange's snapshot; tell the owner what stays, is old or is odd.

    Raises `Unavailable` if one stays, after the others have been replaced.
    """
    ours = settings("refresh_symbols")
    notice_silence(ours)
    done: dict[str, Summary] = {}
    failed: list[str] = []
    for exchange, url in ours.symbol_masters:
        try:
            done[exchange] = rebuild(ours, exchange, url)
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
        "request_id": logs.request_id(),
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
    parts.notifier(ours).send(notice, deadline(_TELL))


def rebuild(ours: Settings, exchange: str, url: str) -> Summary:
    """Download an exchange's master and store its snapshot; raise `Unavailable`."""
    source, store = parts.symbol_source(url), parts.symbol_store(ours, exchange)
    return refresh(source, store, clock(), deadline(_WRITE), exchange=exchange)
