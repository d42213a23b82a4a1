"""What anybody can cause at the webhook, counted and told at most once an hour."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from shared import logs
from shared.config import Settings
from shared.errors import Doubtful, Misconfigured, Unauthorized
from shared.models import IST, Deadline, Severity
from shared.notifications import HourlyCount
from shared.wiring import parts
from shared.wiring.process import (
    clock,
    deadline,
    once,
    readable_settings,
    settings,
)

_LOG = logging.getLogger(__name__)


_PATIENCE = 2.0
"""Seconds for the store and the channels, once an hour; the reply can wait: a resend
would bring nothing."""

_SHARE = 1.0
"""Seconds, inside the reply's deadline; what does not leave in them is tried again."""


@contextmanager
def counted(function: str) -> Iterator[None]:
    """Count wrong secrets and refusals for the settings that pass through."""
    try:
        yield
    except Unauthorized:
        _add(
            function,
            "wrong_secret",
            "requests without the right secret. If alerts of yours are among them, "
            "correct the token in their message; else somebody is guessing.",
            Severity.WARNING,
            deadline(_PATIENCE),
        )
        raise
    except Misconfigured as error:
        _add(
            function,
            Misconfigured.code,
            f"requests refused, no order goes out: {'; '.join(error.problems)}. "
            "Correct env.yaml and deploy again.",
            Severity.CRITICAL,
            deadline(_PATIENCE),
        )
        raise


def old_secret_used(function: str, limit: Deadline) -> None:
    """Count an alert that carries the secret from before a rotation."""
    until = settings(function).webhook_secret_token_old_until
    when = f" before {until.astimezone(IST):%a %d %b %H:%M} IST" if until else ""
    _add(
        function,
        "old_secret",
        "alerts with the webhook token from before its rotation. Put the new one into "
        f"their messages in TradingView{when}; later they are refused.",
        Severity.WARNING,
        limit.within(_SHARE),
    )


def _add(
    function: str, event: str, message: str, severity: Severity, limit: Deadline
) -> None:
    request = logs.request_id()
    try:
        count = _count(readable_settings(function))
        count.add(event, message, severity, limit, request)
    except Exception:  # what is broken here must not change the reply
        _LOG.exception("%s could not be told", event)


@once
def _count(settings: Settings) -> HourlyCount:
    def first(what: str, expires_at: datetime, limit: Deadline) -> bool:
        try:
            return parts.names(settings).once(what, expires_at, limit)
        except Exception as error:  # settings may be too broken for a store
            raise Doubtful("the store cannot be asked") from error

    return HourlyCount(parts.notifier(settings), first, clock)
