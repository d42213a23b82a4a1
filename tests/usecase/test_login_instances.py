"""Instances that learn at the same moment that the token died, over the real stores."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Lock

import pytest

from shared.adapters.store import Store as DocumentStore
from shared.errors import NotLoggedIn
from shared.models import Deadline, Token
from shared.tokens import Refused, StoredToken, Tokens
from tests.fakes.login import MemoryTokens, token
from tests.support.stores import documents

INSTANCES = 8
Store = Callable[[], DocumentStore]


def _clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(params=["sqlite", "firestore"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    kind, host = request.param, ""
    address = str(tmp_path / "claims.sqlite")
    if kind == "firestore":
        host = request.getfixturevalue("firestore_emulator").host
        address = f"login-{uuid.uuid4().hex[:8]}"
    return lambda: DocumentStore(documents(kind, address, host), _clock)


class Crowd:
    """Instances with a claim store each, one token store and one FYERS."""

    def __init__(self, new_store: Store, answer: Token | Refused) -> None:
        self.dead = token("dead", expires_at=_clock().replace(year=2099))
        self.store = MemoryTokens(StoredToken(self.dead, 1))
        self.answer = answer
        self.refreshes = 0
        self.notices = 0
        self._lock = Lock()
        stores = [new_store() for _ in range(INSTANCES)]
        for store in stores:
            store.warm(_within(60))  # a cold emulator is not what is looked at
        stores[0].once("warm", self.dead.expires_at, _within(60))
        self.instances = [
            Tokens(self.store, self._refresh, store, self._tell, _clock, time.sleep)
            for store in stores
        ]

    def all_at_once(self) -> list[Token | None]:
        """Tell every instance that the token died; return what each makes of it."""
        together = Barrier(INSTANCES)

        def renew(tokens: Tokens) -> Token | None:
            together.wait(10)
            try:
                return tokens.renew(self.dead, _within(20))
            except NotLoggedIn:
                return None

        with ThreadPoolExecutor(INSTANCES) as threads:
            return list(threads.map(renew, self.instances))

    def _refresh(self, token: Token, deadline: Deadline) -> Token | Refused:
        with self._lock:
            self.refreshes += 1
        time.sleep(0.3)  # FYERS takes its time: the others arrive meanwhile
        return self.answer

    def _tell(self, dead: str, reason: str, deadline: Deadline) -> bool:
        with self._lock:
            self.notices += 1
        return True


def _within(seconds: float) -> Deadline:
    return Deadline(time.perf_counter() + seconds, time.perf_counter)


def test_a_refusal_is_heard_once_and_told_once(new_store: Store) -> None:
    crowd = Crowd(new_store, Refused("disabled to comply with SEBI regulations"))
    assert crowd.all_at_once() == [None] * INSTANCES
    assert (crowd.refreshes, crowd.notices) == (1, 1)
    assert crowd.all_at_once() == [None] * INSTANCES
    assert (crowd.refreshes, crowd.notices) == (1, 1)


def test_a_renewal_serves_every_instance(new_store: Store) -> None:
    renewed = token("renewed", expires_at=_clock().replace(year=2099))
    crowd = Crowd(new_store, renewed)
    assert crowd.all_at_once() == [renewed] * INSTANCES
    assert (crowd.refreshes, crowd.notices) == (1, 0)
