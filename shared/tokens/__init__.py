"""The FYERS token: where it is kept and how an instance comes by a good one.

    current:  cache -> store -> NotLoggedIn
    renew:    cache -> store -> one refresh across instances -> NotLoggedIn

FYERS ends every access token at 06:00 IST and has refused refreshes since 1 April 2026;
the call is kept because it may return. `names` keeps instances from doing twice what
should happen once: the refresh of a token, the refusal of an IST day, the notice that a
token died.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from shared import logs
from shared.errors import (
    Conflict,
    Damaged,
    Doubtful,
    NotLoggedIn,
    OutOfTime,
    Unavailable,
)
from shared.models import Clock, Deadline, Token
from shared.tokens.once import Names, OncePerDay, token_day
from shared.tokens.ports import Refresh, Refused, StoredToken, TokenStore, expiry_of

__all__ = [
    "Names",
    "Refresh",
    "Refused",
    "StoredToken",
    "TokenStore",
    "Tokens",
    "expiry_of",
    "hide",
    "token_day",
]

_log = logging.getLogger(__name__)

WAIT_SECONDS = 15.0
"""The most an instance waits for the token another one is refreshing."""

_STEP_SECONDS = 0.2

_FRESH = "FYERS wants a fresh login"

REFUSAL = "refusal"
NOTICE = "login-notice"
"""Facts of an IST day, named in the store with the day; a notice with its token too."""


def hide(token: Token) -> None:
    """Keep a token out of the logs while it matters."""
    logs.mask_recent(token.access.open(), token.refresh.open() if token.refresh else "")


def _digest(token: Token | None) -> str:
    """Return a token's name, which does not show it."""
    access = token.access.open() if token else ""
    return hashlib.sha256(access.encode()).hexdigest()


class Tokens:
    """One instance's way to the token: cached, safe for threads.

    `refresh` is None where nobody may ask FYERS for a renewal. `login_needed` gets the
    name of the token that died and the reason, tells the owner and returns whether that
    worked; `pause` waits.
    """

    def __init__(
        self,
        store: TokenStore,
        refresh: Refresh | None,
        names: Names,
        login_needed: Callable[[str, str, Deadline], bool],
        clock: Clock,
        pause: Callable[[float], None],
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._day = OncePerDay(names, clock)
        self._login_needed = login_needed
        self._clock = clock
        self._pause = pause
        self._lock = Lock()
        self._cached: Token | None = None

    @property
    def at_hand(self) -> bool:
        """Return whether `current` answers from memory."""
        return self._cached is not None and self._alive(self._cached)

    def current(self, deadline: Deadline, *, tell: bool = True) -> Token:
        """Return a token that has not expired.

        Raises `NotLoggedIn`, having told the owner unless `tell` is off, or
        `Unavailable` when the store does not answer.
        """
        if (token := self._cached) is not None and self._alive(token):
            return token
        stored = self._read(deadline)
        if stored is not None and self._alive(stored.token):
            self._cached = stored.token
            return stored.token
        reason = "the FYERS login has expired" if stored else "nobody has logged in yet"
        dead = stored.token if stored else None
        raise self._login(reason, dead, deadline, tell=tell)

    def stored(self, deadline: Deadline) -> Token:
        """Return the token in the store, expired or not.

        Raises `NotLoggedIn`, having told the owner, or `Unavailable`.
        """
        stored = self._read(deadline)
        if stored is None:
            raise self._login("nobody has logged in yet", None, deadline)
        return stored.token

    def renew(self, refused: Token, deadline: Deadline) -> Token:
        """Return another token than the one FYERS no longer takes.

        Somebody may have logged in since: the store is read before FYERS is asked.
        Raises `NotLoggedIn`, having told the owner, or `Unavailable`.
        """
        with self._alone(deadline):
            token = self._cached
            if token is None or not self._other(token, refused):
                token = self._renewed(refused, deadline)
            self._cached = token
            return token

    def _renewed(self, refused: Token, deadline: Deadline) -> Token:
        stored = self._read(deadline)
        if stored is None:
            raise self._login("nobody has logged in yet", None, deadline)
        if self._other(stored.token, refused):
            return stored.token
        refresh = self._refresh
        if refresh is None or stored.token.refresh is None or self._day.known(REFUSAL):
            raise self._login(_FRESH, stored.token, deadline)
        if not self._day.lease(f"refresh:{_digest(stored.token)}", deadline):
            return self._from_another(refused, deadline)
        self._unless_refused(stored.token, deadline)
        return self._refreshed(refresh, stored, deadline)

    def _refreshed(
        self, refresh: Refresh, stored: StoredToken, deadline: Deadline
    ) -> Token:
        answer = refresh(stored.token, deadline)
        if answer is None:
            # Only a login cures this for certain, and the owner may be asleep.
            silent = "FYERS did not answer the token's renewal"
            self._tell(silent, stored.token, deadline)
            raise Unavailable("FYERS did not answer the token's renewal")
        if isinstance(answer, Refused):
            _log.info("FYERS refused to renew the token: %s", answer.reason)
            self._day.note(REFUSAL, deadline)
            raise self._login(_FRESH, stored.token, deadline)
        hide(answer)
        try:
            self._store.write(answer, stored.generation, deadline)
        except Conflict:
            return self._newer(deadline) or answer
        except Doubtful:
            # The token is good whether it was stored or not; others ask again later.
            _log.warning("the renewed token may not have been stored")
        return answer

    def _newer(self, deadline: Deadline) -> Token | None:
        try:
            stored = self._store.read(deadline)
        except Doubtful:
            return None
        return stored.token if stored and self._alive(stored.token) else None

    def _from_another(self, refused: Token, deadline: Deadline) -> Token:
        self._unless_refused(refused, deadline)
        patience = deadline.within(WAIT_SECONDS)
        while patience.left() > _STEP_SECONDS:
            self._pause(_STEP_SECONDS)
            stored = self._read(deadline)
            if stored is not None and self._other(stored.token, refused):
                return stored.token
            self._unless_refused(refused, deadline)
        raise Unavailable("the FYERS token is being renewed right now")

    def _unless_refused(self, dead: Token, deadline: Deadline) -> None:
        if self._day.happened(REFUSAL, deadline):
            raise self._login(_FRESH, dead, deadline)

    def _login(
        self, reason: str, dead: Token | None, deadline: Deadline, *, tell: bool = True
    ) -> NotLoggedIn:
        if tell:
            self._tell(reason, dead, deadline)
        return NotLoggedIn(f"log in to FYERS: {reason}")

    def _tell(self, reason: str, dead: Token | None, deadline: Deadline) -> None:
        name = f"{NOTICE}:{_digest(dead)}"
        self._day.tell(
            name, lambda: self._login_needed(name, reason, deadline), deadline
        )

    def _read(self, deadline: Deadline) -> StoredToken | None:
        try:
            stored = self._store.read(deadline)
        except Damaged:
            _log.error("the stored token is damaged; only a login repairs it")
            return None
        except Doubtful as error:
            raise Unavailable("the token's store does not answer") from error
        if stored is not None:
            hide(stored.token)
        return stored

    def _alive(self, token: Token) -> bool:
        return self._clock() < token.expires_at

    def _other(self, token: Token, refused: Token) -> bool:
        return token.access != refused.access and self._alive(token)

    @contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        if not self._lock.acquire(timeout=deadline.left()):
            raise OutOfTime("out of time while the FYERS token is renewed")
        try:
            yield
        finally:
            self._lock.release()
