"""The watch over the watch: reconcile's heartbeat, and who notices that it stopped."""

from __future__ import annotations

import logging
from datetime import timedelta

from shared import logs
from shared.config import Settings
from shared.errors import Doubtful
from shared.guard import GuardState
from shared.models import Notice, Severity
from shared.readiness import SILENT
from shared.wiring import parts
from shared.wiring.process import clock, deadline

_LOG = logging.getLogger(__name__)

WITHIN = 5.0
"""Seconds for a ping, or for looking at the last run."""


def beat(settings: Settings) -> None:
    """Ping HEARTBEAT_URL, a dead man's switch that speaks when nothing comes."""
    if not settings.heartbeat_url:
        return
    import requests

    from shared.adapters.deadline_http import session, until

    try:
        with until(deadline(WITHIN)):
            session().get(settings.heartbeat_url.open()).raise_for_status()
    except requests.RequestException as error:
        # Its text may hold the address.
        _LOG.warning("the heartbeat was not taken: %s", type(error).__name__)


def notice_silence(settings: Settings) -> None:
    """Tell the owner, once an hour, that reconcile has stopped; raise nothing."""
    limit = deadline(WITHIN)
    try:
        found, _ = parts.kept(settings, "guard", "state", GuardState).read(limit)
        if found is None or clock() - found.ran_at <= SILENT:
            return
        hour = f"{clock():%Y-%m-%d %H}"
        until = clock() + timedelta(hours=2)
        if not parts.claim_store(settings).once(f"silent:{hour}", until, limit):
            return
    except Doubtful:
        return
    minutes = int((clock() - found.ran_at).total_seconds() // 60)
    notice = Notice(
        message=f"reconcile has not run for {minutes} minutes: orders are not followed "
        "and nothing is told. Look at Cloud Scheduler, and at your positions in the "
        "FYERS app.",
        severity=Severity.CRITICAL,
        event="reconcile_silent",
        at=clock(),
        request_id=logs.request_id(),
    )
    parts.notifier(settings).send(notice, limit)
