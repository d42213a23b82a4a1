"""From a tap on the notice to a stored token; a failure leaves the store as it was."""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared import logs
from shared.broker import Login, LoginRefused, Unreadable
from shared.errors import (
    BadRequest,
    Conflict,
    Damaged,
    Doubtful,
    Unauthorized,
    Unavailable,
)
from shared.login.states import States
from shared.models import IST, Clock, Deadline, Secret, Token
from shared.tokens import TokenStore, expiry_of, hide

_log = logging.getLogger(__name__)

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
        store: Callable[[], TokenStore],
        owner: str,
        clock: Clock,
        patience: Callable[[], Deadline],
    ) -> None:
        self._login = login
        self._states = states
        self._store = store
        self._owner = owner
        self._clock = clock
        self._patience = patience

    def start(self) -> str:
        """Return FYERS's login page with a fresh state."""
        return self._login.page(self._states.issue())

    def connection(self) -> Connection:
        """Return how things stand; raises `Unavailable` if the store is silent."""
        token, now = self._read(self._patience()).token, self._clock()
        alive = token is not None and now < token.expires_at
        return Connection(token.expires_at if token and alive else None, now)

    def finish(self, query: Mapping[str, str]) -> Connection:
        """Store the token of the login FYERS redirected back from.

        Raises `BadRequest` (`bad_state`, `state_expired`, `state_used`,
        `login_failed`, `login_refused`, `wrong_user`) or `Unavailable`.
        """
        deadline = self._patience()
        state, code = query.get("state", ""), query.get("auth_code", "")
        if query.get("s", "ok") != "ok" or not code:
            raise self._failed(query)
        self._states.check(state)
        logs.mask(code)  # only now: strangers must not choose what logs leave out
        kept = self._read(deadline)
        self._states.consume(state, deadline)  # before the exchange: a code works once
        return self._exchange(Secret(code), kept, deadline)

    def finish_with_code(self, auth_code: Secret) -> Connection:
        """Store the token for a code that came by itself; raises like `finish`."""
        deadline = self._patience()
        logs.mask(auth_code.open())
        return self._exchange(auth_code, self._read(deadline), deadline)

    def _failed(self, query: Mapping[str, str]) -> BadRequest:
        """Return FYERS's refusal; its wording counts only beside our own state."""
        said = ""
        try:
            self._states.check(query.get("state", ""))
            said = re.sub(r"[^\w .,:()'-]", "", query.get("message", ""))[:120].strip()
        except BadRequest:
            _log.warning("a failed login came back without a state of ours")
        said = f' FYERS says: "{said}".' if said else ""
        return BadRequest(
            f"FYERS did not log you in.{said} Start again.", "login_failed"
        )

    def _exchange(self, code: Secret, kept: _Kept, deadline: Deadline) -> Connection:
        try:
            granted = self._login.exchange(code, deadline)
            fy_id = self._login.owner(granted.access, deadline)
            token = Token(
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
        hide(token)
        self._store_if_owners(token, kept, deadline)
        _log.info("logged in to FYERS until %s", token.expires_at.isoformat())
        return Connection(token.expires_at, self._clock())

    def _store_if_owners(self, token: Token, kept: _Kept, deadline: Deadline) -> None:
        for _ in range(_WRITES):
            owner = self._owner or (kept.token or token).fy_id
            if token.fy_id.upper() != owner.upper():
                raise BadRequest(
                    "this is another FYERS user's login; log in as the owner",
                    "wrong_user",
                )
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
