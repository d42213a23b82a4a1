"""Claims, lanes and what happens once, as documents of either backend.

Collections: `alerts` (claims), `lanes`, and `once`. `expires_at` is the TTL field of
the last two. Of a claim it ends what its key means; the TTL field of `alerts` is
`purge_at`, which a claim has only while nobody watches it. Expiry is checked here too:
a store deletes when it likes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.adapters import claim_codec, record_codec
from shared.adapters.documents import Document, Documents, Plain, Write
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    HeldLane,
    Lane,
    S,
    Sending,
    Stored,
    StoredAt,
)
from shared.models import IST, Clock, Deadline

_log = logging.getLogger(__name__)

CLAIMS = "alerts"
LANES = "lanes"
ONCE = "once"


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of `once` as stored."""

    nonce: str
    expires_at: datetime


class Store:
    """The ClaimStore and the LaneStore on documents.

    `journal_days` is how long a claim is kept after its last touch.
    """

    def __init__(
        self, documents: Documents, clock: Clock, journal_days: int = 400
    ) -> None:
        self._documents = documents
        self._clock = clock
        self._journal = timedelta(days=journal_days)
        self._decoded = _Decoded()

    def create(self, key: str, claim: ClaimAt[S], deadline: Deadline) -> StoredAt[S]:
        """Create the claim's document; see the port."""
        made = self._documents.commit((self._claim(key, claim, None),), deadline)
        return StoredAt(key, claim, made[0])

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        """Get the claim's document; see the port."""
        found = self._documents.get(CLAIMS, key, deadline)
        return None if found is None else self._decoded.stored(found)

    def replace(
        self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
    ) -> StoredAt[S]:
        """Replace the document of that version; see the port."""
        write = self._claim(stored.key, claim, stored.version)
        done = self._documents.commit((write,), deadline)
        return StoredAt(stored.key, claim, done[0])

    def supersede(
        self, stored: Stored, claim: ClaimAt[S], kept_key: str, deadline: Deadline
    ) -> StoredAt[S]:
        """Write both documents in one commit; see the port."""
        writes = (
            self._claim(kept_key, stored.claim, None),
            self._claim(stored.key, claim, stored.version),
        )
        done = self._documents.commit(writes, deadline)
        return StoredAt(stored.key, claim, done[1])

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        """Find what is watched, most urgent first; see the port."""
        return self._decoded.readable(
            self._documents.find(CLAIMS, "watched_at", None, limit, deadline)
        )

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        """Find by the contract the guard watches; see the port."""
        found = self._documents.find(CLAIMS, "ledger", ticker, None, deadline)
        return _oldest_first(self._decoded.readable(found))

    def of_day(self, day: date, deadline: Deadline) -> tuple[Stored, ...]:
        """Find by IST day; see the port."""
        text = day.isoformat()
        return claims_of(self._documents.find(CLAIMS, "day", text, None, deadline))

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        """Create the entry, or take over an expired one; see the port.

        The entry carries this call's nonce: a write that failed and was applied all the
        same is recognised by reading.
        """
        key = _digest(what)
        nonce = secrets.token_hex(16)
        fields = record_codec.encode(_Entry(nonce, expires_at))
        doubt: Doubtful | None = None
        try:
            # Half the time: a create that hangs leaves the other half for asking.
            half = deadline.within(deadline.left() / 2)
            self._documents.commit((Write(ONCE, key, fields, None),), half)
        except AlreadyExists:
            pass
        except Doubtful as error:
            doubt = error
        else:
            return True
        entry, version = self._entry(key, deadline)
        if entry and entry.nonce != nonce and entry.expires_at <= self._clock():
            doubt = None
            try:
                self._documents.commit((Write(ONCE, key, fields, version),), deadline)
            except (Conflict, Doubtful):
                entry, version = self._entry(key, deadline)
            else:
                return True
        if entry and (entry.nonce == nonce or entry.expires_at > self._clock()):
            return entry.nonce == nonce
        raise Doubtful("whether this was the first cannot be told") from doubt

    def named(self, what: str, deadline: Deadline) -> bool:
        """Get the entry; see the port."""
        entry, _ = self._entry(_digest(what), deadline)
        return entry is not None and entry.expires_at > self._clock()

    def forget(self, what: str, deadline: Deadline) -> None:
        """Delete the entry as it was read; see the port."""
        key = _digest(what)
        found = self._documents.get(ONCE, key, deadline)
        if found is not None:
            # Somebody took it over meanwhile: theirs now.
            with contextlib.suppress(Conflict):
                self._documents.commit(
                    (Write(ONCE, key, None, found.version),), deadline
                )

    def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
        """Get the lane's document; see the port."""
        found = self._documents.get(LANES, _digest(ticker), deadline)
        if found is None:
            return HeldLane(ticker, None, None)
        try:
            lane = record_codec.decode(Lane, found.fields)
        except record_codec.NotARecord as error:
            raise Doubtful(f"lane of {ticker}: {error}") from error
        return HeldLane(ticker, lane, found.version)

    def take(
        self, found: HeldLane, lane: Lane, stored: StoredAt[Claimed], deadline: Deadline
    ) -> tuple[HeldLane, StoredAt[Claimed]]:
        """Write the lane and the taker's claim; see the port."""
        claim = replace(stored.claim, lane=found.ticker)
        written, held = self._both(stored, claim, found, lane, deadline)
        return held, written

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        """Write the claim and its lane; see the port."""
        return self._both(stored, claim, held, lane, deadline)

    def _both(
        self,
        stored: Stored,
        claim: ClaimAt[S],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[S], HeldLane]:
        writes = (
            self._claim(stored.key, claim, stored.version),
            _lane(held, record_codec.encode(lane)),
        )
        written, marked = self._documents.commit(writes, deadline)
        marked_lane = HeldLane(held.ticker, lane, marked)
        return StoredAt(stored.key, claim, written), marked_lane

    def give_back(self, held: HeldLane, deadline: Deadline) -> None:
        """Delete the lane; see the port."""
        if held.version is not None:
            self._documents.commit((_lane(held, None),), deadline)

    def settle(
        self, stored: Stored, claim: ClaimAt[S], held: HeldLane, deadline: Deadline
    ) -> StoredAt[S]:
        """Write the claim and delete its lane; see the port."""
        if held.version is None:
            return self.replace(stored, claim, deadline)
        write = self._claim(stored.key, claim, stored.version)
        done = self._documents.commit((write, _lane(held, None)), deadline)
        return StoredAt(stored.key, claim, done[0])

    def warm(self, deadline: Deadline) -> None:
        """Open what the first call needs; raise `Doubtful` where nothing answers."""
        self._documents.warm(deadline)

    def _claim(self, key: str, claim: Claim, version: str | None) -> Write:
        """Return the write of a claim, with what the store finds and purges it by."""
        fields: dict[str, Plain] = claim_codec.encode(claim)
        fields["day"] = claim.created_at.astimezone(IST).date().isoformat()
        if claim.due_at is not None:
            fields["watched_at"] = claim.due_at
        elif not claim.ledger:
            fields["purge_at"] = claim.touched_at + self._journal
        return Write(CLAIMS, key, fields, version)

    def _entry(self, key: str, deadline: Deadline) -> tuple[_Entry | None, str | None]:
        found = self._documents.get(ONCE, key, deadline)
        if found is None:
            return None, None
        try:
            return record_codec.decode(_Entry, found.fields), found.version
        except record_codec.NotARecord as error:
            raise Doubtful(f"entry {key} cannot be read") from error


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()


