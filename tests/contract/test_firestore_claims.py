"""What only Firestore can do wrong: dead, deaf, cut off, and documents of others."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import firestore

from local.standins.emulators import Emulator
from shared.adapters.firestore import FirestoreDocuments
from shared.adapters.google_credentials import Credentials, FoundCredentials
from shared.adapters.store import Store
from shared.errors import Doubtful
from shared.idempotency import Claimed, HeldLane, Lane, StoredAt
from tests.contract.claims_made import LATER, NOW, claimed, done, sending
from tests.contract.conftest import seconds
from tests.support.network import Proxy
from tests.support.stopwatch import Stopwatch

KEY = "0" * 63 + "1"
JOURNAL = timedelta(days=400)
BOUND = 0.5
SLACK = 0.2

OPERATIONS: dict[str, Callable[[Store], object]] = {
    "create": lambda store: store.create(KEY, claimed(), seconds(BOUND)),
    "read": lambda store: store.read(KEY, seconds(BOUND)),
    "replace": lambda store: store.replace(
        StoredAt(KEY, claimed(), "1.000000000"), claimed(), seconds(BOUND)
    ),
    "watched": lambda store: store.watched(5, seconds(BOUND)),
    "once": lambda store: store.once("x", LATER, seconds(BOUND)),
}


def opened(
    host: str | Credentials, project: str, clock: Callable[[], datetime] = lambda: NOW
) -> Store:
    return Store(FirestoreDocuments(project, "(default)", time.sleep, host), clock)


@pytest.fixture
def project() -> str:
    return f"t-{secrets.token_hex(6)}"


@pytest.fixture
def store(firestore_emulator: Emulator, project: str) -> Store:
    return opened(firestore_emulator.host, project)


@pytest.fixture
def documents(firestore_emulator: Emulator, project: str) -> Iterator[Any]:
    """Yield the collection `alerts` as another program sees it."""
    with firestore_emulator.here():
        yield firestore.Client(project=project).collection("alerts")


@pytest.fixture
def proxy(firestore_emulator: Emulator) -> Iterator[Proxy]:
    proxy = Proxy(firestore_emulator.host)
    yield proxy
    proxy.close()


@pytest.fixture
def cut(proxy: Proxy, project: str) -> Store:
    """Return a store behind the proxy, connected."""
    store = opened(proxy.address, project)
    store.warm(seconds(60))
    return store


def dead(port: int) -> Store:
    return opened(f"127.0.0.1:{port}", "nowhere")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_refused_connection_is_doubtful_in_time(
    operation: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = dead(port)
    with Stopwatch() as took, pytest.raises(Doubtful):
        OPERATIONS[operation](store)
    assert took.seconds < BOUND + SLACK


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_that_says_nothing_is_doubtful_in_time(
    operation: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = dead(listener.getsockname()[1])
        with Stopwatch() as took, pytest.raises(Doubtful):
            OPERATIONS[operation](store)
        assert took.seconds < BOUND + SLACK


def test_making_a_store_opens_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead(listener.getsockname()[1])
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_create_whose_answer_is_lost_is_doubtful_and_there(
    cut: Store, proxy: Proxy
) -> None:
    proxy.lose()
    with pytest.raises(Doubtful):
        cut.create(KEY, claimed(), seconds(60))
    found = cut.read(KEY, seconds(60))
    assert found is not None
    assert found.claim == claimed()


def test_a_replace_whose_answer_is_lost_is_doubtful_and_there(
    cut: Store, proxy: Proxy
) -> None:
    created = cut.create(KEY, claimed(), seconds(60))
    proxy.lose()
    with pytest.raises(Doubtful):
        cut.replace(created, sending(claimed()), seconds(60))
    found = cut.read(KEY, seconds(60))
    assert found is not None
    assert found.claim == sending(claimed())


def ready(store: Store) -> tuple[HeldLane, Lane, StoredAt[Claimed]]:
    """Return a free lane, the lane that will be, and its claim."""
    lane = Lane(claim=KEY, attempt="a" * 32, taken_at=NOW, expires_at=LATER)
    stored = store.create(KEY, claimed(), seconds(60))
    return store.lane("NSE:A", seconds(60)), lane, stored


def test_a_take_whose_answer_is_lost_is_doubtful_and_both_are_written(
    cut: Store, proxy: Proxy
) -> None:
    free, lane, stored = ready(cut)
    proxy.lose()
    with pytest.raises(Doubtful):
        cut.take(free, lane, stored, seconds(60))
    found = cut.read(KEY, seconds(60))
    assert found is not None
    assert (cut.lane("NSE:A", seconds(60)).lane, found.claim.lane) == (lane, "NSE:A")


def test_a_take_that_never_arrived_is_doubtful_and_neither_is_written(
    cut: Store, proxy: Proxy
) -> None:
    free, lane, stored = ready(cut)
    proxy.lose(applied=False)
    with pytest.raises(Doubtful):
        cut.take(free, lane, stored, seconds(60))
    assert (cut.lane("NSE:A", seconds(60)), cut.read(KEY, seconds(60))) == (
        free,
        stored,
    )


def test_a_settled_lane_whose_answer_is_lost_is_doubtful_and_gone(
    cut: Store, proxy: Proxy
) -> None:
    free, lane, stored = ready(cut)
    held, stored = cut.take(free, lane, stored, seconds(60))
    proxy.lose()
    with pytest.raises(Doubtful):
        cut.settle(stored, sending(stored.claim), held, seconds(60))
    found = cut.read(KEY, seconds(60))
    assert found is not None
    assert (cut.lane("NSE:A", seconds(60)), found.claim) == (
        free,
        sending(stored.claim),
    )


def test_a_database_that_is_not_there_is_no_empty_one(
    firestore_emulator: Emulator,
) -> None:
    host = firestore_emulator.host
    nowhere = FirestoreDocuments("no project", "no database", time.sleep, host)
    with pytest.raises(Doubtful):
        nowhere.get("alerts", KEY, seconds(60))


def test_a_machine_without_credentials_is_doubtful(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no key"))
    with pytest.raises(Doubtful, match="no key"):
        opened(FoundCredentials(), "nowhere").read(KEY, seconds(60))


def test_credentials_nobody_accepts_are_doubtful_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}/token"
    key = tmp_path / "key.json"
    user = {"type": "authorized_user", "client_id": "i", "client_secret": "s"}
    key.write_text(json.dumps(user | {"refresh_token": "r", "token_uri": closed}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with Stopwatch() as took, pytest.raises(Doubtful):
        opened(FoundCredentials(), "nowhere").read(KEY, seconds(BOUND))
    assert took.seconds < BOUND + 1  # Google's packages are imported


IMPORTS = """
import json, sys
import shared.adapters.firestore
mine = [name for name in sys.modules if name.startswith("google.cloud.firestore")]
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from shared.adapters.firestore_calls import Commit
from tests.support.stopwatch import Stopwatch
made = firestore.Client(project="p").document("a/b").path
print(json.dumps([mine, types.CommitRequest.pb() is Commit, made]))
"""


def test_only_googles_messages_are_imported_and_its_client_still_can_be(
    firestore_emulator: Emulator,
) -> None:
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTS],
        env=firestore_emulator.env(),
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    mine, same, made = json.loads(said)
    assert {name.split(".")[3] for name in mine} == {"types"}
    assert (same, made) == (True, "a/b")


def test_once_knows_its_own_entry_though_the_answer_was_lost(
    cut: Store, proxy: Proxy
) -> None:
    proxy.lose()
    assert cut.once("notice", LATER, seconds(8))


def test_once_knows_its_own_take_over_though_the_answer_was_lost(
    cut: Store, proxy: Proxy, project: str
) -> None:
    looks: list[None] = []

    def clock() -> datetime:
        # First asked between reading the expired entry and writing over it.
        if not looks:
            proxy.lose()
        looks.append(None)
        return NOW

    cut.once("notice", NOW, seconds(60))
    own = opened(proxy.address, project, clock)
    assert own.once("notice", LATER, seconds(8))


def test_once_cannot_tell_while_its_entry_may_yet_arrive(
    cut: Store, proxy: Proxy
) -> None:
    proxy.lose(applied=False)
    with pytest.raises(Doubtful, match="first"):
        cut.once("notice", LATER, seconds(8))


def test_once_gives_way_to_who_took_over_meanwhile(
    store: Store, firestore_emulator: Emulator, project: str
) -> None:
    store.once("notice", NOW, seconds(60))
    other = opened(firestore_emulator.host, project)
    looks: list[None] = []

    def clock() -> datetime:
        if not looks:
            assert other.once("notice", LATER, seconds(60))
        looks.append(None)
        return NOW

    own = opened(firestore_emulator.host, project, clock)
    assert not own.once("notice", LATER, seconds(8))


def test_a_document_of_another_program_is_doubtful(
    store: Store, documents: Any
) -> None:
    documents.document(KEY).set({"state": "SOLD"})
    with pytest.raises(Doubtful, match="claim"):
        store.read(KEY, seconds(60))


def test_a_broken_document_does_not_hide_the_others(
    store: Store, documents: Any, caplog: pytest.LogCaptureFixture
) -> None:
    documents.document("9" * 64).set({"watched_at": NOW - timedelta(days=1)})
    created = store.create(KEY, claimed(), seconds(60))
    assert store.watched(5, seconds(60)) == (created,)
    assert "9" * 64 in caplog.text


def test_an_entry_of_another_program_is_doubtful(store: Store, documents: Any) -> None:
    once = documents._client.collection("once")
    store.once("notice", LATER, seconds(60))
    for entry in once.stream():
        entry.reference.set({"expires_at": "soon"})
    with pytest.raises(Doubtful):
        store.once("notice", LATER, seconds(60))


def test_the_ttl_field_is_a_timestamp_only_where_the_row_may_go(
    store: Store, documents: Any
) -> None:
    settled = done(claimed())
    store.replace(store.create(KEY, settled, seconds(60)), claimed(), seconds(60))
    store.create("2" * 64, settled, seconds(60))
    kept = {each.id: each.to_dict().get("purge_at") for each in documents.stream()}
    assert kept == {KEY: None, "2" * 64: NOW + JOURNAL}


def test_no_thread_is_left_by_the_calls(store: Store) -> None:
    store.warm(seconds(60))
    before = threading.active_count()
    for lap in range(5):
        store.create(f"{lap}" * 64, claimed(), seconds(60))
        store.read(f"{lap}" * 64, seconds(60))
        store.watched(5, seconds(60))
    assert threading.active_count() <= before
