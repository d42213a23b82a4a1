"""The stores under contract: each behind one name, the real ones and the fake."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.standins.bucket import Bucket
from shared.adapters.documents import Documents
from shared.adapters.sqlite import SqliteDocuments
from shared.adapters.store import Store
from shared.models import Deadline
from tests.fakes.documents import MemoryDocuments


@dataclass
class MovingClock:
    """An instant a test moves."""

    now: datetime = datetime(2026, 11, 24, 4, 0, 0, 123456, UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> None:
        self.now += timedelta(**step)


def seconds(left: float) -> Deadline:
    """Return a deadline on the real clock."""
    return Deadline(time.monotonic() + left, time.monotonic)


def race(callers: int, act: Callable[[int], object]) -> list[object]:
    """Run `act` in that many threads at once; return results and what was raised."""
    gate = threading.Barrier(callers)
    results: list[object] = [None] * callers

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = act(place)
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@dataclass
class StoreKind:
    """One implementation of Documents: how to open it, here or in a process."""

    name: str
    documents: Callable[[], Documents]
    """Return a fresh instance on the same data."""
    address: str
    """What another process opens: a path, or a project."""
    env: dict[str, str]
    clock: MovingClock

    def open(self) -> Store:
        """Return the store on a fresh instance."""
        return Store(self.documents(), self.clock)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(params=["memory", "sqlite", "firestore"])
def kind(
    request: pytest.FixtureRequest, tmp_path: Path, clock: MovingClock
) -> Iterator[StoreKind]:
    """Yield each kind of documents, clean."""
    if request.param == "memory":
        only = MemoryDocuments()
        yield StoreKind("memory", lambda: only, "", {}, clock)
    elif request.param == "sqlite":
        path = tmp_path / "state" / "claims.sqlite"
        yield StoreKind("sqlite", lambda: SqliteDocuments(path), str(path), {}, clock)
    else:
        from shared.adapters.firestore import FirestoreDocuments

        emulator = request.getfixturevalue("firestore_emulator")
        project = f"t-{secrets.token_hex(6)}"
        yield StoreKind(
            "firestore",
            lambda: FirestoreDocuments(project, "(default)", time.sleep, emulator.host),
            project,
            emulator.env(),
            clock,
        )


@pytest.fixture
def store(kind: StoreKind) -> Store:
    return kind.open()


@pytest.fixture
def documents(kind: StoreKind) -> Documents:
    return kind.documents()


@pytest.fixture
def gcs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Yield a Cloud Storage server that new clients of this process use."""
    server = Bucket()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    yield server
    server.close()
