"""The way in to Google's APIs: an access token of the account a function runs as.

On Google's platform the metadata server on the machine itself gives it. `google.auth`
asks the same server there, after importing what it needs to sign by itself (70 ms of a
cold start, measured); elsewhere, as on the owner's computer, it finds the credentials.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Protocol

from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from shared.adapters.deadline_http import pool, session, time_left, until
from shared.errors import Doubtful
from shared.models import Deadline

METADATA = "http://metadata.google.internal"
"""Answers on Cloud Run and Cloud Functions (Google Cloud docs, "Service identity")."""

_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_ASKING = {"Metadata-Flavor": "Google"}

EARLY = 225
"""Seconds before its end at which a token is replaced; the server keeps one until five
minutes before that, so asking sooner would bring the same one."""

_AGAIN = Retry(2, backoff_factor=0.05, respect_retry_after_header=False)
"""The server may not listen yet while an instance starts; how long it asks to wait, no
alert has."""


class Credentials(Protocol):
    """Who lets us in."""

    def bearer(self, deadline: Deadline) -> str:
        """Return what the `authorization` header says; raise `Doubtful`."""
        ...


class PlatformCredentials:
    """The token of the function's own account, kept while it is good."""

    def __init__(self, now: Callable[[], float], server: str = METADATA) -> None:
        """Take a monotonic clock in seconds."""
        self._now = now
        self._pool = pool(server, 1)
        self._lock = threading.Lock()
        self._bearer = ""
        self._good_until = 0.0

    def bearer(self, deadline: Deadline) -> str:
        """Ask the metadata server where the token kept is about to end."""
        with self._lock:
            if not self._bearer or self._now() >= self._good_until:
                asked = self._now()
                token, seconds = self._token(deadline)
                self._bearer = f"Bearer {token}"
                self._good_until = asked + max(0.0, seconds - EARLY)
            return self._bearer

    def _token(self, deadline: Deadline) -> tuple[str, float]:
        try:
            with until(deadline):
                reply = self._pool.urlopen(
                    "GET",
                    _PATH,
                    headers=_ASKING,
                    retries=_AGAIN,
                    redirect=False,
                    timeout=time_left(),
                )
            said = json.loads(reply.data) if reply.status == 200 else {}
            return str(said["access_token"]), float(said["expires_in"])
        except (HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            # Without its text, which may quote the token.
            name = type(error).__name__
            raise Doubtful(
                f"Google's metadata server gives no token ({name})"
            ) from None


class FoundCredentials:
    """The token of the credentials that `google.auth` finds on this machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None

    def bearer(self, deadline: Deadline) -> str:
        """Refresh the credentials where they have ended."""
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            with self._lock, until(deadline):
                if self._found is None:
                    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
                    self._found, _ = google.auth.default(scopes=scopes)
                if not self._found.valid:
                    self._found.refresh(Request(session()))
                return f"Bearer {self._found.token}"
        except DefaultCredentialsError as error:
            raise Doubtful(f"no Google credentials here: {error}") from error
        except (GoogleAuthError, OSError) as error:
            # Without its text, which may quote what was sent.
            name = type(error).__name__
            raise Doubtful(f"Google gives no token ({name})") from None
