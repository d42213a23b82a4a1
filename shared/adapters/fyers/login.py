"""FYERS's login steps as the Login port.

The SDK builds the login address and the app's hash; its token call has no timeout and
it has no refresh, so both are posted over our own bounded session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from shared.adapters.fyers import outcomes
from shared.adapters.fyers.pace import Pace, PacedTurn
from shared.adapters.fyers.rows import words
from shared.adapters.fyers.transport import Record, Transport
from shared.broker import Granted, LoginQueue, LoginRefused, NotTaken, Unreadable
from shared.models import Deadline, Secret, Token

REFRESH = "/validate-refresh-token"


AT_ONCE = 2
"""Logins of the others' queue at a time: they wait for its pace on threads that the
owner needs too."""


class FyersLogin:
    """The Login port over the SDK's session; `secret` and `pin` never leave a body.

    `pace` is that of refresh and profile alone, `owners` and `others` are the queues of
    people's logins, so that strangers use up neither.
    """

    def __init__(
        self,
        transport: Transport,
        app_id: str,
        secret: Secret,
        redirect_uri: str,
        pin: Secret,
        pace: Pace,
        owners: Pace,
        others: Pace,
    ) -> None:
        self._transport = transport
        self._app_id = app_id
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._pin = pin
        self._pace = pace
        self._queues = {LoginQueue.OWNER: owners, LoginQueue.OTHERS: others}
        self._room = BoundedSemaphore(AT_ONCE)

    def page(self, state: str) -> str:
        """Return the address of FYERS's login page that carries `state`."""
        session = self._transport.sdk.SessionModel(
            client_id=self._app_id,
            redirect_uri=self._redirect_uri,
            response_type="code",
            state=state,
        )
        return str(session.generate_authcode())

    @contextmanager
    def begin(self, queue: LoginQueue, deadline: Deadline) -> Iterator[FyersEntry]:
        """Reserve a login's two calls; the others' queue takes `AT_ONCE` at a time."""
        if queue is LoginQueue.OTHERS and not self._room.acquire(blocking=False):
            raise Unreadable("too many others are logging in")
        try:
            turn = _reserved(self._queues[queue], 2, deadline)
            try:
                yield FyersEntry(self, turn)
            finally:
                turn.end()
        finally:
            if queue is LoginQueue.OTHERS:
                self._room.release()

    def exchange(self, auth_code: Secret, turn: PacedTurn) -> Granted:
        """Trade a one-use auth code for tokens: POST /validate-authcode."""
        fields = {
            "grant_type": "authorization_code",
            "appIdHash": self._hash(),
            "code": auth_code.open(),
        }
        path = self._transport.sdk.Config.generate_access_token
        _wait(turn)
        record = self._transport.post(path, fields, turn.deadline)
        return self._granted(record, auth_code)

    def refresh(self, token: Token, deadline: Deadline) -> Granted:
        """Ask for a new access token; refused since 1 April 2026.

        Raises `LoginRefused` with code 0, without asking, where the refresh token or
        the PIN is missing: a wrong PIN could lock the account.
        """
        if not token.refresh or not self._pin:
            raise LoginRefused(0, "there is no refresh token or PIN to renew with")
        fields = {
            "grant_type": "refresh_token",
            "appIdHash": self._hash(),
            "refresh_token": token.refresh.open(),
            "pin": self._pin.open(),
        }
        _wait(_reserved(self._pace, 1, deadline))
        record = self._transport.post(REFRESH, fields, deadline)
        return self._granted(record, token.refresh, self._pin)

    def owner(self, access: Secret, deadline: Deadline) -> str:
        """Return the profile's `fy_id` for an access token: GET /profile."""
        return self.profile(access, _reserved(self._pace, 1, deadline))

    def profile(self, access: Secret, turn: PacedTurn) -> str:
        """Return the profile's `fy_id`, called in `turn`."""
        _wait(turn)
        record = self._transport.ask(
            lambda fyers: fyers.get_profile(), access, turn.deadline
        )
        data = self._accepted(record, access).payload.get("data")
        fy_id = data.get("fy_id") if isinstance(data, dict) else None
        if not isinstance(fy_id, str) or not fy_id:
            raise Unreadable("FYERS's profile names no client")
        return fy_id

    def _hash(self) -> str:
        session = self._transport.sdk.SessionModel(
            client_id=self._app_id, secret_key=self._secret.open()
        )
        return str(session.get_hash().hexdigest())

    def _granted(self, record: Record, *hidden: Secret) -> Granted:
        payload = self._accepted(record, *hidden).payload
        access, refresh = payload.get("access_token"), payload.get("refresh_token")
        if not isinstance(access, str) or not access:
            raise Unreadable("FYERS granted no access token")
        known = isinstance(refresh, str) and refresh
        return Granted(Secret(access), Secret(str(refresh)) if known else None)

    def _accepted(self, record: Record, *hidden: Secret) -> outcomes.Envelope:
        """Return FYERS's `ok`; its refusals may come with HTTP 200 too.

        A 429 is no refusal of the login, only of the moment.
        """
        said = outcomes.envelope(record)
        if said is None or said.status == 429:
            raise Unreadable("no usable answer from FYERS to the login")
        if said.ok and said.status == 200:
            return said
        secrets = (secret.open() for secret in (*hidden, self._secret))
        raise LoginRefused(said.code, words(said.payload.get("message"), *secrets))


class FyersEntry:
    """One person's login, its two calls reserved."""

    def __init__(self, login: FyersLogin, turn: PacedTurn) -> None:
        self._login = login
        self._turn = turn

    def exchange(self, auth_code: Secret) -> Granted:
        """Trade a one-use auth code for tokens."""
        return self._login.exchange(auth_code, self._turn)

    def owner(self, access: Secret) -> str:
        """Return the profile's `fy_id` for the access token just granted."""
        return self._login.profile(access, self._turn)


def _reserved(pace: Pace, calls: int, deadline: Deadline) -> PacedTurn:
    try:
        return pace.reserve(calls, deadline)
    except NotTaken as error:
        raise Unreadable(error.reason) from error


def _wait(turn: PacedTurn) -> None:
    try:
        turn.wait()
    except NotTaken as error:
        raise Unreadable(error.reason) from error
