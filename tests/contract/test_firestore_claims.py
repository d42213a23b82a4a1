"""What only Firestore can do wrong: dead, deaf, cut off, and documents of others."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore

from shared.adapters.firestore import FirestoreClaims
from shared.errors import Conflict, Doubtful
from shared.idempotency import ClaimStore, Stored
from tests.contract.claims_made import NOW, claimed, sending
from tests.contract.conftest import seconds
from tests.contract.tcp_proxy import LosingProxy
from tests.emulators import Emulator

KEY = "0" * 63 + "1"
LATER = NOW + timedelta(days=1)
BOUND = 0.5
SLACK = 0.2

OPERATIONS: dict[str, Callable[[ClaimStore], object]] = {
    "create": lambda store: store.create(KEY, claimed(), seconds(BOUND)),
    "read": lambda store: store.read(KEY, seconds(BOUND)),
    "replace": lambda store: store.replace(
        Stored(KEY, claimed(), "2026-11-24T04:00:00Z"), claimed(), seconds(BOUND)
    ),
    "watched": lambda store: store.watched(5, seconds(BOUND)),
    "once": lambda store: store.once("x", LATER, seconds(BOUND)),
}


@pytest.fixture
def project() -> str:
    return f"t-{secrets.token_hex(6)}"


@pytest.fixture
def store(firestore_emulator: Emulator, project: str) -> Iterator[FirestoreClaims]:
    with firestore_emulator.here():
        yield FirestoreClaims(project, "(default)", lambda: NOW)


@pytest.fixture
def documents(firestore_emulator: Emulator, project: str) -> Iterator[Any]:
    """Yield the collection `alerts` as another program sees it."""
    with firestore_emulator.here():
        yield firestore.Client(project=project).collection("alerts")


@pytest.fixture
def proxy(firestore_emulator: Emulator) -> Iterator[LosingProxy]:
    proxy = LosingProxy(firestore_emulator.host)
    yield proxy
    proxy.close()


@pytest.fixture
def cut(
    proxy: LosingProxy, project: str, monkeypatch: pytest.MonkeyPatch
) -> FirestoreClaims:
    """Return a store behind the proxy, connected."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
    store = FirestoreClaims(project, "(default)", lambda: NOW)
    store.warm(seconds(10))
    return store


def dead(monkeypatch: pytest.MonkeyPatch, port: int) -> FirestoreClaims:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
    return FirestoreClaims("nowhere", "(default)", lambda: NOW)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_refused_connection_is_doubtful_in_time(
    monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = dead(monkeypatch, port)
    begun = time.monotonic()
    with pytest.raises(Doubtful):
        OPERATIONS[operation](store)
    assert time.monotonic() - begun < BOUND + SLACK


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_that_says_nothing_is_doubtful_in_time(
    monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = dead(monkeypatch, listener.getsockname()[1])
        begun = time.monotonic()
        with pytest.raises(Doubtful):
            OPERATIONS[operation](store)
        assert time.monotonic() - begun < BOUND + SLACK


def test_making_a_store_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead(monkeypatch, listener.getsockname()[1])
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_create_whose_answer_is_lost_is_doubtful_and_there(
    cut: FirestoreClaims, proxy: LosingProxy
) -> None:
    proxy.lose()
    with pytest.raises(Doubtful):
        cut.create(KEY, claimed(), seconds(5))
    found = cut.read(KEY, seconds(5))
    assert found is not None
    assert found.claim == claimed()


def test_a_replace_whose_answer_is_lost_is_doubtful_and_there(
    cut: FirestoreClaims, proxy: LosingProxy
) -> None:
    created = cut.create(KEY, claimed(), seconds(5))
    proxy.lose()
    with pytest.raises(Doubtful):
        cut.replace(created, sending(claimed()), seconds(5))
    found = cut.read(KEY, seconds(5))
    assert found is not None
    assert found.claim == sending(claimed())


def test_once_knows_its_own_entry_though_the_answer_was_lost(
    cut: FirestoreClaims, proxy: LosingProxy
) -> None:
    proxy.lose()
    assert cut.once("notice", LATER, seconds(8))


def test_once_knows_its_own_take_over_though_the_answer_was_lost(
    cut: FirestoreClaims, proxy: LosingProxy, project: str
) -> None:
    looks: list[None] = []

    def clock() -> datetime:
        # First asked between reading the expired entry and writing over it.
        if not looks:
            proxy.lose()
        looks.append(None)
        return NOW

    cut.once("notice", NOW, seconds(5))
    own = FirestoreClaims(project, "(default)", clock)
    assert own.once("notice", LATER, seconds(8))


def test_once_cannot_tell_while_its_entry_may_yet_arrive(
    cut: FirestoreClaims, proxy: LosingProxy
) -> None:
    proxy.lose(applied=False)
    with pytest.raises(Doubtful, match="first"):
        cut.once("notice", LATER, seconds(8))


def test_once_gives_way_to_who_took_over_meanwhile(
    store: FirestoreClaims, project: str
) -> None:
    store.once("notice", NOW, seconds(5))
    other = FirestoreClaims(project, "(default)", lambda: NOW)
    looks: list[None] = []

    def clock() -> datetime:
        if not looks:
            assert other.once("notice", LATER, seconds(5))
        looks.append(None)
        return NOW

    assert not FirestoreClaims(project, "(default)", clock).once(
        "notice", LATER, seconds(8)
    )


def test_a_document_of_another_program_is_doubtful(
    store: FirestoreClaims, documents: Any
) -> None:
    documents.document(KEY).set({"state": "SOLD"})
    with pytest.raises(Doubtful, match="claim"):
        store.read(KEY, seconds(5))


def test_a_broken_document_does_not_hide_the_others(
    store: FirestoreClaims, documents: Any, caplog: pytest.LogCaptureFixture
) -> None:
    documents.document("9" * 64).set({"watched_at": NOW - timedelta(days=1)})
    created = store.create(KEY, claimed(), seconds(5))
    assert store.watched(5, seconds(5)) == (created,)
    assert "9" * 64 in caplog.text


def test_an_entry_of_another_program_is_doubtful(
    store: FirestoreClaims, documents: Any
) -> None:
    once = documents._client.collection("once")
    store.once("notice", LATER, seconds(5))
    for entry in once.stream():
        entry.reference.set({"expires_at": "soon"})
    with pytest.raises(Doubtful):
        store.once("notice", LATER, seconds(5))


def test_a_document_deleted_and_made_again_is_not_the_old_one(
    store: FirestoreClaims, documents: Any
) -> None:
    old = store.create(KEY, claimed(), seconds(5))
    documents.document(KEY).delete()
    store.create(KEY, claimed(), seconds(5))
    with pytest.raises(Conflict):
        store.replace(old, claimed("b" * 32), seconds(5))


def test_the_expiry_field_is_a_timestamp_only_where_it_may_expire(
    store: FirestoreClaims, documents: Any
) -> None:
    settled = replace(claimed(), expires_at=LATER)
    store.replace(store.create(KEY, settled, seconds(5)), claimed(), seconds(5))
    store.create("2" * 64, settled, seconds(5))
    kept = {each.id: each.to_dict().get("expires_at") for each in documents.stream()}
    assert kept == {KEY: None, "2" * 64: LATER}


def test_no_thread_is_left_by_the_calls(store: FirestoreClaims) -> None:
    store.warm(seconds(5))
    before = threading.active_count()
    for lap in range(5):
        store.create(f"{lap}" * 64, claimed(), seconds(5))
        store.read(f"{lap}" * 64, seconds(5))
        store.watched(5, seconds(5))
    assert threading.active_count() <= before
