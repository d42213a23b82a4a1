"""Documents in memory that pass the contract suite and fail on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.adapters.documents import SEARCHED, Document, Plain, Write
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.models import Deadline

_T = TypeVar("_T")


@dataclass
class Fault:
    """What one call of an operation meets: raised before it is applied, or after."""

    operation: str
    error: Exception
    applied: bool


@dataclass
class MemoryDocuments:
    """Documents whose content, calls and faults a test sees and sets.

    `fail` scripts the next call of `get`, `commit` or `find`. `meanwhile[operation]`
    runs once, just before that operation takes effect: what another instance does.
    """

    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    stored: dict[tuple[str, str], tuple[Mapping[str, Plain], str]] = field(
        default_factory=dict
    )
    """Fields and version by collection and key."""
    _writes: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

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

    def get(self, collection: str, key: str, deadline: Deadline) -> Document | None:
        """Return what is stored."""

        def look() -> Document | None:
            found = self.stored.get((collection, key))
            return Document(key, *found) if found else None

        return self._call("get", look, deadline)

    def commit(self, writes: Sequence[Write], deadline: Deadline) -> tuple[str, ...]:
        """Apply all writes, if every one meets the version it names."""

        def write() -> tuple[str, ...]:
            new = all(each.version is None for each in writes)
            for each in writes:
                place = each.collection, each.key
                if self.stored.get(place, ({}, None))[1] != each.version:
                    raise (AlreadyExists if new else Conflict)("/".join(place))
            return tuple(self._put(each) for each in writes)

        return self._call("commit", write, deadline)

    def find(
        self,
        collection: str,
        field: str,
        equals: str | None,
        limit: int | None,
        deadline: Deadline,
    ) -> tuple[Document, ...]:
        """Return what has the field, in its order, or those whose field is equal."""
        if field not in SEARCHED:
            raise ValueError(field)

        def look() -> tuple[Document, ...]:
            found: list[tuple[Any, Document]] = [
                (fields[field], Document(key, fields, version))
                for (place, key), (fields, version) in self.stored.items()
                if place == collection and fields.get(field) is not None
            ]
            if equals is None:
                found.sort(key=lambda pair: pair[0])
            else:
                found = [pair for pair in found if pair[0] == equals]
            return tuple(document for _, document in found)[:limit]

        return self._call("find", look, deadline)

    def warm(self, deadline: Deadline) -> None:
        """Need nothing."""

    def _call(self, operation: str, act: Callable[[], _T], deadline: Deadline) -> _T:
        # Outside the lock: what happens meanwhile uses these documents too.
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

    def _put(self, write: Write) -> str:
        place = write.collection, write.key
        if write.fields is None:
            del self.stored[place]
            return ""
        self._writes += 1
        version = f"v{self._writes}"
        self.stored[place] = dict(write.fields), version
        return version
