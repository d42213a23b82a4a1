"""Render and read what `pause`, `resume` and `status` of deploy.sh send and get.

    python -m local.deploying.control alert ACTION   < the webhook token
    python -m local.deploying.control paused         < the document control/entries

`alert` prints the alert's body. `paused` prints one line, from Firestore's REST form of
the document: whether entries are paused; what cannot be read is told as unknown.
"""

from __future__ import annotations

import json
import secrets
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

_IST = timezone(timedelta(hours=5, minutes=30))
"""Of its own: what deploy.sh runs needs nothing installed."""


def alert(token: str, action: str) -> str:
    """Return the body of an alert without a contract, each one an alert of its own.

    Its key says that the owner sent it; without one a second pause within seconds of a
    resume would be taken for the first.
    """
    key = f"deploy:{secrets.token_hex(16)}"
    return json.dumps(
        {"token": token.strip(), "action": action, "idempotency_key": key}
    )


def paused(text: str) -> str:
    """Return how entries stand, in words; `text` is Firestore's answer."""
    try:
        answer = json.loads(text or "{}")
    except ValueError:
        return "unknown: the database gave no readable answer"
    error = answer.get("error", {})
    if error.get("code") == 404:
        return "not paused"
    if error:
        return f"unknown: {error.get('message', 'the database refused')}"
    value = answer.get("fields", {}).get("paused")
    if value is None or "nullValue" in value:
        return "not paused"
    stored = {name: _plain(one) for name, one in _map(value).items()}
    words = f"since {_ist(stored['at'])} " if stored.get("at") else ""
    return f"paused {words}({stored.get('reason') or 'no reason is stored'})"


def _ist(instant: str) -> str:
    """Return Firestore's instant as the clock in India shows it."""
    try:
        at = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    except ValueError:
        return instant
    return f"{at.astimezone(_IST):%d %b %H:%M} IST"


def _map(value: Any) -> dict[str, Any]:
    fields = value.get("mapValue", {}).get("fields", {})
    return fields if isinstance(fields, dict) else {}


def _plain(value: Any) -> str:
    return str(next(iter(value.values()), ""))


def main(words: list[str]) -> None:
    """Run one of the two."""
    text = sys.stdin.read()
    print(alert(text, words[1]) if words[0] == "alert" else paused(text))


if __name__ == "__main__":
    main(sys.argv[1:])
