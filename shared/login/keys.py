"""Keys of the login, each derived from the app's secret for one purpose.

None of them is the webhook's secret, which sits in every alert.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from shared.broker import LoginQueue
from shared.models import Clock, Secret
from shared.tokens import token_day

_LINK = b"owner's login link v1"
_BYTES = 16


def derived(secret: Secret, purpose: bytes) -> bytes:
    """Return a key for `purpose` alone: HMAC-SHA256 under the app's secret."""
    return hmac.new(secret.open().encode(), purpose, hashlib.sha256).digest()


class OwnersKey:
    """The `k` in the owner's own links: it opens the owner's queue, nothing else.

    Good for the day a login serves, 06:00 to 06:00 IST; later the link still works, as
    anybody's does.
    """

    def __init__(self, secret: Secret, clock: Clock) -> None:
        self._key = derived(secret, _LINK)
        self._clock = clock

    def today(self) -> str:
        """Return the day's key, 22 letters that need no quoting in an address."""
        day = token_day(self._clock()).isoformat().encode()
        raw = hmac.new(self._key, day, hashlib.sha256).digest()[:_BYTES]
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def queue(self, given: str) -> LoginQueue:
        """Return the queue of a login begun with that key, or with none."""
        genuine = hmac.compare_digest(
            given.encode(errors="surrogatepass"), self.today().encode()
        )
        return LoginQueue.OWNER if genuine else LoginQueue.OTHERS
