"""From a tap on the notice to a stored token; a failure leaves the store as it was."""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from shared import logs
from shared.broker import Entry, Login, LoginQueue, LoginRefused, Unreadable
from shared.errors import (
    BadRequest,
    Conflict,
    Damaged,
    Doubtful,
    Unauthorized,
    Unavailable,
)
from shared.login.keys import OwnersKey
from shared.login.states import LoginState, States
from shared.models import IST, Clock, Deadline, Secret, Token
from shared.tokens import TokenStore, expiry_of, hide

_log = logging.getLogger(__name__)

_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]+", re.ASCII)
_LONGEST_CODE = 4096

_WRITES = 3
"""Most tries to store a login while others store theirs."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether FYERS is connected, as the owner sees it."""

    until: datetime | None
    """When the login ends; None: nobody is logged in."""
    now: datetime

    def content(self) -> dict[str, object]:
        """Return the reply to a login that worked."""
        until = self.until.astimezone(IST).isoformat() if self.until else None
        return {
            "success": True,
            "message": "connected to FYERS",
            "expires_at": until,
            "request_id": logs.request_id(),
        }


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the store holds: no token at all, a damaged one, or a token."""

    token: Token | None
    generation: int


class LoginFlow:
    """The steps of a login. `owner` is the FYERS user who may log in.

    Without one (on a developer's machine) the first login decides. `store` returns the
    token's store: a redirect to FYERS does without. `patience` returns the deadline of
    one whole step.
    """

    def __init__(
        self,
        login: Login,
        states: States,
        key: OwnersKey,
        store: Callable[[], TokenStore],
        owner: str,
        clock: Clock,
        patience: Callable[[], Deadline],
    ) -> None:
        self._login = login
        self._states = states
        self._key = key
        self._store = store
        self._owner = owner
        self._clock = clock
        self._patience = patience

    def start(self, key: str = "") -> str:
        """Return FYERS's login page with a fresh state; `key` is the link's `k`."""
        return self._login.page(self._states.issue(self._key.queue(key)))

    def owners(self, key: str) -> bool:
        """Return whether `key` is that of the owner's own links."""
        return self._key.queue(key) is LoginQueue.OWNER

    def shown(self, key: str) -> tuple[datetime | None, datetime, str]:
        """Return what the page shows: until when, now, and the key if it is right."""
        now = self.connection()
        return now.until, now.now, key if self.owners(key) else ""

    def connection(self) -> Connection:
        """Return how things stand; raises `Unavailable` if the store is silent."""
        token, now = self._read(self._patience()).token, self._clock()
        alive = token is not None and now < token.expires_at
        return Connection(token.expires_at if token and alive else None, now)

    def finish(self, query: Mapping[str, str]) -> Connection:
        """Store the token of the login FYERS redirected back from.

        Raises `BadRequest` (`bad_code`, `bad_state`, `state_expired`, `state_used`,
        `login_failed`, `login_refused`, `wrong_user`) or `Unavailable`.
        """
        deadline = self._patience()
        if query.get("s", "ok") != "ok" or not query.get("auth_code"):
            raise self._failed(query)
        code = _code(query["auth_code"])
        state = self._states.check(query.get("state", ""))
        with self._states.attempt(state):
            return self._finish(state, code, deadline)

    def _finish(
        self, state: LoginState, code: Secret, deadline: Deadline
    ) -> Connection:
        with self._begun(state.queue, deadline) as entry:
            kept = self._read(deadline)
            # Before the exchange: a code works once.
            if state.queue is LoginQueue.OWNER:
                self._states.consume(state, deadline)
            else:
                self._states.look(state, deadline)
            token = self._exchange(code, entry)
        if state.queue is LoginQueue.OTHERS:
            self._refuse_others(token, kept)
            self._states.consume(state, deadline)
        return self._keep(token, kept, deadline)

    def finish_with_code(self, auth_code: Secret) -> Connection:
        """Store the token for a code that came by itself; raises like `finish`."""
        deadline = self._patience()
        code = _code(auth_code.open())
        with self._begun(LoginQueue.OWNER, deadline) as entry:
            kept = self._read(deadline)
            token = self._exchange(code, entry)
        return self._keep(token, kept, deadline)

    def _failed(self, query: Mapping[str, str]) -> BadRequest:
        """Return FYERS's refusal without its wording, which anybody may have chosen."""
        said = re.sub(r"[^\w .,:()'-]", "", query.get("message", ""))[:120].strip()
        _log.warning("FYERS did not log somebody in: %s", said or "no reason given")
        return BadRequest("FYERS did not log you in; start again", "login_failed")

    @contextmanager
    def _begun(self, queue: LoginQueue, deadline: Deadline) -> Iterator[Entry]:
        with ExitStack() as stack:
            try:
                entry = stack.enter_context(self._login.begin(queue, deadline))
            except Unreadable as error:
                raise Unavailable(
                    "others are logging in right now; wait a minute, or use the link "
                    "in your login notice, whose way nobody else can take"
                ) from error
            yield entry

    def _exchange(self, code: Secret, entry: Entry) -> Token:
        try:
            granted = entry.exchange(code)
            fy_id = entry.owner(granted.access)
            return Token(
                access=granted.access,
                refresh=granted.refresh,
                issued_at=self._clock(),
                expires_at=expiry_of(granted.access),
                fy_id=fy_id,
            )
        except LoginRefused as refused:
            raise BadRequest(
                f"FYERS refused the login ({refused.reason}); start again",
                "login_refused",
            ) from refused
        except (Unreadable, ValueError) as error:
            raise Unavailable(
                "FYERS gave no usable answer to the login; start again"
            ) from error

    def _keep(self, token: Token, kept: _Kept, deadline: Deadline) -> Connection:
        hide(token)
        self._store_if_owners(token, kept, deadline)
        _log.info("logged in to FYERS until %s", token.expires_at.isoformat())
        return Connection(token.expires_at, self._clock())

    def _store_if_owners(self, token: Token, kept: _Kept, deadline: Deadline) -> None:
        for _ in range(_WRITES):
            self._refuse_others(token, kept)
            try:
                self._store().write(token, kept.generation, deadline)
            except Conflict:
                kept = self._read(deadline)
                if kept.token and kept.token.issued_at > token.issued_at:
                    return  # a later login than this one is stored: the newest stays
            except Doubtful as error:
                if not self._is_stored(token, deadline):
                    raise Unavailable(
                        "the login could not be stored; start again"
                    ) from error
                return
            else:
                return
        raise Unavailable("others are logging in right now; start again")

    def _refuse_others(self, token: Token, kept: _Kept) -> None:
        owner = self._owner or (kept.token or token).fy_id
        if token.fy_id.upper() != owner.upper():
            raise BadRequest(
                "this is another FYERS user's login; log in as the owner", "wrong_user"
            )

    def _is_stored(self, token: Token, deadline: Deadline) -> bool:
        kept = self._read(deadline)
        return kept.token is not None and kept.token.access == token.access

    def _read(self, deadline: Deadline) -> _Kept:
        try:
            stored = self._store().read(deadline)
        except Damaged as damaged:
            # A login repairs it; nobody has to find and delete the object first.
            _log.warning("the stored token is damaged; a login replaces it")
            return _Kept(None, damaged.generation)
        except Doubtful as error:
            raise Unavailable("the token's store does not answer") from error
        return _Kept(stored.token, stored.generation) if stored else _Kept(None, 0)


def _code(text: str) -> Secret:
    """Return an auth code; raise `BadRequest` for what cannot be one of FYERS's.

    They are JWTs, which no log shows (`logs.masked`).
    """
    if len(text) > _LONGEST_CODE or not _JWT.fullmatch(text):
        raise BadRequest("this is no auth code of FYERS; start again", "bad_code")
    return Secret(text)


def posted_code(body: bytes, bearer: str, secret: Secret, default: Secret) -> Secret:
    """Return the auth code a program posted, or `default` where it names none.

    `bearer` is the Authorization header. Nothing of the body but the secret counts
    until that matches. Raises `Unauthorized` or `BadRequest`.
    """
    try:
        document = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        document = None
    fields = document if isinstance(document, dict) else {}
    scheme, _, given = bearer.partition(" ")
    if scheme.lower() != "bearer":
        given = fields.get("token", "")
    given = given if isinstance(given, str) else ""
    if not secret or not hmac.compare_digest(
        given.encode(errors="surrogatepass"), secret.open().encode()
    ):
        raise Unauthorized("the secret is missing or wrong")
    if document is not fields:
        raise BadRequest("the body must be a JSON object")
    code = fields.get("auth_code", default.open())
    if not isinstance(code, str) or not code:
        raise BadRequest("auth_code is missing")
    return Secret(code)
