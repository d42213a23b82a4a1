"""Claims in Firestore: collection `alerts`, and `once` for what happens once.

A write is one round trip without the client's own retries: a repeated create would meet
its own document. Only a read is repeated, and briefly. A replace is an `update`
conditional on `last_update_time` that names every field a claim can have, so the
document becomes exactly the new claim. The version is that update time, to the
nanosecond, good in any process. Both collections have `expires_at` as TTL field; expiry
is checked here too, since Firestore deletes within about a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore

from shared.adapters import claim_codec
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import Claim, Stored
from shared.models import Clock, Deadline

_log = logging.getLogger(__name__)

_FAILURES = (exceptions.GoogleAPIError, GoogleAuthError, grpc.RpcError, OSError)
"""What the client raises for a call without a usable answer; bugs surface as bugs."""

_NEVER = Retry(predicate=lambda _error: False)
"""No retry, for a query: given None, the client fails on the error it should raise."""

_SETTLE = 0.3
"""Seconds within which a read is repeated: right after a connection broke, gRPC may
send the next call on it as well (measured), and that call is what settles a write."""

_WRITE = "write"
"""A random mark of each write. Firestore keeps the update time of a write that changes
nothing, so two equal writes over one version would both succeed."""

_FIELDS = claim_codec.names()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of `once` as stored."""

    nonce: str
    expires_at: datetime
    version: str


class FirestoreClaims:
    """A ClaimStore on one Firestore database; the client is made by the first call."""

    def __init__(self, project: str, database: str, clock: Clock) -> None:
        self._project = project
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._made: firestore.Client | None = None

    def create(self, key: str, claim: Claim, deadline: Deadline) -> Stored:
        """Create the document; see the port."""
        return Stored(key, claim, self._create("alerts", key, _fields(claim), deadline))

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        """Get the document; see the port."""
        found = self._get("alerts", key, deadline)
        if found is None:
            return None
        try:
            return Stored(key, claim_codec.decode(found[0]), found[1])
        except claim_codec.NotAClaim as error:
            raise Doubtful(f"document {key}: {error}") from error

    def replace(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        """Update the document of that version as a whole; see the port."""
        fields: dict[str, Any] = dict.fromkeys(_FIELDS, firestore.DELETE_FIELD)
        fields |= _fields(claim)
        version = self._update("alerts", stored.key, stored.version, fields, deadline)
        return Stored(stored.key, claim, version)

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        """Query what is watched, oldest touch first; a broken document is logged."""
        with self._asking(deadline) as client:
            query = client.collection("alerts").order_by(claim_codec.WATCHED)
            snapshots = query.limit(limit).get(retry=_NEVER, timeout=deadline.left())
        found = []
        for snapshot in snapshots:
            try:
                claim = claim_codec.decode(snapshot.to_dict() or {})
            except claim_codec.NotAClaim as error:
                # One broken document must not keep reconcile from all others.
                _log.error("document %s cannot be read: %s", snapshot.id, error)
            else:
                found.append(Stored(snapshot.id, claim, _version(snapshot.update_time)))
        return tuple(found)

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Create the entry, or take over an expired one; see the port.

        The entry carries this call's nonce: a write that failed and was applied all the
        same is recognised by reading.
        """
        key = hashlib.sha256(what.encode()).hexdigest()
        nonce = secrets.token_hex(16)
        fields = {"nonce": nonce, "expires_at": expires_at}
        doubt: Doubtful | None = None
        try:
            # Half the time: a create that hangs leaves the other half for asking.
            self._create("once", key, fields, deadline.within(deadline.left() / 2))
        except AlreadyExists:
            pass
        except Doubtful as error:
            doubt = error
        else:
            return True
        entry = self._entry(key, deadline)
        if entry and entry.nonce != nonce and entry.expires_at <= self._clock():
            doubt = None
            try:
                self._update("once", key, entry.version, fields, deadline)
            except (Conflict, Doubtful):
                entry = self._entry(key, deadline)
            else:
                return True
        if entry and (entry.nonce == nonce or entry.expires_at > self._clock()):
            return entry.nonce == nonce
        raise Doubtful("whether this was the first cannot be told") from doubt

    def named(self, what: str, deadline: Deadline) -> bool:
        """Read the entry; see the port."""
        entry = self._entry(hashlib.sha256(what.encode()).hexdigest(), deadline)
        return entry is not None and entry.expires_at > self._clock()

    def forget(self, what: str, deadline: Deadline) -> None:
        """Delete the entry; see the port."""
        key = hashlib.sha256(what.encode()).hexdigest()
        with self._asking(deadline) as client:
            entry = client.document("once", key)
            entry.delete(retry=None, timeout=deadline.left())

    def warm(self, deadline: Deadline) -> None:
        """Open the channel by one cheap read; raise `Doubtful` where none answers."""
        self._get("alerts", "0" * 64, deadline)

    def _entry(self, key: str, deadline: Deadline) -> _Entry | None:
        found = self._get("once", key, deadline)
        if found is None:
            return None
        document, version = found
        nonce, expires_at = document.get("nonce"), document.get("expires_at")
        if not isinstance(nonce, str) or not isinstance(expires_at, datetime):
            raise Doubtful(f"entry {key} cannot be read")
        return _Entry(nonce, expires_at, version)

    def _create(
        self, collection: str, key: str, fields: dict[str, Any], deadline: Deadline
    ) -> str:
        with self._asking(deadline) as client:
            try:
                done = client.document(collection, key).create(
                    fields, retry=None, timeout=deadline.left()
                )
            except exceptions.AlreadyExists as error:
                raise AlreadyExists(key) from error
        return _version(done.update_time)

    def _update(
        self,
        collection: str,
        key: str,
        version: str,
        fields: dict[str, Any],
        deadline: Deadline,
    ) -> str:
        read_at = DatetimeWithNanoseconds.from_rfc3339(version)  # type: ignore[no-untyped-call]  # untyped in a typed package
        with self._asking(deadline) as client:
            try:
                done = client.document(collection, key).update(
                    fields,
                    option=client.write_option(last_update_time=read_at.timestamp_pb()),
                    retry=None,
                    timeout=deadline.left(),
                )
            except (exceptions.FailedPrecondition, exceptions.NotFound) as error:
                raise Conflict(key) from error
        return _version(done.update_time)

    def _get(
        self, collection: str, key: str, deadline: Deadline
    ) -> tuple[Mapping[str, Any], str] | None:
        again = Retry(
            predicate=if_exception_type(exceptions.ServiceUnavailable),
            initial=0.01,
            maximum=0.1,
            timeout=deadline.within(_SETTLE).left(),
        )
        with self._asking(deadline) as client:
            snapshot = client.document(collection, key).get(
                retry=again, timeout=deadline.left()
            )
        document = snapshot.to_dict()
        if document is None:
            return None
        return document, _version(snapshot.update_time)

    @contextlib.contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[firestore.Client]:
        """Yield the client; turn what it says into `Doubtful`."""
        if not deadline.left():
            raise Doubtful("no time left for the claim store")
        try:
            yield self._client()
        except _FAILURES as error:
            raise Doubtful(f"Firestore: {type(error).__name__}: {error}") from error

    def _client(self) -> firestore.Client:
        with self._lock:
            if self._made is None:
                self._made = firestore.Client(
                    project=self._project, database=self._database
                )
            return self._made


def _fields(claim: Claim) -> dict[str, Any]:
    return claim_codec.encode(claim) | {_WRITE: secrets.token_hex(8)}


def _version(update_time: Any) -> str:
    """Return the instant as text, all nanoseconds kept."""
    return str(update_time.rfc3339())
