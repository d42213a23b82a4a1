"""The `state` that travels through FYERS's login page and back.

    base64url(issue time, 8 bytes | 128 random bits) "." base64url(HMAC-SHA256 of that)

The key is derived from the app's secret for this purpose alone, so it is neither the
webhook's secret (which sits in every alert) nor good for anything else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.errors import BadRequest, Doubtful, Unavailable
from shared.models import Clock, Deadline, Secret

LIFE = timedelta(minutes=10)
_SKEW = timedelta(seconds=30)
"""How far two instances' clocks may differ."""

_PURPOSE = b"login state v1"
_STAMP = 8
_RANDOM = 16
_LONGEST = 200


class States:
    """Issues states and takes each back once, across instances."""

    def __init__(
        self,
        secret: Secret,
        once: Callable[[str, datetime, Deadline], bool],
        clock: Clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        key = secret.open().encode()
        self._key = hmac.new(key, _PURPOSE, hashlib.sha256).digest()
        self._once = once
        self._clock = clock
        self._entropy = entropy

    def issue(self) -> str:
        """Return a fresh state."""
        stamp = int(self._clock().timestamp()).to_bytes(_STAMP, "big")
        payload = stamp + self._entropy(_RANDOM)
        return f"{_text(payload)}.{_text(self._sign(payload))}"

    def check(self, state: str) -> datetime:
        """Return when a state ends; raise `BadRequest` if it is not ours or too old."""
        payload = self._payload(state)
        seconds = int.from_bytes(payload[:_STAMP], "big")
        issued = datetime.fromtimestamp(seconds, UTC)
        if not -_SKEW <= self._clock() - issued <= LIFE:
            raise BadRequest("this login link is too old; start again", "state_expired")
        return issued + LIFE

    def consume(self, state: str, deadline: Deadline) -> None:
        """Take a state back for good; raise `BadRequest` the second time.

        Raises `Unavailable` while the store of claims does not answer: whether the
        state is still unused cannot be known then.
        """
        ends = self.check(state)
        try:
            first = self._once(f"login-state:{state}", ends + _SKEW * 2, deadline)
        except Doubtful as error:
            raise Unavailable("the store of claims does not answer") from error
        if not first:
            raise BadRequest(
                "this login link was used already: if you saw it connect, all is well, "
                "else start again",
                "state_used",
            )

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
        if not genuine or not same or len(payload) != _STAMP + _RANDOM:
            raise BadRequest(
                "this login was not started here; start again", "bad_state"
            )
        return payload

    def _sign(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(
        text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
    )
