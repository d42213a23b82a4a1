"""The closing lane: at most one close of a contract is on its way at a time.

Two closes that read the same position would both trade it and open the other side. A
lane is taken and given back by version, never by name, and always together with the
claim that holds it. Its `expires_at` is housekeeping of the store: nobody may decide by
it, and an expired lane that is still stored is held like any other.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from shared.errors import Conflict, Doubtful, Unavailable
from shared.idempotency.claim import (
    ClaimAt,
    Claimed,
    S,
    Sending,
    Stored,
    StoredAt,
    stands_at,
)
from shared.idempotency.machine import Claims, log_change
from shared.models import Deadline

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Who closes a contract, and with which order."""

    claim: str
    """Key of the claim that holds it."""
    attempt: str
    """That claim's attempt when it took the lane."""
    tag: str = ""
    """The close's order tag, once it is SENDING."""
    send_by: datetime | None = None
    """After this instant the call of that order is certainly over."""
    taken_at: datetime
    expires_at: datetime
    """From then on the store may delete it; never decide by it."""


@dataclass(frozen=True, slots=True)
class HeldLane:
    """A contract's lane as read."""

    ticker: str
    lane: Lane | None
    """None: nobody holds it."""
    version: str | None


class LaneStore(Protocol):
    """Where lanes live, beside the claims that hold them.

    Each write is one commit, both documents by the version read or neither. Raises
    `Conflict` (certainly not applied) or `Doubtful` (it may have been, or be later).
    """

    def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
        """Return the contract's lane, held or not, expired or not; raise `Doubtful`."""

    def take(
        self, found: HeldLane, lane: Lane, stored: StoredAt[Claimed], deadline: Deadline
    ) -> tuple[HeldLane, StoredAt[Claimed]]:
        """Write `lane` over what was found, and the ticker into the taker's claim.

        So a lane is taken only while the claim is still this delivery's attempt.
        """

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        """Write the claim (SENDING) and what the lane says of its order."""

    def give_back(self, held: HeldLane, deadline: Deadline) -> None:
        """Delete the lane of that version; one that nobody held stays as it is.

        A `Conflict` says that it is somebody else's by now.
        """

    def settle(
        self, stored: Stored, claim: ClaimAt[S], held: HeldLane, deadline: Deadline
    ) -> StoredAt[S]:
        """Write the claim and delete the lane, if it was held."""


class Lanes:
    """The lanes as a delivery uses them: a write in doubt is settled by reading."""

    def __init__(self, store: LaneStore, claims: Claims) -> None:
        self._store = store
        self._claims = claims

    def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
        """Return the contract's lane; raise `Unavailable` without an answer."""
        try:
            return self._store.lane(ticker, deadline)
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None

    def take(
        self, found: HeldLane, lane: Lane, stored: StoredAt[Claimed], deadline: Deadline
    ) -> tuple[HeldLane, StoredAt[Claimed]]:
        """Take the lane as it was found; raise `Conflict` or `Unavailable`."""
        try:
            return self._store.take(found, lane, stored, deadline)
        except Doubtful:
            held = self.lane(found.ticker, deadline)
            mine = self._claims.look(stored.key, deadline)
            if (
                held.lane == lane
                and mine is not None
                and mine.claim.lane == found.ticker
                and stands_at(mine, Claimed)
            ):
                return held, mine
            raise Unavailable("the claim store did not confirm the lane") from None

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        """Write SENDING and the lane's mark of its order in one commit.

        Raises `Conflict`, or `Doubtful` when reading does not show the write: it may
        still be applied.
        """
        if held.lane is None:
            raise ValueError("only a held lane can be marked")
        slip = claim.at.slip
        lane = replace(
            held.lane,
            attempt=claim.attempt,
            tag=slip.order.tag,
            send_by=slip.send_by,
        )
        claim = self._claims.stamped(claim)
        try:
            written = self._store.mark(stored, claim, held, lane, deadline)
        except Doubtful:
            found = self._claims.look(stored.key, deadline)
            marked = self.lane(held.ticker, deadline)
            if found is None or found.claim != claim or marked.lane != lane:
                raise
            written = StoredAt(found.key, claim, found.version), marked
        log_change(stored.claim, claim)
        return written

    def settle(
        self, stored: Stored, claim: ClaimAt[S], held: HeldLane, deadline: Deadline
    ) -> StoredAt[S]:
        """Write a claim that holds nothing at FYERS any more and give its lane back.

        Raises `Conflict` (somebody moved either) or `Doubtful`.
        """
        claim = self._claims.stamped(claim)
        try:
            written = self._store.settle(stored, claim, held, deadline)
        except Doubtful:
            found = self._claims.look(stored.key, deadline)
            if found is None or found.claim != claim:
                raise
            written = StoredAt(found.key, claim, found.version)
        log_change(stored.claim, claim)
        return written

    def give_back(self, held: HeldLane, deadline: Deadline) -> None:
        """Let the next close have the lane; where that fails it takes it over."""
        try:
            self._store.give_back(held, deadline)
        except (Conflict, Doubtful):
            _LOG.info("a closing lane was left for the next close to take over")