def _lane(held: HeldLane, fields: dict[str, Plain] | None) -> Write:
    return Write(LANES, _digest(held.ticker), fields, held.version)


class _Decoded:
    """The claims read so far by this instance: each entry finds all that are watched.

    A version names one content of its document for ever.
    """

    MOST = 256

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], Claim] = {}

    def stored(self, found: Document) -> Stored:
        """Return a document's claim; raise `Doubtful` for one that cannot be read."""
        claim = self._claims.get((found.key, found.version))
        if claim is None:
            try:
                claim = claim_codec.decode(found.fields)
            except record_codec.NotARecord as error:
                raise Doubtful(f"document {found.key}: {error}") from error
            if len(self._claims) >= self.MOST:
                self._claims = {}  # a new one: another thread may be reading the old
            self._claims[found.key, found.version] = claim
        return StoredAt(found.key, claim, found.version)

    def readable(self, found: Iterable[Document]) -> tuple[Stored, ...]:
        """Return the claims; a broken one is logged, so that it keeps from no other."""
        claims = []
        for document in found:
            try:
                claims.append(self.stored(document))
            except Doubtful as error:
                _log.error("a claim cannot be read: %s", error)
        return tuple(claims)


def claims_of(found: Iterable[Document]) -> tuple[Stored, ...]:
    """Return the claims that documents hold, oldest first."""
    return _oldest_first(_Decoded().readable(found))


def _oldest_first(claims: Iterable[Stored]) -> tuple[Stored, ...]:
    return tuple(sorted(claims, key=lambda stored: stored.claim.created_at))
