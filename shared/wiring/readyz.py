"""readyz's checks, made of concrete parts."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import StoreError
from shared.guard import GuardState
from shared.models import Deadline, Kept
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
