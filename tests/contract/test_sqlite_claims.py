"""What only SQLite can do wrong: locked, broken, out of reach."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.documents import SEARCHED
from shared.adapters.sqlite import SqliteDocuments
from shared.adapters.store import Store
from shared.errors import Doubtful
from shared.idempotency import StoredAt
from tests.contract.claims_made import NOW, claimed
from tests.contract.conftest import race, seconds
from tests.support.stopwatch import Stopwatch

KEY = "0" * 63 + "1"
LATER = NOW + timedelta(days=1)
BOUND = 0.3
SLACK = 0.2


def opened(path: Path) -> Store:
    return Store(SqliteDocuments(path), lambda: NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "claims.sqlite"


@pytest.fixture
def store(path: Path) -> Store:
    store = opened(path)
    store.warm(seconds(60))
    return store


WRITES: dict[str, Callable[[Store], object]] = {
    "create": lambda store: store.create(KEY, claimed(), seconds(BOUND)),
    "replace": lambda store: store.replace(
        StoredAt(KEY, claimed(), "0"), claimed(), seconds(BOUND)
    ),
    "once": lambda store: store.once("x", LATER, seconds(BOUND)),
}


@pytest.mark.parametrize("operation", WRITES)
def test_a_locked_file_is_doubtful_in_time(
    store: Store, path: Path, operation: str
) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with Stopwatch() as took:
        with pytest.raises(Doubtful):
            WRITES[operation](store)
        holder.close()
    assert took.seconds < BOUND + SLACK


def test_a_lock_that_ends_in_time_is_waited_for(store: Store, path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")

    def act(place: int) -> object:
        if place:
            return store.create(KEY, claimed(), seconds(60))
        time.sleep(0.1)
        holder.close()
        return None

    assert isinstance(race(2, act)[1], StoredAt)


def test_a_file_that_is_no_database_is_doubtful(path: Path) -> None:
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(Doubtful):
        opened(path).read(KEY, seconds(1))


def test_a_place_nobody_can_write_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = opened(tmp_path / "file" / "claims.sqlite")
    with pytest.raises(Doubtful):
        store.warm(seconds(1))


def test_a_broken_row_is_doubtful_and_hides_no_other(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    document = '{"state": "SOLD", "watched_at": "2026"}'
    store.create("9" * 64, claimed(minutes=-1), seconds(60))
    created = store.create(KEY, claimed(), seconds(60))
    with sqlite3.connect(path) as db:
        db.execute(
            "UPDATE documents SET document = ? WHERE key = ?", (document, "9" * 64)
        )
    db.close()
    with pytest.raises(Doubtful):
        store.read("9" * 64, seconds(60))
    assert store.watched(5, seconds(60)) == (created,)
    assert "9" * 64 in caplog.text


def test_what_is_not_json_cannot_be_a_row(store: Store, path: Path) -> None:
    store.create(KEY, claimed(), seconds(60))
    with (
        contextlib.closing(sqlite3.connect(path)) as db,
        pytest.raises(sqlite3.Error, match=r"(?i)json"),
    ):
        db.execute("UPDATE documents SET document = 'not json'")


@pytest.mark.parametrize("equals", [None, "2026-11-24"])
@pytest.mark.parametrize("field", SEARCHED)
def test_a_search_never_reads_the_whole_file(
    path: Path, field: str, equals: str | None
) -> None:
    documents = SqliteDocuments(path)
    asked: list[str] = []
    with documents._open(seconds(60)) as db:
        db.set_trace_callback(asked.append)
        documents.find("alerts", field, equals, 5, seconds(60))
        db.set_trace_callback(None)
        plan = db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    assert [row[3].split("(")[0] for row in plan] == [
        f"SEARCH documents USING INDEX by_{field} "
    ]


@pytest.mark.parametrize("lap", range(5))
def test_first_connections_at_once_all_work(path: Path, lap: int) -> None:
    def first(place: int) -> bool:
        own = opened(path)
        return own.once(f"name {place}", LATER, seconds(60))

    assert race(12, first) == [True] * 12


def test_making_a_store_touches_no_file(path: Path) -> None:
    opened(path)
    assert not path.exists()


def test_a_programming_error_is_not_taken_for_a_doubt(store: Store) -> None:
    with pytest.raises(sqlite3.ProgrammingError):
        store.read(["no key"], seconds(60))  # type: ignore[arg-type]  # the point
