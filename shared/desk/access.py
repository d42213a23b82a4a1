"""Who may see the desk: a ticket from the login, then a session until 06:00 IST.

    login -> ticket (signed, 60 s, taken once) -> cookie -> sessions/<sha256 of it>

Ticket, cookie and form token are signed with keys of their own, derived from the app's
secret. So a forged one costs no read of the store, and none is good for another's
purpose.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from shared.errors import BadRequest, Conflict, Doubtful, Unavailable
from shared.login.keys import derived
from shared.models import IST, Clock, Deadline, Kept, Secret
from shared.tokens.once import ENDS, token_day

TICKET_LIFE = timedelta(seconds=60)

_SKEW = timedelta(seconds=5)
"""How far two instances' clocks may differ."""

_LONGEST = 200
"""Characters of a ticket or cookie."""

_WRITES = 3
"""Most tries to become the one session while others log in."""


class Signer:
    """Texts under a key that serves one purpose: `text.mac`, spelled in one way."""

    def __init__(self, secret: Secret, purpose: bytes) -> None:
        self._key = derived(secret, purpose)

    def mark(self, text: str) -> str:
        """Return the MAC of a text."""
        raw = hmac.new(self._key, _bytes(text), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def sign(self, text: str) -> str:
        """Return the text with its MAC."""
        return f"{text}.{self.mark(text)}"

    def read(self, signed: str) -> str | None:
        """Return the text, None where it was not signed with this key."""
        text, _, mark = signed[:_LONGEST].rpartition(".")
        genuine = hmac.compare_digest(_bytes(mark), self.mark(text).encode())
        return text if genuine and len(signed) <= _LONGEST else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Tickets:
    """What takes a browser from the login to the desk."""

    def __init__(
        self,
        secret: Secret,
        clock: Clock,
        entropy: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._signer = Signer(secret, b"desk ticket v1")
        self._clock = clock
        self._entropy = entropy

    def issue(self, connected_until: datetime) -> str:
        """Return a ticket that also says until when FYERS is connected."""
        now, until = int(self._clock().timestamp()), int(connected_until.timestamp())
        return self._signer.sign(f"{now}-{until}-{self._entropy(16)}")

    def check(self, ticket: str) -> datetime:
        """Return until when FYERS is connected; raise `BadRequest`."""
        text = self._signer.read(ticket)
        if text is None:
            raise BadRequest("this link was not made here; log in again", "bad_ticket")
        issued, until = (
            datetime.fromtimestamp(int(part), UTC) for part in text.split("-")[:2]
        )
        if not -_SKEW <= self._clock() - issued <= TICKET_LIFE:
            raise BadRequest("this link is too old; log in again", "ticket_expired")
        return until


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that came from the owner's login; its id is the cookie's SHA-256."""

    expires_at: datetime
    """06:00 IST; the TTL field too."""
    connected_until: datetime
    """When FYERS ends the login that began it."""


@dataclass(frozen=True, slots=True)
class Latest:
    """Which session counts: `sessions/latest`, so that a login ends the one before."""

    session: str
    expires_at: datetime


class Access:
    """Sessions over the store; `sessions` returns the document of an id."""

    def __init__(
        self,
        secret: Secret,
        once: Callable[[str, datetime, Deadline], bool],
        sessions: Callable[[str], Kept[Session]],
        latest: Kept[Latest],
        clock: Clock,
        entropy: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._tickets = Tickets(secret, clock)
        self._cookies = Signer(secret, b"desk session v1")
        self._forms = Signer(secret, b"desk form v1")
        self._once = once
        self._sessions = sessions
        self._latest = latest
        self._clock = clock
        self._entropy = entropy

    def enter(self, ticket: str, deadline: Deadline) -> str:
        """Take a ticket back for good and return the cookie of a new session.

        The owner's session before this one ends. Raises `BadRequest` (`bad_ticket`,
        `ticket_expired`, `ticket_used`) or `Unavailable`.
        """
        connected_until = self._tickets.check(ticket)
        over = self._clock() + TICKET_LIFE + _SKEW * 2
        try:
            if not self._once(f"desk-ticket:{ticket}", over, deadline):
                raise BadRequest("this link was used already", "ticket_used")
            cookie = self._cookies.sign(self._entropy(32))
            self._begin(_digest(cookie), connected_until, deadline)
        except Doubtful as error:
            raise Unavailable("the store does not answer; log in again") from error
        return cookie

    def _begin(self, key: str, connected_until: datetime, deadline: Deadline) -> None:
        # The session first: whoever logs in at the same time must find it to end it.
        session = Session(_next_six(self._clock()), connected_until)
        self._sessions(key).write(session, None, deadline)
        for _ in range(_WRITES):
            latest, version = self._latest.read(deadline)
            if latest is not None:
                self._delete(latest.session, deadline)
            try:
                self._latest.write(Latest(key, session.expires_at), version, deadline)
            except Conflict:
                continue
            return
        raise Unavailable("others are logging in right now; log in again")

    def session(self, cookie: str, deadline: Deadline) -> Session | None:
        """Return the session of a cookie, None where it is forged, over or ended.

        A forged one is known without a read of the store. Raises `Unavailable`.
        """
        if self._cookies.read(cookie) is None:
            return None
        try:
            found, _ = self._sessions(_digest(cookie)).read(deadline)
        except Doubtful as error:
            raise Unavailable("the store does not answer") from error
        return found if found and self._clock() < found.expires_at else None

    def leave(self, cookie: str, deadline: Deadline) -> None:
        """End a session at once; raise `Unavailable` where that is not certain."""
        try:
            self._delete(_digest(cookie), deadline)
        except Doubtful as error:
            raise Unavailable(
                "the store does not answer; you may still be logged in"
            ) from error

    def form_token(self, cookie: str) -> str:
        """Return what a form of this session carries."""
        return self._forms.mark(cookie)

    def is_own_form(self, cookie: str, token: str) -> bool:
        """Return whether a form was made for this session."""
        return hmac.compare_digest(_bytes(token), self.form_token(cookie).encode())

    def _delete(self, key: str, deadline: Deadline) -> None:
        kept = self._sessions(key)
        for _ in range(_WRITES):
            _, version = kept.read(deadline)
            if version is None:
                return
            try:
                kept.delete(version, deadline)
            except Conflict:
                continue
        if kept.read(deadline)[1] is not None:
            raise Doubtful("the session is still there")


def _digest(cookie: str) -> str:
    return hashlib.sha256(_bytes(cookie)).hexdigest()


def _next_six(now: datetime) -> datetime:
    day = token_day(now) + timedelta(days=1)
    return datetime.combine(day, time(), IST) + ENDS
