"""The `state` that travels through FYERS's login page and back.

    base64url(issue time, 8 bytes | queue, 1 byte | 128 random bits) "."
    base64url(HMAC-SHA256 of that)

Anybody gets one from auth-url, so a state of the others' queue is named in the store
only once FYERS has shown that its login was the owner's: strangers cost no write.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from shared.broker import LoginQueue
from shared.errors import BadRequest, Doubtful, Unavailable
from shared.login.keys import derived
from shared.models import Clock, Deadline, Secret
from shared.tokens import Names

LIFE = timedelta(minutes=10)
_SKEW = timedelta(seconds=30)
"""How far two instances' clocks may differ."""

_PURPOSE = b"login state v2"
_STAMP = 8
_RANDOM = 16
_QUEUES = (LoginQueue.OTHERS, LoginQueue.OWNER)
_LONGEST = 200
_REMEMBERED = 256
"""Most states kept in memory; the others' queue lets far fewer by in ten minutes."""


@dataclass(frozen=True, slots=True)
class LoginState:
    """A state of ours that is not too old."""

    text: str
    queue: LoginQueue
    ends: datetime


class States:
    """Issues states and takes each back once, across instances."""

    def __init__(
        self,
        secret: Secret,
        names: Names,
        clock: Clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._key = derived(secret, _PURPOSE)
        self._names = names
        self._clock = clock
        self._entropy = entropy
        self._lock = Lock()
        self._tried: dict[str, None] = {}

    def issue(self, queue: LoginQueue) -> str:
        """Return a fresh state for a login in that queue."""
        stamp = int(self._clock().timestamp()).to_bytes(_STAMP, "big")
        mark = _QUEUES.index(queue).to_bytes(1, "big")
        payload = stamp + mark + self._entropy(_RANDOM)
        return f"{_text(payload)}.{_text(self._sign(payload))}"

    def check(self, text: str) -> LoginState:
        """Return what a state says; raise `BadRequest` if it is not ours or too old."""
        payload = self._payload(text)
        seconds = int.from_bytes(payload[:_STAMP], "big")
        issued = datetime.fromtimestamp(seconds, UTC)
        if not -_SKEW <= self._clock() - issued <= LIFE:
            raise BadRequest("this login link is too old; start again", "state_expired")
        return LoginState(text, _QUEUES[payload[_STAMP]], issued + LIFE)

    @contextmanager
    def attempt(self, state: LoginState) -> Iterator[None]:
        """Let this instance try a state once; raise `BadRequest` the second time.

        What ends in `Unavailable` gives it back.
        """
        with self._lock:
            if state.text in self._tried:
                raise _used()
            self._tried[state.text] = None
            while len(self._tried) > _REMEMBERED:
                del self._tried[next(iter(self._tried))]
        try:
            yield
        except Unavailable:
            self._tried.pop(state.text, None)
            raise

    def look(self, state: LoginState, deadline: Deadline) -> None:
        """Raise `BadRequest` if any instance consumed a state; writes nothing."""
        try:
            used = self._names.named(_name(state), deadline)
        except Doubtful as error:
            raise Unavailable("the store of claims does not answer") from error
        if used:
            raise _used()

    def consume(self, state: LoginState, deadline: Deadline) -> None:
        """Take a state back for good; raise `BadRequest` the second time.

        Raises `Unavailable` while the store of claims does not answer: whether the
        state is still unused cannot be known then.
        """
        until = state.ends + _SKEW * 2
        try:
            first = self._names.once(_name(state), until, deadline)
        except Doubtful as error:
            raise Unavailable("the store of claims does not answer") from error
        if not first:
            raise _used()

    def _payload(self, state: str) -> bytes:
        """Return the signed bytes, spelled in the one way that counts."""
        try:
            payload_text, _, mac_text = state[:_LONGEST].partition(".")
            payload, mac = _bytes(payload_text), _bytes(mac_text)
        except (ValueError, binascii.Error):
            payload = mac = b""
        genuine = hmac.compare_digest(mac, self._sign(payload))
        # base64 has several spellings of one value; the store compares texts.
        same = state == f"{_text(payload)}.{_text(mac)}"
        whole = len(payload) == _STAMP + 1 + _RANDOM
        if not genuine or not same or not whole:
            raise BadRequest(
                "this login was not started here; start again", "bad_state"
            )
        return payload

    def _sign(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()


def _name(state: LoginState) -> str:
    return f"login-state:{state.text}"


def _used() -> BadRequest:
    return BadRequest(
        "this login link was used already: if you saw it connect, all is well, else "
        "start again",
        "state_used",
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(
        text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
    )
