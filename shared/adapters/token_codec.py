"""The token document: one JSON object, the same in a GCS object and in a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from shared.errors import Unusable
from shared.models import Secret, Token


class NotAToken(Unusable):
    """The stored document is not a token; its text is never quoted."""


def dumps(token: Token) -> bytes:
    """Return the document; instants are ISO 8601 in UTC."""
    document = {
        "access_token": token.access.open(),
        "refresh_token": token.refresh.open() if token.refresh else None,
        "issued_at": token.issued_at.astimezone(UTC).isoformat(),
        "expires_at": token.expires_at.astimezone(UTC).isoformat(),
        "fy_id": token.fy_id,
    }
    return json.dumps(document, indent=1).encode()


def loads(text: bytes) -> Token:
    """Return the token; raise `NotAToken` without quoting what was there."""
    try:
        document = json.loads(text)
        access, refresh = document["access_token"], document.get("refresh_token")
        fy_id = document["fy_id"]
        issued = datetime.fromisoformat(document["issued_at"])
        expires = datetime.fromisoformat(document["expires_at"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotAToken("the stored token is not readable") from None
    texts = (access, fy_id) if refresh is None else (access, fy_id, refresh)
    if not all(isinstance(part, str) for part in texts):
        raise NotAToken("the stored token has a field of the wrong type")
    if not access or issued.tzinfo is None or expires.tzinfo is None:
        raise NotAToken("the stored token lacks its text or a time zone")
    return Token(
        Secret(access), Secret(refresh) if refresh else None, issued, expires, fy_id
    )
