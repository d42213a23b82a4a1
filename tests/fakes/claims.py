"""A claim store in memory that passes the contract suite and fails on demand."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from shared.adapters import claim_codec
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import Claim, Stored
from shared.models import Clock, Deadline

_T = TypeVar("_T")


@dataclass
class Fault:
    """What one call of an operation meets: raised before it is applied, or after."""

    operation: str
    error: Exception
    applied: bool


@dataclass
class MemoryClaims:
    """A ClaimStore whose documents, calls and faults a test sees and sets.

    `fail` scripts the next call of an operation. `meanwhile[operation]` runs once, just
    before that operation takes effect: what another instance does in between.
    """

    clock: Clock
    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    entries: dict[str, datetime] = field(default_factory=dict)
    """What `once` was told, by its id."""
    _documents: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    _writes: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def claims(self) -> Mapping[str, Claim]:
        """Return every claim as stored."""
        return {
            key: claim_codec.decode(doc) for key, (doc, _) in self._documents.items()
        }

    def fail(
        self,
        operation: str,
        error: Exception | None = None,
        *,
        applied: bool = False,
        times: int = 1,
    ) -> None:
        """Let the next calls of `operation` raise, after taking effect if `applied`."""
        fault = Fault(operation, error or Doubtful("scripted"), applied)
        self.faults += [fault] * times

    def create(self, key: str, claim: Claim, deadline: Deadline) -> Stored:
        """Store a claim under a free id."""

        def write() -> Stored:
            if key in self._documents:
                raise AlreadyExists(key)
            return self._put(key, claim)

        return self._call("create", write, deadline)

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        """Return what is stored."""

        def look() -> Stored | None:
            return self._stored(key) if key in self._documents else None

        return self._call("read", look, deadline)

    def replace(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        """Write over exactly that version."""

        def write() -> Stored:
            if self._documents.get(stored.key, ({}, ""))[1] != stored.version:
                raise Conflict(stored.key)
            return self._put(stored.key, claim)

        return self._call("replace", write, deadline)

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        """Return what is watched, oldest touch first."""

        def look() -> tuple[Stored, ...]:
            found = [self._stored(key) for key in self._documents]
            watched = [stored for stored in found if stored.claim.watched]
            watched.sort(
                key=lambda stored: stored.claim.due_at or stored.claim.touched_at
            )
            return tuple(watched[:limit])

        return self._call("watched", look, deadline)

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Return whether this call is the first to name `what`."""
        key = hashlib.sha256(what.encode()).hexdigest()

        def write() -> bool:
            if key in self.entries and self.entries[key] > self.clock():
                return False
            self.entries[key] = expires_at
            return True

        return self._call("once", write, deadline)

    def named(self, what: str, deadline: Deadline) -> bool:
        """Look an entry up."""
        key = hashlib.sha256(what.encode()).hexdigest()

        def look() -> bool:
            ends = self.entries.get(key)
            return ends is not None and ends > self.clock()

        return self._call("named", look, deadline)

    def forget(self, what: str, deadline: Deadline) -> None:
        """Drop an entry."""
        key = hashlib.sha256(what.encode()).hexdigest()
        self._call("forget", lambda: self.entries.pop(key, None), deadline)

    def _call(self, operation: str, act: Callable[[], _T], deadline: Deadline) -> _T:
        # Outside the lock: what happens meanwhile uses this store too.
        self.meanwhile.pop(operation, lambda: None)()
        with self._lock:
            self.calls.append(operation)
            if not deadline.left():
                raise Doubtful("no time left")
            fault = next((f for f in self.faults if f.operation == operation), None)
            if fault is None:
                return act()
            self.faults.remove(fault)
            if fault.applied:
                act()
            raise fault.error

    def _put(self, key: str, claim: Claim) -> Stored:
        self._writes += 1
        version = f"v{self._writes}"
        self._documents[key] = claim_codec.encode(claim), version
        return Stored(key, claim, version)

    def _stored(self, key: str) -> Stored:
        document, version = self._documents[key]
        return Stored(key, claim_codec.decode(document), version)
