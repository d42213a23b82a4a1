"""Staying logged in: the daily renewal, and the notice when only a person can."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time

from shared import logs
from shared.broker import Login, LoginRefused, Unreadable
from shared.errors import NotLoggedIn, Unavailable, failure_body
from shared.login.keys import OwnersKey
from shared.models import IST, Clock, Deadline, Notice, Severity, Token
from shared.notifications import Notifier
from shared.tokens import Refused, Tokens, expiry_of, token_day

_log = logging.getLogger(__name__)

ENDED = (-8, -15, -16, -17)
"""FYERS's codes for a token it does not take."""

CLOSE = time(15, 30)
"""NSE's session ends then, IST; a token that lives longer is good for the day."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of the daily renewal."""

    until: datetime | None
    """When the token ends; None: a person must log in."""
    renewed: bool = False

    def content(self) -> dict[str, object]:
        """Return the reply; a refusal is an expected outcome, not an error."""
        if self.until is None:
            said = "a person must log in to FYERS today"
            return failure_body(said, "login_required", logs.request_id())
        said = "token renewed" if self.renewed else "token is good for the trading day"
        return {
            "success": True,
            "message": said,
            "expires_at": self.until.astimezone(IST).isoformat(),
            "request_id": logs.request_id(),
        }


def keep_logged_in(
    tokens: Tokens, login: Login, clock: Clock, deadline: Deadline
) -> Renewal:
    """Renew the token unless it is good for the trading day and FYERS says so too.

    FYERS may end a token before its time: whoever asks learns it before the first
    alert does. Harmless to repeat. Raises `Unavailable`: try again later.
    """
    try:
        token = tokens.stored(deadline)
        good = token.expires_at > _good_until(clock())
        if good and _lives(token, login, deadline):
            return Renewal(token.expires_at)
        return Renewal(tokens.renew(token, deadline).expires_at, renewed=True)
    except NotLoggedIn:
        return Renewal(None)


def _lives(token: Token, login: Login, deadline: Deadline) -> bool:
    try:
        login.owner(token.access, deadline)
    except LoginRefused as refused:
        if refused.code in ENDED:
            return False
        raise Unavailable("FYERS does not say whether the login lives") from refused
    except Unreadable as error:
        raise Unavailable("FYERS does not say whether the login lives") from error
    return True


def refreshing(
    login: Login, clock: Clock
) -> Callable[[Token, Deadline], Token | Refused | None]:
    """Return FYERS's refresh as `Tokens` asks for it."""

    def refresh(token: Token, deadline: Deadline) -> Token | Refused | None:
        try:
            granted = login.refresh(token, deadline)
            return Token(
                access=granted.access,
                refresh=granted.refresh or token.refresh,
                issued_at=clock(),
                expires_at=expiry_of(granted.access),
                fy_id=token.fy_id,
            )
        except LoginRefused as refused:
            return Refused(refused.reason)
        except (Unreadable, ValueError) as error:
            _log.warning("no usable answer to the token's renewal: %s", error)
            return None

    return refresh


class LoginNotices:
    """Sends the owner the link that logs in; a retry goes only where it failed."""

    def __init__(
        self, notifier: Notifier, auth_url: str, key: OwnersKey | None, clock: Clock
    ) -> None:
        self._notifier = notifier
        self._auth_url = auth_url
        self._key = key
        self._clock = clock
        self._left: tuple[str, tuple[str, ...]] | None = None

    def send(self, dead: str, reason: str, deadline: Deadline) -> bool:
        """Send the notice about a token; return whether every channel took it."""
        now = self._clock()
        about = f"{dead}:{token_day(now)}"
        only = self._left[1] if self._left and self._left[0] == about else None
        failed = self._notifier.send(self._notice(reason, now), deadline, only)
        self._left = (about, failed)
        return not failed

    def _notice(self, reason: str, now: datetime) -> Notice:
        key = f"&k={self._key.today()}" if self._key else ""
        where = (
            f"Tap to log in: {self._auth_url}?go=1{key}"
            if self._auth_url
            else "Open auth-url in a browser and log in."
        )
        return Notice(
            message=f"Log in to FYERS: {reason}. No order goes out until then. {where}",
            severity=Severity.WARNING,
            event="login_needed",
            at=now,
            request_id=logs.request_id(),
        )


def _good_until(now: datetime) -> datetime:
    return max(now, datetime.combine(token_day(now), CLOSE, IST))
