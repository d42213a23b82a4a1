"""What several functions share, made of concrete adapters.

Every adapter, and the login, is imported where it is used: a function pays only for
what it needs. What is made is kept per process and shared by the functions of a local
server, since equal settings name the same thing.
"""

from __future__ import annotations

import logging
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from shared.config import Settings
from shared.guardrails import Control, Entries
from shared.idempotency import Claims, Lanes, Rules
from shared.models import Deadline, Kept, Token
from shared.symbols import Symbols, SymbolSource, SymbolStore
from shared.tokens import Names, Refused, Tokens, TokenStore
from shared.wiring.backends import backend
from shared.wiring.process import clock, new_attempt, now, once, pause

_T = TypeVar("_T")

_LOG = logging.getLogger(__name__)

OWNERS_A_MINUTE, OTHERS_A_MINUTE = 10, 4
"""Calls of people's logins, two each: with readyz's six they stay within the twenty a
minute that webhook and reconcile leave of FYERS's budget, whatever strangers do."""

if TYPE_CHECKING:
    from shared.adapters.channels import Channels
    from shared.adapters.documents import Documents
    from shared.adapters.fyers.login import FyersLogin
    from shared.adapters.fyers.orders import FyersBroker
    from shared.adapters.fyers.pace import Pace
    from shared.adapters.fyers.transport import Transport
    from shared.adapters.paper import PaperBroker
    from shared.adapters.store import Store
    from shared.adapters.webhook import WebhookSender
    from shared.login import LoginNotices


@once
def documents(settings: Settings) -> Documents:
    """Return Firestore, or SQLite in one file."""
    return backend(settings).documents()


@once
def claim_store(settings: Settings) -> Store:
    """Return where claims and lanes are kept."""
    from shared.adapters.store import Store

    return Store(documents(settings), clock, settings.journal_days)


@once
def claims(settings: Settings) -> Claims:
    """Return the claim machine."""
    if not settings.duplicate_window_seconds:
        _LOG.warning("DUPLICATE_WINDOW_SECONDS is 0: equal alerts are all traded")
    rules = Rules(
        ttl=settings.idempotency_ttl_seconds,
        window=settings.duplicate_window_seconds,
        timed_window=settings.max_alert_age_seconds + 30,
    )
    return Claims(claim_store(settings), clock, new_attempt, rules)


@once
def lanes(settings: Settings) -> Lanes:
    """Return the closing lanes."""
    return Lanes(claim_store(settings), claims(settings))


def kept(settings: Settings, collection: str, key: str, kind: type[_T]) -> Kept[_T]:
    """Return one document of its own."""
    from shared.adapters.kept import KeptDocument

    return KeptDocument(documents(settings), collection, key, kind)


@once
def entries(settings: Settings) -> Entries:
    """Return the entry control."""
    return Entries(
        kept(settings, "control", "entries", Control),
        settings.limits,
        clock,
        Lock(),
        claims(settings).was_sent,
    )


@once
def token_store(settings: Settings) -> TokenStore:
    """Return the GCS object, or the file, that holds the token."""
    return backend(settings).tokens()


@once
def symbol_store(settings: Settings, exchange: str) -> SymbolStore:
    """Return the GCS object, or the file, that holds an exchange's snapshot."""
    return backend(settings).symbols(exchange)


@once
def symbols(settings: Settings) -> Symbols:
    """Return this instance's reader of the snapshots."""
    stores = {
        exchange: symbol_store(settings, exchange)
        for exchange, _ in settings.symbol_masters
    }
    return Symbols(stores, clock)


def symbol_source(url: str) -> SymbolSource:
    """Return the symbol master at an address."""
    from shared.adapters.symbol_master import SymbolMaster

    return SymbolMaster(url, now)


@once
def notifier(settings: Settings) -> Channels:
    """Return the owner's channels; each is imported when first used."""
    from shared.adapters.channels import Channels

    return Channels(
        settings.notification_topic,
        settings.notification_url,
        settings.google_cloud_project,
        settings.desk_url,
    )


@once
def webhook_sender(settings: Settings) -> WebhookSender:
    """Return the desk's way to the webhook."""
    from shared.adapters.webhook import WebhookSender

    return WebhookSender(settings.webhook_url, settings.webhook_secret_token)


@once
def _transport(settings: Settings) -> Transport:
    from shared.adapters.fyers.transport import Transport

    return Transport(settings.fyers_app_id, settings.fyers_base_url, now)


@once
def _pace(settings: Settings) -> Pace:
    """Return the pace of this function's share of the user's calls."""
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
        Pace(min(2, settings.fyers_calls_per_second), now, pause, OWNERS_A_MINUTE),
        Pace(min(1, settings.fyers_calls_per_second), now, pause, OTHERS_A_MINUTE),
    )


@once
def _login_notices(settings: Settings) -> LoginNotices:
    from shared.login import LoginNotices, OwnersKey

    secret = settings.fyers_secret_id  # who has none sends the link without its key
    key = OwnersKey(secret, clock) if secret else None
    return LoginNotices(notifier(settings), settings.auth_url, key, clock)


@once
def tokens(settings: Settings) -> Tokens:
    """Return this instance's way to the token."""

    def refresh(token: Token, deadline: Deadline) -> Token | Refused | None:
        from shared.login import refreshing

        return refreshing(fyers_login(settings), clock)(token, deadline)

    def tell(dead: str, reason: str, deadline: Deadline) -> bool:
        # A fifth: an alert that finds no login has half a second for it and still
        # time to be settled and answered.
        share = deadline.within(deadline.left() / 5)
        return _login_notices(settings).send(dead, reason, share)

    may = settings.token_refresh and settings.fyers_secret_id and settings.fyers_pin
    return Tokens(
        token_store(settings),
        refresh if may else None,
        names(settings),
        tell,
        clock,
        pause,
    )


def names(settings: Settings) -> Names:
    """Return what is named once across instances."""
    return _Names(settings)


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
    return FyersBroker(
        _transport(settings),
        _pace(settings),
        mine.current,
        mine.renew,
        pause,
    )


def paper_broker(settings: Settings) -> PaperBroker:
    """Return the paper account; quotes come from the real FYERS."""
    from shared.adapters.paper import PaperBook, PaperBroker

    book = kept(settings, "paper", "book", PaperBook)
    return PaperBroker(broker(settings), book, clock)


__all__ = [
    "broker",
    "claim_store",
    "claims",
    "documents",
    "entries",
    "fyers_login",
    "kept",
    "lanes",
    "names",
    "notifier",
    "paper_broker",
    "symbol_source",
    "symbol_store",
    "symbols",
    "token_store",
    "tokens",
    "webhook_sender",
]
