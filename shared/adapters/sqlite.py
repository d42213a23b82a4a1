"""Documents in one SQLite file: the embedded default, for one machine.

Safe across threads and processes: a commit is one transaction that takes the write lock
before it looks, and what it depends on (the version) is in each WHERE. Versions are
random, so a document deleted and made again never passes for the old one. Expired
documents stay; one machine makes few.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from shared.adapters.documents import SEARCHED, Document, Plain, Unread, Write
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.models import Deadline

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS documents (
        collection TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL,
        document TEXT NOT NULL CHECK (json_valid(document)),
        PRIMARY KEY (collection, key)) STRICT""",
    *(
        f"""CREATE INDEX IF NOT EXISTS by_{field}
        ON documents (collection, json_extract(document, '$.{field}'))
        WHERE json_extract(document, '$.{field}') IS NOT NULL"""
        for field in SEARCHED
    ),
)

_HAVING = {
    field: "SELECT key, version, document FROM documents WHERE collection = ?"  # noqa: S608  # names of our own
    f" AND json_extract(document, '$.{field}') IS NOT NULL"
    f" ORDER BY json_extract(document, '$.{field}') LIMIT ?"
    for field in SEARCHED
}
_EQUAL = {
    field: "SELECT key, version, document FROM documents WHERE collection = ?"  # noqa: S608  # names of our own
    f" AND json_extract(document, '$.{field}') = ? LIMIT ?"
    for field in SEARCHED
}

_INSERT = (
    "INSERT INTO documents (version, document, collection, key) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_UPDATE = (
    "UPDATE documents SET version = ?, document = ?"
    " WHERE collection = ? AND key = ? AND version = ?"
)
_DELETE = "DELETE FROM documents WHERE collection = ? AND key = ? AND version = ?"


class _Thread(threading.local):
    connection: sqlite3.Connection | None = None


class SqliteDocuments:
    """Documents of one file, opened by each thread on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = _Thread()

    def get(self, collection: str, key: str, deadline: Deadline) -> Document | None:
        """Select the row; see the port."""
        with self._open(deadline) as db:
            row = db.execute(
                "SELECT key, version, document FROM documents"
                " WHERE collection = ? AND key = ?",
                (collection, key),
            ).fetchone()
        return None if row is None else _document(row)

    def commit(self, writes: Sequence[Write], deadline: Deadline) -> tuple[str, ...]:
        """Write the rows in one transaction; see the port."""
        versions = tuple(
            "" if w.fields is None else secrets.token_hex(8) for w in writes
        )
        with self._open(deadline) as db, _transaction(db):
            for write, version in zip(writes, versions, strict=True):
                if not _applied(db, write, version):
                    new = all(each.version is None for each in writes)
                    unmet = AlreadyExists if new else Conflict
                    raise unmet(f"{write.collection}/{write.key}")
        return versions

    def find(
        self,
        collection: str,
        field: str,
        equals: str | None,
        limit: int | None,
        deadline: Deadline,
    ) -> tuple[Document, ...]:
        """Select by the index of that field; see the port."""
        most = -1 if limit is None else limit
        with self._open(deadline) as db:
            if equals is None:
                found = db.execute(_HAVING[field], (collection, most))
            else:
                found = db.execute(_EQUAL[field], (collection, equals, most))
            rows = found.fetchall()
        return tuple(_document(row) for row in rows)

    def warm(self, deadline: Deadline) -> None:
        """Open this thread's connection."""
        with self._open(deadline) as db:
            db.execute("SELECT 1 FROM documents LIMIT 1")

    @contextlib.contextmanager
    def _open(self, deadline: Deadline) -> Iterator[sqlite3.Connection]:
        """Yield this thread's connection; turn what SQLite says into `Doubtful`."""
        if not deadline.left():
            raise Doubtful("no time left for the store")
        try:
            db = self._thread.connection
            if db is None:
                db = self._thread.connection = self._connect(deadline)
            _wait_at_most(db, deadline)
            yield db
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise Doubtful(f"the store failed: {error}") from error

    def _connect(self, deadline: Deadline) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=deadline.left(), isolation_level=None)
        # Two first connections at once may refuse each other the switch; the mode is a
        # matter of speed and stays with the file.
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        # Each thread has a connection, and SQLite would give each 2 MB of its own.
        db.execute("PRAGMA cache_size = -128")
        for statement in _SCHEMA:
            _wait_at_most(db, deadline)
            db.execute(statement)
        return db


def _wait_at_most(db: sqlite3.Connection, deadline: Deadline) -> None:
    db.execute(f"PRAGMA busy_timeout = {int(deadline.left() * 1000)}")


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _applied(db: sqlite3.Connection, write: Write, version: str) -> bool:
    """Return whether the row was as the write says, and is written."""
    place = write.collection, write.key
    if write.fields is None:
        done = db.execute(_DELETE, (*place, write.version))
    elif write.version is None:
        done = db.execute(_INSERT, (version, _text(write.fields), *place))
    else:
        done = db.execute(
            _UPDATE, (version, _text(write.fields), *place, write.version)
        )
    return bool(done.rowcount)


def _text(fields: Mapping[str, Plain]) -> str:
    return json.dumps(fields, default=_instant)


def _instant(value: datetime) -> str:
    """Return an instant as text that sorts by time."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _document(row: tuple[str, str, str]) -> Document:
    key, version, document = row
    return Document(key, Unread(partial(json.loads, document)), version)
