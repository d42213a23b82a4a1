"""Logging in, the daily renewal and readyz, made of concrete parts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from shared import pages, web
from shared.errors import StoreError
from shared.guard import GuardState
from shared.login import LoginFlow, OwnersKey, Renewal, States, keep_logged_in
from shared.login import posted_code as code_in
from shared.models import Deadline, Kept, Secret
from shared.readiness import (
    Failing,
    Readiness,
    fyers_check,
    guard_check,
    notifications_check,
    reconcile_check,
    symbols_check,
    token_check,
)
from shared.wiring import parts
from shared.wiring.process import clock, deadline, fork, once, settings
from shared.wiring.watching import notice_silence

_STEP = 20.0
"""Seconds for one step of a login: a person waits, FYERS may be slow."""


@once
def login_flow(function: str) -> LoginFlow:
    """Return the steps of a login; stores are made when a step needs them."""
    ours = settings(function)
    return LoginFlow(
        parts.fyers_login(ours),
        States(ours.fyers_secret_id, parts.names(ours), clock),
        OwnersKey(ours.fyers_secret_id, clock),
        lambda: parts.token_store(ours),
        ours.fyers_client_id,
        clock,
        lambda: deadline(_STEP),
    )


def desk_link() -> str:
    """Return the desk's address, empty where there is none."""
    return settings("auth_url").desk_url


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
    login, limit = parts.fyers_login(ours), deadline(_STEP)
    notice_silence(ours)
    return keep_logged_in(parts.tokens(ours), login, clock, limit)


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
        ours = settings("readyz")
        (first, _), *others = ours.symbol_masters
        shown = dict(symbols_check(parts.symbol_store(ours, first), clock)(limit))
        for exchange, _ in others:
            # Shown, not required: who never trades there must not be "not ready".
            try:
                check = symbols_check(parts.symbol_store(ours, exchange), clock)
                shown[exchange] = check(limit)["date"]
            except (Failing, StoreError):
                shown[exchange] = "failing"
        return shown

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
        "reconcile": lambda limit: reconcile_check(_guard_state(), clock)(limit),
        "guard": lambda limit: guard_check(_guard_state())(limit),
        "notifications": lambda limit: notifications_check(_guard_state())(limit),
    }
    return Readiness(checks, fork, clock, deadline)


def _guard_state() -> Kept[GuardState]:
    return parts.kept(settings("readyz"), "guard", "state", GuardState)


def failure_page(failure: web.Failure) -> pages.Page:
    """Return the page a browser is shown, with the way back where it is known."""
    again = os.environ.get("AUTH_URL", "").strip().rstrip("/")
    return pages.failure(failure.message, failure.request_id, again)
