"""Where the instances keep their claims and login, and how that grows older."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00")


class Backend(Protocol):
    """The stores behind one stage, seen from outside."""

    @property
    def env(self) -> Mapping[str, str]:
        """Return the settings that point the instances at it."""

    def age(self, seconds: float) -> None:
        """Move every instant of every claim, and every lease, into the past."""

    def claims(self) -> list[dict[str, Any]]:
        """Return every claim's document."""

    def store_token(self, content: bytes | None) -> None:
        """Replace the login's file or object; None removes it."""

    def clear(self) -> None:
        """Forget every claim and all that happens once."""

    def strike(self, what: str) -> None:
        """Let the network to the stores fail; raise ValueError where there is none."""

    def heal(self, *, all_of_it: bool) -> None:
        """Let the network be well again, or what ends with the delivery."""


class Embedded:
    """SQLite and files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.env: Mapping[str, str] = {
            "STATE_BACKEND": "local",
            "LOCAL_STATE_DIR": str(folder),
        }

    def age(self, seconds: float) -> None:
        """Age everything; a claim that a delivery holds meanwhile keeps its version.

        Instances that know a document by its version do not see it grow older: those
        of the stage decode each claim anew.
        """
        self._age(seconds, "%", "control")

    def age_claims(self, seconds: float) -> None:
        """Age the claims, each under a version of its own, as no delivery holds any."""
        self._age(seconds, "alerts", "alerts")

    def _age(self, seconds: float, collections: str, renewed: str) -> None:
        with contextlib.closing(self._open()) as db, db:
            rows = db.execute(
                "SELECT key, document FROM documents WHERE collection LIKE ?",
                (collections,),
            ).fetchall()
            for key, text in rows:
                older = _INSTANT.sub(lambda found: _earlier(found[0], seconds), text)
                db.execute(
                    "UPDATE documents SET document = ? WHERE key = ?", (older, key)
                )
            db.execute(
                "UPDATE documents SET version = version || '-aged'"
                " WHERE collection = ?",
                (renewed,),
            )

    def claims(self) -> list[dict[str, Any]]:
        with contextlib.closing(self._open()) as db:
            rows = db.execute(
                "SELECT document FROM documents WHERE collection = 'alerts'"
            ).fetchall()
        return [json.loads(text) for (text,) in rows]

    def store_token(self, content: bytes | None) -> None:
        path = self._folder / "tokens" / "tokens.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)

    def clear(self) -> None:
        with contextlib.closing(self._open()) as db, db:
            db.execute("DELETE FROM documents")

    def strike(self, what: str) -> None:
        raise ValueError(f"a file has no network to be {what}")

    def heal(self, *, all_of_it: bool) -> None:
        pass

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._folder / "claims.sqlite", timeout=10)


def _earlier(instant: str, seconds: float) -> str:
    return (datetime.fromisoformat(instant) - timedelta(seconds=seconds)).isoformat()
