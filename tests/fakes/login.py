"""Stand-ins for what the login, the token and readyz ask of the outside."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from shared.broker import Granted, LoginQueue, LoginRefused, Unreadable
from shared.errors import Conflict, Doubtful
from shared.models import IST, Deadline, Secret, Token
from shared.tokens import StoredToken

MORNING = datetime(2026, 11, 23, 8, 30, tzinfo=IST)
"""A Monday before the session."""

SIX = datetime(2026, 11, 24, 6, 0, tzinfo=IST)
"""When a token granted on that Monday ends."""


def jwt(expires_at: datetime, name: str = "a") -> Secret:
    """Return an unsigned access token that says when it ends."""
    claims = json.dumps({"exp": int(expires_at.timestamp()), "jti": name}).encode()
    return Secret(
        f"eyJhbGciOiJub25lIn0.{base64.urlsafe_b64encode(claims).decode()}.sig"
    )


def token(
    name: str = "a",
    *,
    expires_at: datetime = SIX,
    refresh: str | None = "refresh-of-the-day",
    fy_id: str = "XA00001",
) -> Token:
    """Return a login that is good all Monday."""
    return Token(
        access=jwt(expires_at, name),
        refresh=Secret(refresh) if refresh else None,
        issued_at=expires_at - timedelta(hours=22),
        expires_at=expires_at,
        fy_id=fy_id,
    )


def code(name: str = "1") -> str:
    """Return an auth code of FYERS's form."""
    return f"eyJhbGciOiJub25lIn0.Y29kZSAt-{name}.sig"


def ample() -> Deadline:
    """Return a deadline that never comes: its clock stands still."""
    return Deadline(60.0, lambda: 0.0)


@dataclass
class Time:
    """A clock, a deadline's clock and a pause that all move together."""

    now: datetime = MORNING
    started: datetime = MORNING

    def __call__(self) -> datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def deadline(self, seconds: float = 20.0) -> Deadline:
        """Return a deadline that many seconds from now."""
        start = self._seconds()
        return Deadline(start + seconds, self._seconds)

    def _seconds(self) -> float:
        return (self.now - self.started).total_seconds()


@dataclass
class MemoryTokens:
    """A token store in memory with generations; `doubt` makes it fall silent."""

    stored: StoredToken | None = None
    doubt: bool = False
    silent_reads: bool = False
    reply_lost: bool = False
    """The next write is applied, and its answer lost."""
    request_lost: bool = False
    """The next write does not arrive, and nobody can tell."""
    before_write: Callable[[], None] | None = None
    reads: int = 0

    def read(self, deadline: Deadline) -> StoredToken | None:
        """Return what is stored."""
        self.reads += 1
        if self.doubt or self.silent_reads:
            raise Doubtful("silent")
        return self.stored

    def write(self, token: Token, generation: int, deadline: Deadline) -> int:
        """Replace exactly that generation."""
        if self.before_write is not None:
            meanwhile, self.before_write = self.before_write, None
            meanwhile()
        if self.doubt:
            raise Doubtful("silent")
        if generation != (self.stored.generation if self.stored else 0):
            raise Conflict("another generation")
        if self.request_lost:
            self.request_lost = False
            raise Doubtful("the request was lost")
        self.put(token)
        if self.reply_lost:
            self.reply_lost = False
            raise Doubtful("the answer was lost")
        return generation + 1

    def put(self, token: Token) -> None:
        """Store a token as somebody else would."""
        generation = self.stored.generation if self.stored else 0
        self.stored = StoredToken(token, generation + 1)

    @property
    def token(self) -> Token | None:
        """Return the stored token alone."""
        return self.stored.token if self.stored else None


@dataclass
class MemoryOnce:
    """The claims of what happens once, shared by every instance of a test."""

    clock: Callable[[], datetime]
    doubt: bool = False
    silent_about: str = "\0"
    """Names that begin so get no answer."""
    names: dict[str, datetime] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def named(self, what: str, deadline: Deadline) -> bool:
        if self.doubt or what.startswith(self.silent_about):
            raise Doubtful("silent")
        return what in self.kept()

    def __call__(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        return self.once(what, expires_at, deadline)

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        if self.doubt or what.startswith(self.silent_about):
            raise Doubtful("silent")
        with self.lock:
            if self.names.get(what, self.clock()) > self.clock():
                return False
            self.names[what] = expires_at
            return True

    def kept(self) -> set[str]:
        """Return the names that count now."""
        return {name for name, end in self.names.items() if end > self.clock()}


@dataclass
class ScriptedLogin:
    """FYERS's login steps: codes it will take once, answers it will give."""

    grants: dict[str, Granted] = field(default_factory=dict)
    owners: dict[Secret, str] = field(default_factory=dict)
    refreshed: Granted | LoginRefused | Unreadable = field(
        default_factory=lambda: LoginRefused(-16, "disabled to comply with SEBI")
    )
    silent: bool = False
    ended: dict[Secret, int] = field(default_factory=dict)
    """Access tokens that FYERS no longer takes, and what it answers."""
    full: set[LoginQueue] = field(default_factory=set)
    begun: list[LoginQueue] = field(default_factory=list)
    refreshes: int = 0
    exchanges: int = 0
    profiles: int = 0

    def page(self, state: str) -> str:
        """Return the login page's address."""
        return f"https://fyers.invalid/login?state={state}"

    @contextmanager
    def begin(self, queue: LoginQueue, deadline: Deadline) -> Iterator[ScriptedEntry]:
        """Let a login begin unless its queue is full."""
        if queue in self.full:
            raise Unreadable("no room")
        self.begun.append(queue)
        yield ScriptedEntry(self, deadline)

    def exchange(self, auth_code: Secret) -> Granted:
        """Take each known code once."""
        self.exchanges += 1
        if self.silent:
            raise Unreadable("no answer")
        granted = self.grants.pop(auth_code.open(), None)
        if granted is None:
            raise LoginRefused(-437, "invalid auth code")
        return granted

    def refresh(self, token: Token, deadline: Deadline) -> Granted:
        """Answer as scripted."""
        self.refreshes += 1
        if isinstance(self.refreshed, Exception):
            raise self.refreshed
        return self.refreshed

    def owner(self, access: Secret, deadline: Deadline) -> str:
        """Return whose token it is."""
        self.profiles += 1
        if self.silent:
            raise Unreadable("no answer")
        if access in self.ended:
            raise LoginRefused(self.ended[access], "Could not authenticate the user")
        return self.owners.get(access, "XA00001")


@dataclass
class ScriptedEntry:
    """One login that was let in."""

    login: ScriptedLogin
    deadline: Deadline

    def exchange(self, auth_code: Secret) -> Granted:
        """Take each known code once."""
        return self.login.exchange(auth_code)

    def owner(self, access: Secret) -> str:
        """Return whose token it is."""
        return self.login.owner(access, self.deadline)
