"""Staying logged in: the daily renewal, and the notice when only a person can."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from shared import logs
from shared.broker import Login, LoginRefused, Unreadable
from shared.errors import NotLoggedIn
from shared.models import IST, Clock, Deadline, Notice, Severity, Token
from shared.notifications import Notifier
from shared.tokens import Refused, Tokens, expiry_of, token_day

_log = logging.getLogger(__name__)

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
            return {
                "success": False,
                "error": "a person must log in to FYERS today",
                "code": "login_required",
                "request_id": logs.request_id(),
            }
        said = "token renewed" if self.renewed else "token is good for the trading day"
        return {
            "success": True,
            "message": said,
            "expires_at": self.until.astimezone(IST).isoformat(),
            "request_id": logs.request_id(),
        }


def keep_logged_in(tokens: Tokens, clock: Clock, deadline: Deadline) -> Renewal:
    """Renew the token unless it is good for the trading day.

    Harmless to repeat. Raises `Unavailable`: try again later.
    """
    try:
        token = tokens.stored(deadline)
        if token.expires_at > _good_until(clock()):
            return Renewal(token.expires_at)
        return Renewal(tokens.renew(token, deadline).expires_at, renewed=True)
    except NotLoggedIn:
        return Renewal(None)


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

    def __init__(self, notifier: Notifier, auth_url: str, clock: Clock) -> None:
        self._notifier = notifier
        self._auth_url = auth_url
        self._clock = clock
        self._left: tuple[date, tuple[str, ...]] | None = None

    def send(self, reason: str, deadline: Deadline) -> bool:
        """Send the notice; return whether every channel took it by now."""
        now = self._clock()
        today = token_day(now)
        only = self._left[1] if self._left and self._left[0] == today else None
        failed = self._notifier.send(self._notice(reason, now), deadline, only)
        self._left = (today, failed)
        return not failed

    def _notice(self, reason: str, now: datetime) -> Notice:
        where = (
            f"Tap to log in: {self._auth_url}?go=1"
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
