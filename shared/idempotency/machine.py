"""Drives one claim: who may send, and how each state is left.

Whatever a store says, these rules hold: a claim is ours only when a write of our own
attempt is confirmed, a doubtful write is settled by reading, and a write that lost its
version is never repeated over what it finds.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.errors import AlreadyExists, Conflict, Doubtful, KeyReused, Unavailable
from shared.idempotency import wording
from shared.idempotency.claim import (
    Claim,
    ClaimAt,
    Claimed,
    ClaimStore,
    Done,
    NotSent,
    Outgoing,
    Released,
    S,
    Sending,
    Stored,
    StoredAt,
    Unknown,
    stands_at,
)
from shared.idempotency.transitions import Rules, Transitions
from shared.models import Alert, Clock, Deadline, Notice

_LOG = logging.getLogger(__name__)

UNTOLD = timedelta(days=5)
"""How long a claim with something to tell is kept, and a notice tried."""

RESENDS = timedelta(seconds=30)
"""TradingView resends three times, 5 s apart; if it counts from our replies, the last
comes 24 s after the first."""


class Held(NamedTuple):
    """Another delivery owns or has settled the alert; answer by its state."""

    stored: Stored


class Claims(Transitions):
    """The claim machine over one store."""

    def __init__(
        self,
        store: ClaimStore,
        clock: Clock,
        new_attempt: Callable[[], str],
        rules: Rules,
    ) -> None:
        super().__init__(clock, rules)
        self._store = store
        self._new_attempt = new_attempt

    def begin(
        self, key: str, alert: Alert, request_id: str, deadline: Deadline
    ) -> StoredAt[Claimed] | Held:
        """Return the alert's claim as ours, its write confirmed, or who holds it.

        Raises `KeyReused` for another payload under the key, and `Unavailable` when the
        store gives no clear answer: then this delivery must send nothing.
        """
        now = self._clock()
        fresh = ClaimAt(
            Claimed(),
            attempt=self._new_attempt(),
            fingerprint=alert.fingerprint,
            created_at=now,
            lease_until=now + timedelta(seconds=self._rules.lease),
            request_id=request_id,
            what=alert.words,
            touched_at=now,
            timed=alert.time is not None,
            strategy=alert.strategy,
        )
        try:
            return self._store.create(key, fresh, deadline)
        except AlreadyExists:
            found = self._read(key, deadline)
        except Doubtful:
            found = self._read(key, deadline)
            if found.claim.attempt == fresh.attempt:
                return self._ours(found)
        return self._take(found, fresh, alert.key is not None, deadline)

    def refused(
        self,
        fingerprint: str,
        what: str,
        reason: str,
        notice: Notice,
        request_id: str,
        deadline: Deadline,
    ) -> Stored:
        """Store the row of an alert that was refused before it could be claimed.

        It stands under an id of its own, so that the same body is judged anew. Raises
        `AlreadyExists` or `Doubtful`.
        """
        now, attempt = self._clock(), self._new_attempt()
        claim = ClaimAt(
            Released(self._expiry(), reason),
            attempt=attempt,
            fingerprint=fingerprint,
            created_at=now,
            lease_until=now,
            request_id=request_id,
            what=what,
            touched_at=now,
            outbox=(Outgoing(notice),),
        )
        key = hashlib.sha256(f"refused:{attempt}".encode()).hexdigest()
        return self._store.create(key, claim, deadline)

    def _take(
        self, found: Stored, fresh: ClaimAt[Claimed], keyed: bool, deadline: Deadline
    ) -> StoredAt[Claimed] | Held:
        """Take the document over where the machine allows it."""
        old = found.claim
        try:
            if self._another_alert(old, fresh, keyed):
                kept = _kept_key(found.key, old.mark)
                return self._store.supersede(found, fresh, kept, deadline)
            if not self._unsent(old):
                return Held(found)
            return self._store.replace(found, _resent(fresh, old), deadline)
        except (AlreadyExists, Conflict):
            return Held(self._read(found.key, deadline))
        except Doubtful:
            found = self._read(found.key, deadline)
            return (
                self._ours(found)
                if found.claim.attempt == fresh.attempt
                else Held(found)
            )

    def _another_alert(self, old: Claim, fresh: Claim, keyed: bool) -> bool:
        """Return whether the document speaks for an older alert, which is kept aside.

        Raises `KeyReused` where its key still stands for another body.
        """
        same = old.fingerprint == fresh.fingerprint
        resent = self._unsent(old) and same and self.resend(old)
        if not resent and self._over(old, fresh.created_at, keyed):
            return True
        if not same:
            raise KeyReused(
                "this idempotency key belongs to an alert with another body"
            )
        return False

    def _unsent(self, old: Claim) -> bool:
        if isinstance(old.at, Claimed):
            return old.lease_until <= self._clock()
        return isinstance(old.at, Released)

    def _over(self, old: Claim, now: datetime, keyed: bool) -> bool:
        """Return whether a claim no longer speaks for a new alert.

        An UNKNOWN never runs out under a key. Without one it ends with its day, once
        the owner was told to look: tomorrow's equal text is another alert.
        """
        match old.at:
            case Unknown(closed=closed):
                return closed and not keyed
            case Sending():
                return False
            case Claimed() if not self._unsent(old):
                return False
            case Released() | Done() | NotSent() as settled:
                if settled.expires_at <= now:
                    return True
        window = timedelta(seconds=self._rules.window)
        if old.timed and window:
            window = max(window, timedelta(seconds=self._rules.timed_window))
        # A claim a late resend took over counts from its own order.
        since = old.slip.sent_at if old.slip else old.created_at
        return not keyed and now - since >= window

    @staticmethod
    def _ours(found: Stored) -> StoredAt[Claimed] | Held:
        """Return it as ours only while our attempt still stands as CLAIMED."""
        return found if stands_at(found, Claimed) else Held(found)

    def _read(self, key: str, deadline: Deadline) -> Stored:
        found = self.look(key, deadline)
        if found is None:
            raise Unavailable("the claim store did not confirm the claim")
        return found

    def look(self, key: str, deadline: Deadline) -> Stored | None:
        """Return the claim as it stands; raise `Unavailable` without an answer."""
        try:
            return self._store.read(key, deadline)
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None

    def was_sent(self, key: str, mark: str, deadline: Deadline) -> bool:
        """Return whether FYERS may have got the order of the alert with that mark.

        Raises `Unavailable`.
        """
        found = self.look(key, deadline)
        if found is None or found.claim.mark != mark:
            found = self.look(_kept_key(key, mark), deadline)
        return found is not None and found.claim.went

    def resend(self, claim: Claim) -> bool:
        """Return whether an equal alert arriving now is TradingView's resend."""
        return self._clock() - claim.created_at < RESENDS

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        """Return the claims whose orders a book must be read with; None: of all."""
        try:
            return self._store.ledger(ticker, deadline)
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None

    def new_attempt(self) -> str:
        """Return the mark of another order call of a claim that is ours."""
        return self._new_attempt()

    def stamped(self, claim: ClaimAt[S]) -> ClaimAt[S]:
        """Return the claim as a write stores it: touched now, kept long enough.

        What is settled may not expire before its owner was told: reconcile rests at
        night, over weekends and holidays.
        """
        now, at = self._clock(), claim.at
        touched = replace(claim, touched_at=now)
        if not isinstance(at, Released | Done | NotSent):
            return touched
        untold = claim.outbox or (isinstance(at, Released) and at.retry)
        until = (
            max(at.expires_at, now + UNTOLD)
            if untold
            else min(at.expires_at, self._expiry())
        )
        return replace(touched, at=replace(at, expires_at=until))

    def write(
        self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
    ) -> StoredAt[S]:
        """Write over exactly the version read.

        Raises `Conflict` when another version is there, and `Doubtful` when a reading
        after an unclear answer does not show the write: it may still be applied.
        """
        claim = self.stamped(claim)
        try:
            written = self._store.replace(stored, claim, deadline)
        except Doubtful:
            found = self._store.read(stored.key, deadline)
            if found is None or found.claim != claim:
                raise
            written = StoredAt(found.key, claim, found.version)
        log_change(stored.claim, claim)
        return written

    def deliver(
        self,
        stored: Stored,
        send: Callable[[Notice, tuple[str, ...] | None], tuple[str, ...]],
        deadline: Deadline,
    ) -> None:
        """Send a claim's notices and mark them; what stays unmarked is sent later.

        `send` returns the channels that failed. A notice is given up after days.
        """
        left: list[Outgoing] = []
        for item in stored.claim.outbox:
            failed = send(item.notice, item.left)
            if failed and self._clock() - item.notice.at < UNTOLD:
                left.append(Outgoing(item.notice, failed))
        try:
            self.write(stored, replace(stored.claim, outbox=tuple(left)), deadline)
        except (Conflict, Doubtful):
            _LOG.warning("notices were sent but not marked; they may come twice")


def log_change(old: Claim, new: Claim) -> None:
    """Log that a claim has moved on, in one line; its fields are for queries."""
    if old.state == new.state:
        return
    why = f": {new.reason}" if new.reason else ""
    fields = {
        "state": new.state,
        "contract": new.slip.order.ticker if new.slip else "",
        "order_id": " ".join(new.order_ids),
        "alert": new.request_id,
    }
    _LOG.info(
        "%s: %s → %s%s",
        wording.describe(new),
        old.state,
        new.state,
        why,
        extra={"json_fields": {name: text for name, text in fields.items() if text}},
    )


def _resent(fresh: ClaimAt[Claimed], old: Claim) -> ClaimAt[Claimed]:
    """Return the claim a resend makes of what an earlier delivery gave back."""
    told = isinstance(old.at, Released) and not old.at.retry
    return replace(
        fresh,
        created_at=old.created_at,
        told=old.reason if told else old.told,
        outbox=old.outbox,
        contract=old.contract,
        children=old.children,
        first=old.mark,
    )


def _kept_key(key: str, mark: str) -> str:
    """Return where the claim of an alert is kept that a later one has superseded."""
    return hashlib.sha256(f"{key}:{mark}".encode()).hexdigest()
