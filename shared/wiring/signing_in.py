"""Logging in, the daily renewal and readyz, made of concrete parts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

from shared import pages, web
from shared.login import LoginFlow, Renewal, States, keep_logged_in
from shared.login import posted_code as code_in
from shared.models import Deadline, Secret
from shared.readiness import Readiness, fyers_check, symbols_check, token_check
from shared.wiring import parts
from shared.wiring.process import clock, deadline, fork, once, settings

_STEP = 20.0
"""Seconds for one step of a login: a person waits, FYERS may be slow."""


@once
def login_flow(function: str) -> LoginFlow:
    """Return the steps of a login; stores are made when a step needs them."""
    ours = settings(function)

    def first(what: str, expires_at: datetime, limit: Deadline) -> bool:
        return parts.claim_store(ours).once(what, expires_at, limit)

    return LoginFlow(
        parts.fyers_login(ours),
        States(ours.fyers_secret_id, first, clock),
        lambda: parts.token_store(ours),
        ours.fyers_client_id,
        clock,
        lambda: deadline(_STEP),
    )


def posted_code(request: web.Request) -> Secret:
    """Return the auth code a program posted, having checked its secret."""
    ours = settings("generate_token")
    return code_in(
        web.read_body(request),
        request.headers.get("Authorization", ""),
        ours.webhook_secret_token,
        ours.fyers_auth_code,
    )


def renewal() -> Renewal:
    """Renew the token if need be; see `login.keep_logged_in`."""
    ours = settings("refresh_token")
    return keep_logged_in(parts.tokens(ours), clock, deadline(_STEP))


@once
def readiness() -> Readiness:
    """Return readyz's checks; each loads what it needs, so each fails by itself."""

    def _settings(limit: Deadline) -> Mapping[str, object]:
        settings("readyz")
        return {}

    def _store(limit: Deadline) -> Mapping[str, object]:
        parts.claim_store(settings("readyz")).read("0" * 64, limit)
        return {}

    def _token(limit: Deadline) -> Mapping[str, object]:
        return token_check(parts.token_store(settings("readyz")), clock)(limit)

    def _symbols(limit: Deadline) -> Mapping[str, object]:
        return symbols_check(parts.symbol_store(settings("readyz")), clock)(limit)

    def _fyers(limit: Deadline) -> Mapping[str, object]:
        ours = settings("readyz")
        check = fyers_check(parts.fyers_login(ours), parts.token_store(ours))
        return check(limit)

    checks = {
        "settings": _settings,
        "store": _store,
        "token": _token,
        "symbols": _symbols,
        "fyers": _fyers,
    }
    return Readiness(checks, fork, clock, deadline)


def failure_page(failure: web.Failure) -> pages.Page:
    """Return the page a browser is shown, with the way back where it is known."""
    again = os.environ.get("AUTH_URL", "").strip().rstrip("/")
    return pages.failure(failure.message, failure.request_id, again)
