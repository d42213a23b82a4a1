"""Claims in one SQLite file: the embedded default, for one machine.

Safe across threads and processes: each write is one statement, and what it depends on
(the version, the expiry) is in its WHERE. Versions are random, so a document deleted
and made again never passes for the old one. Expired rows stay; one machine makes few.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.adapters import claim_codec
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import Claim, Stored
from shared.models import Clock, Deadline

_log = logging.getLogger(__name__)

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS alerts (
        key TEXT PRIMARY KEY, version TEXT NOT NULL, watched_at INTEGER,
        document TEXT NOT NULL) STRICT""",
    """CREATE INDEX IF NOT EXISTS watched ON alerts (watched_at)
        WHERE watched_at IS NOT NULL""",
    """CREATE TABLE IF NOT EXISTS once (
        id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT""",
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Thread(threading.local):
    connection: sqlite3.Connection | None = None


class SqliteClaims:
    """A ClaimStore on one file, opened by each thread on first use."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._thread = _Thread()

    def create(self, key: str, claim: Claim, deadline: Deadline) -> Stored:
        """Insert the row; see the port."""
        version = secrets.token_hex(8)
        with self._open(deadline) as db:
            done = db.execute(
                "INSERT INTO alerts (key, version, watched_at, document)"
                " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (key, version, *_row(claim)),
            )
        if not done.rowcount:
            raise AlreadyExists(key)
        return Stored(key, claim, version)

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        """Select the row; see the port."""
        with self._open(deadline) as db:
            row = db.execute(
                "SELECT key, version, document FROM alerts WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        try:
            return _stored(row)
        except claim_codec.NotAClaim as error:
            raise Doubtful(f"document {key}: {error}") from error

    def replace(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        """Update the row of that version; see the port."""
        version = secrets.token_hex(8)
        with self._open(deadline) as db:
            done = db.execute(
                "UPDATE alerts SET version = ?, watched_at = ?, document = ?"
                " WHERE key = ? AND version = ?",
                (version, *_row(claim), stored.key, stored.version),
            )
        if not done.rowcount:
            raise Conflict(stored.key)
        return Stored(stored.key, claim, version)

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        """Select what is watched, oldest touch first; a broken row is logged."""
        with self._open(deadline) as db:
            rows = db.execute(
                "SELECT key, version, document FROM alerts"
                " WHERE watched_at IS NOT NULL ORDER BY watched_at LIMIT ?",
                (limit,),
            ).fetchall()
        found = []
        for row in rows:
            try:
                found.append(_stored(row))
            except claim_codec.NotAClaim as error:
                # One broken row must not keep reconcile from all others.
                _log.error("document %s cannot be read: %s", row[0], error)
        return tuple(found)

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Insert the entry, or take over an expired one; see the port."""
        with self._open(deadline) as db:
            done = db.execute(
                "INSERT INTO once (id, expires_at) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at"
                " WHERE once.expires_at <= ?",
                (
                    hashlib.sha256(what.encode()).hexdigest(),
                    _micros(expires_at),
                    _micros(self._clock()),
                ),
            )
        return bool(done.rowcount)

    def named(self, what: str, deadline: Deadline) -> bool:
        """Select the entry; see the port."""
        with self._open(deadline) as db:
            found = db.execute(
                "SELECT 1 FROM once WHERE id = ? AND expires_at > ?",
                (hashlib.sha256(what.encode()).hexdigest(), _micros(self._clock())),
            ).fetchone()
        return found is not None

    def forget(self, what: str, deadline: Deadline) -> None:
        """Delete the entry; see the port."""
        with self._open(deadline) as db:
            key = hashlib.sha256(what.encode()).hexdigest()
            db.execute("DELETE FROM once WHERE id = ?", (key,))

    def warm(self, deadline: Deadline) -> None:
        """Open this thread's connection; raise `Doubtful` where there is none."""
        with self._open(deadline) as db:
            db.execute("SELECT 1 FROM alerts LIMIT 1")

    @contextlib.contextmanager
    def _open(self, deadline: Deadline) -> Iterator[sqlite3.Connection]:
        """Yield this thread's connection; turn what SQLite says into `Doubtful`."""
        if not deadline.left():
            raise Doubtful("no time left for the claim store")
        try:
            db = self._thread.connection
            if db is None:
                db = self._thread.connection = self._connect(deadline)
            _wait_at_most(db, deadline)
            yield db
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise Doubtful(f"the claim store failed: {error}") from error

    def _connect(self, deadline: Deadline) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=deadline.left(), isolation_level=None)
        # Two first connections at once may refuse each other the switch; the mode is a
        # matter of speed and stays with the file.
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for statement in _SCHEMA:
            _wait_at_most(db, deadline)
            db.execute(statement)
        return db


def _wait_at_most(db: sqlite3.Connection, deadline: Deadline) -> None:
    db.execute(f"PRAGMA busy_timeout = {int(deadline.left() * 1000)}")


def _row(claim: Claim) -> tuple[int | None, str]:
    watched_at = None if claim.due_at is None else _micros(claim.due_at)
    return watched_at, json.dumps(claim_codec.encode(claim), default=datetime.isoformat)


def _stored(row: tuple[str, str, str]) -> Stored:
    key, version, document = row
    try:
        read = json.loads(document)
    except ValueError:
        raise claim_codec.NotAClaim("the document is not JSON") from None
    return Stored(key, claim_codec.decode(read), version)


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
