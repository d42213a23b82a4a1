"""What is known of a token, where it lives, and what FYERS says to a refresh."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from shared.models import Deadline, Secret, Token


class StoredToken(NamedTuple):
    """A token and the generation a conditional write must name."""

    token: Token
    generation: int


class TokenStore(Protocol):
    """Where the one token lives (GCS object or file).

    `Doubtful` is raised when the store gives no usable answer, and its `Damaged` when
    what is stored is not a token.
    """

    def read(self, deadline: Deadline) -> StoredToken | None:
        """Return the stored token, or None where there is none."""

    def write(self, token: Token, generation: int, deadline: Deadline) -> int:
        """Replace that generation (0: there must be none); return the new one.

        Raises `Conflict` if another generation is there, `Doubtful` without an answer.
        """


class Refused(NamedTuple):
    """FYERS will not refresh; `reason` is its own wording."""

    reason: str


Refresh = Callable[[Token, Deadline], Token | Refused | None]
"""Ask FYERS for the token's successor; None where it gave no usable answer."""


def expiry_of(access: Secret) -> datetime:
    """Return the instant an access token ends: its own `exp`, read without a key.

    Raises `ValueError`, which never shows the token.
    """
    try:
        payload = access.open().split(".")[1]
        claims = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        raise ValueError("the access token carries no readable expiry") from None
