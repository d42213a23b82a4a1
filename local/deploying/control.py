"""Render and read what `pause`, `resume` and `status` of deploy.sh send and get.

    python -m local.deploying.control alert ACTION   < the webhook token
    python -m local.deploying.control paused         < the document control/entries

`alert` prints the alert's body. `paused` prints one line, from Firestore's REST form of
the document: whether entries are paused; what cannot be read is told as unknown.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def alert(token: str, action: str) -> str:
    """Return the body of an alert without a contract."""
    return json.dumps({"token": token.strip(), "action": action})


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
    words = [f"{key}: {_plain(one)}" for key, one in sorted(_map(value).items())]
    return ", ".join(["paused", *words])


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
