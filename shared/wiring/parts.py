"""Which concrete adapter stands behind each port, decided by STATE_BACKEND.

Every adapter, and the login, is imported where it is used: a function pays only for
what it needs. What is made is kept per process and shared by the functions of a local
server, since equal settings name the same thing.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from shared.config import Settings
from shared.idempotency import Claims, ClaimStore, Rules
from shared.models import Deadline, Token
from shared.notifications import Notifier
from shared.symbols import Symbols, SymbolSource, SymbolStore
from shared.tokens import Refused, Tokens, TokenStore
from shared.wiring.process import clock, new_attempt, now, once, pause

_LOG = logging.getLogger(__name__)

if TYPE_CHECKING:
    from shared.adapters.fyers.login import FyersLogin
    from shared.adapters.fyers.orders import FyersBroker
    from shared.adapters.fyers.pace import Pace
    from shared.adapters.fyers.transport import Transport
    from shared.login import LoginNotices


@once
def claim_store(settings: Settings) -> ClaimStore:
    """Return Firestore, or SQLite in one file."""
    if settings.state_backend == "local":
        from shared.adapters.sqlite import SqliteClaims

        return SqliteClaims(settings.local_state_dir / "claims.sqlite", clock)
    from shared.adapters.firestore import FirestoreClaims

    return FirestoreClaims(
        settings.google_cloud_project, settings.firestore_database, clock
    )


@once
def claims(settings: Settings) -> Claims:
    """Return the claim machine."""
    if not settings.duplicate_window_seconds:
        _LOG.warning("DUPLICATE_WINDOW_SECONDS is 0: equal alerts are all traded")
    rules = Rules(
        ttl=settings.idempotency_ttl_seconds, window=settings.duplicate_window_seconds
    )
    return Claims(claim_store(settings), clock, new_attempt, rules)


@once
def token_store(settings: Settings) -> TokenStore:
    """Return the GCS object, or the file, that holds the token."""
    if settings.state_backend == "local":
        from shared.adapters.files import FileTokens

        return FileTokens(settings.local_state_dir / settings.gcs_tokens_file, pause)
    from shared.adapters.gcs import GcsTokens

    return GcsTokens(
        settings.google_cloud_project,
        settings.gcs_bucket_name,
        settings.gcs_tokens_file,
    )


@once
def symbol_store(settings: Settings) -> SymbolStore:
    """Return the GCS object, or the file, that holds the symbol snapshot."""
    if settings.state_backend == "local":
        from shared.adapters.files import FileSymbols

        return FileSymbols(settings.local_state_dir / settings.gcs_symbols_file)
    from shared.adapters.gcs import GcsSymbols

    return GcsSymbols(
        settings.google_cloud_project,
        settings.gcs_bucket_name,
        settings.gcs_symbols_file,
    )


@once
def symbols(settings: Settings) -> Symbols:
    """Return this instance's reader of the snapshot."""
    return Symbols(symbol_store(settings), clock)


def symbol_source(settings: Settings) -> SymbolSource:
    """Return FYERS's symbol master."""
    from shared.adapters.symbol_master import SymbolMaster

    return SymbolMaster(settings.symbol_master_url, now)


@once
def notifier(settings: Settings) -> Notifier:
    """Return the owner's channels; each is imported when first used."""
    from shared.adapters.channels import Channels

    return Channels(
        settings.notification_topic,
        settings.notification_url,
        settings.google_cloud_project,
    )


@once
def _transport(settings: Settings) -> Transport:
    from shared.adapters.fyers.transport import Transport

    return Transport(settings.fyers_app_id, settings.fyers_base_url, now)


@once
def _pace(settings: Settings) -> Pace:
    from shared.adapters.fyers.pace import Pace

    return Pace(settings.fyers_calls_per_second, now, pause)


@once
def fyers_login(settings: Settings) -> FyersLogin:
    """Return FYERS's login steps."""
    from shared.adapters.fyers.login import FyersLogin
    from shared.adapters.fyers.pace import Pace

    return FyersLogin(
        _transport(settings),
        settings.fyers_app_id,
        settings.fyers_secret_id,
        settings.fyers_redirect_uri,
        settings.fyers_pin,
        _pace(settings),
        Pace(min(1, settings.fyers_calls_per_second), now, pause),
    )


@once
def _login_notices(settings: Settings) -> LoginNotices:
    from shared.login import LoginNotices

    return LoginNotices(notifier(settings), settings.auth_url, clock)


@once
def tokens(settings: Settings) -> Tokens:
    """Return this instance's way to the token."""

    def refresh(token: Token, deadline: Deadline) -> Token | Refused | None:
        from shared.login import refreshing

        return refreshing(fyers_login(settings), clock)(token, deadline)

    def tell(reason: str, deadline: Deadline) -> bool:
        # A fifth: an alert that finds no login has half a second for it and still
        # time to be settled and answered.
        share = deadline.within(deadline.left() / 5)
        return _login_notices(settings).send(reason, share)

    return Tokens(token_store(settings), refresh, _Names(settings), tell, clock, pause)


class _Names:
    """The claim store, made when a name is first needed: most tokens are just read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        return claim_store(self._settings).once(what, expires_at, deadline)

    def named(self, what: str, deadline: Deadline) -> bool:
        return claim_store(self._settings).named(what, deadline)


@once
def broker(settings: Settings) -> FyersBroker:
    """Return FYERS as orders and reconcile use it."""
    from shared.adapters.fyers.orders import FyersBroker

    mine = tokens(settings)
    may_refresh = settings.fyers_secret_id and settings.fyers_pin
    return FyersBroker(
        _transport(settings),
        _pace(settings),
        mine.current,
        mine.renew if may_refresh else mine.reread,
        pause,
    )


__all__ = [
    "broker",
    "claim_store",
    "claims",
    "fyers_login",
    "notifier",
    "symbol_source",
    "symbol_store",
    "symbols",
    "token_store",
    "tokens",
]
