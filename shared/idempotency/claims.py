"""Drives one claim: who may send, and how each state is left.

Whatever a store says, these rules hold: a claim is ours only when a write of our own
attempt is confirmed, a doubtful write is settled by reading, and a write that lost its
version is never repeated over what it finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import AlreadyExists, Conflict, Doubtful, KeyReused, Unavailable
from shared.idempotency import wording
from shared.idempotency.arrows import Arrows, Rules
from shared.idempotency.claim import Claim, ClaimStore, Outgoing, State, Stored
from shared.models import IST, Alert, Clock, Deadline, Notice

_LOG = logging.getLogger(__name__)

UNTOLD = timedelta(days=5)
"""How long a claim with something to tell is kept, and a notice tried."""

CLOSING = timedelta(seconds=4)
"""How long a delivery may be the only one to close a position; longer than it lives."""

RESENDS = timedelta(seconds=30)
"""TradingView resends three times, 5 s apart; if it counts from our replies, the last
comes 24 s after the first."""

SETTLED = (State.DONE, State.RELEASED, State.NOT_SENT)


@dataclass(frozen=True, slots=True)
class Owned:
    """The claim is ours: CLAIMED with our attempt, write confirmed."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Held:
    """Another delivery owns or has settled the alert; answer by its state."""

    stored: Stored


class Claims(Arrows):
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
    ) -> Owned | Held:
        """Claim an alert for this delivery.

        Raises `KeyReused` for another payload under the key, and `Unavailable` when the
        store gives no clear answer: then this delivery must send nothing.
        """
        now = self._clock()
        fresh = Claim(
            state=State.CLAIMED,
            attempt=self._new_attempt(),
            fingerprint=alert.fingerprint,
            created_at=now,
            lease_until=now + timedelta(seconds=self._rules.lease),
            request_id=request_id,
            what=alert.words,
            touched_at=now,
        )
        try:
            return Owned(self._store.create(key, fresh, deadline))
        except AlreadyExists:
            found = self._read(key, deadline)
        except Doubtful:
            found = self._read(key, deadline)
            if found.claim.attempt == fresh.attempt:
                return self._ours(found)
        return self._take(found, fresh, alert.key is not None, deadline)

    def _take(
        self, found: Stored, fresh: Claim, keyed: bool, deadline: Deadline
    ) -> Owned | Held:
        """Take the document over where the machine allows it."""
        heir = self._heir(found.claim, fresh, keyed)
        if heir is None:
            return Held(found)
        try:
            return Owned(self._store.replace(found, heir, deadline))
        except Conflict:
            return Held(self._read(found.key, deadline))
        except Doubtful:
            found = self._read(found.key, deadline)
            return (
                self._ours(found)
                if found.claim.attempt == fresh.attempt
                else Held(found)
            )

    def _heir(self, old: Claim, fresh: Claim, keyed: bool) -> Claim | None:
        """Return the claim that may replace `old`, or None where it stands."""
        now = fresh.created_at
        heir = replace(fresh, outbox=old.outbox, followed=old.followed)
        same = old.fingerprint == fresh.fingerprint
        lapsed = old.state is State.CLAIMED and old.lease_until <= now
        unsent = lapsed or old.state is State.RELEASED
        if self._over(old, now, keyed, lapsed) and not (
            unsent and same and self.resend(old)
        ):
            return self._after_unexecuted(heir, old, lapsed)
        if not same:
            raise KeyReused(
                "this idempotency key belongs to an alert with another body"
            )
        if not unsent:
            return None
        told = "" if lapsed or old.retry else old.reason
        return replace(heir, created_at=old.created_at, told=told or old.told)

    @staticmethod
    def _after_unexecuted(heir: Claim, old: Claim, lapsed: bool) -> Claim:
        """Return the heir, which tells of an older alert that reconcile never swept."""
        if not lapsed and not (old.state is State.RELEASED and old.retry):
            return heir
        notice = wording.about_claim(
            "not_sent",
            f"this alert of {old.created_at.astimezone(IST):%H:%M:%S} IST was never "
            "sent to FYERS. An equal one that came later is handled on its own.",
            old,
            heir.created_at,
        )
        return replace(heir, outbox=(*heir.outbox, Outgoing(notice)))

    def _over(self, old: Claim, now: datetime, keyed: bool, lapsed: bool) -> bool:
        """Return whether a claim no longer speaks for a new alert.

        An UNKNOWN never runs out under a key. Without one it ends with its day, once
        the owner was told to look: tomorrow's equal text is another alert.
        """
        if old.state not in SETTLED and not lapsed:
            return old.closed and not keyed
        if old.expires_at is not None and old.expires_at <= now:
            return True
        window = timedelta(seconds=self._rules.window)
        # A claim a late resend took over counts from its own order.
        since = old.sending.sent_at if old.sending else old.created_at
        return not keyed and now - since >= window

    @staticmethod
    def _ours(found: Stored) -> Owned | Held:
        """Return `Owned` only while our attempt still stands as CLAIMED."""
        return Owned(found) if found.claim.state is State.CLAIMED else Held(found)

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

    def alone(self, ticker: str, deadline: Deadline) -> bool:
        """Return whether only this delivery may close a position of `ticker` now.

        Two covers that read the same short would open a long. Raises `Unavailable`.
        """
        try:
            until = self._clock() + CLOSING
            return self._store.once(_closing(ticker), until, deadline)
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None

    def not_alone(self, ticker: str, deadline: Deadline) -> None:
        """Let the next delivery close a position of `ticker`."""
        try:
            self._store.forget(_closing(ticker), deadline)
        except Doubtful:
            _LOG.info("a closing lease was left to end by itself")

    def resend(self, claim: Claim) -> bool:
        """Return whether an equal alert arriving now is TradingView's resend."""
        return self._clock() - claim.created_at < RESENDS

    def write(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        """Write over exactly the version read.

        Raises `Conflict` when another version is there, and `Doubtful` when a reading
        after an unclear answer does not show the write: it may still be applied.
        """
        now = self._clock()
        claim = replace(claim, touched_at=now, expires_at=self._kept_until(claim, now))
        try:
            return self._store.replace(stored, claim, deadline)
        except Doubtful:
            found = self._store.read(stored.key, deadline)
            if found is not None and found.claim == claim:
                return found
            raise

    def _kept_until(self, claim: Claim, now: datetime) -> datetime | None:
        """Return when a settled claim may go: not before its owner was told.

        Reconcile rests at night, over weekends and holidays; the TTL does not.
        """
        if claim.expires_at is None:
            return None
        if claim.outbox or (claim.state is State.RELEASED and claim.retry):
            return max(claim.expires_at, now + UNTOLD)
        return min(claim.expires_at, self._expiry())

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


def _closing(ticker: str) -> str:
    return f"closing:{ticker}"
