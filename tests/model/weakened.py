"""The shipped machine with one guard taken away: each must be caught.

Each is the shipped code but for the few lines shown here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from shared.errors import Conflict, Doubtful
from shared.guard import Account, Guard
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    Claims,
    ClaimStore,
    Done,
    NotSent,
    Outgoing,
    Released,
    Reply,
    S,
    Sending,
    State,
    Stored,
    StoredAt,
    Unknown,
)
from shared.models import Deadline, Notice
from shared.reconciliation import Reconciliation
from tests.model.cast import RULES, Machine
from tests.model.ports import StagedBroker, StagedNotifier


class OverwritesAnyVersion(Machine):
    """Writes are not conditional on the version read."""

    blind_store = True


class DeletesReleased(Machine):
    """A released claim is deleted instead of kept."""

    forgets_released = True


class AttemptPerInstance(Machine):
    """Every delivery of an instance has the same attempt."""

    def attempt(self, name: str) -> str:
        return "1" * 32


class _Other(Machine):
    """A machine with other claims."""

    kind: type[Claims] = Claims

    def claims(
        self,
        store: ClaimStore,
        clock: Callable[[], datetime],
        new_attempt: Callable[[], str],
    ) -> Claims:
        return self.kind(store, clock, new_attempt, RULES)


class PlacesUnconfirmed(_Other):
    """A write in doubt counts as done, so the order goes out without SENDING."""

    class kind(Claims):  # noqa: N801  # a part of its machine
        def write(
            self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
        ) -> StoredAt[S]:
            try:
                return super().write(stored, claim, deadline)
            except Doubtful:
                return StoredAt(stored.key, claim, stored.version)


class UnknownExpires(_Other):
    """What is unsettled runs out."""

    class kind(Claims):  # noqa: N801  # a part of its machine
        def _over(self, old: Claim, now: datetime, keyed: bool) -> bool:
            stale = old.lease_until <= now and isinstance(old.at, Unknown)
            return stale or super()._over(old, now, keyed)


class LateAcceptanceLoses(_Other):
    """What was settled as not sent stays so."""

    class kind(Claims):  # noqa: N801  # a part of its machine
        def done(
            self,
            claim: ClaimAt[Sending | Unknown | NotSent],
            reply: Reply,
            notice: Notice | None = None,
            order_ids: tuple[str, ...] = (),
        ) -> ClaimAt[Done]:
            if isinstance(claim.at, NotSent):
                return cast("ClaimAt[Done]", claim)  # no type says so
            return super().done(claim, reply, notice, order_ids)


class NotSentIsForgotten(_Other):
    """What was settled as not sent is not watched any more."""

    class kind(Claims):  # noqa: N801  # a part of its machine
        def not_sent(
            self,
            claim: ClaimAt[Unknown | Claimed | Released],
            reason: str,
            notice: Notice | None,
        ) -> ClaimAt[NotSent]:
            return replace(super().not_sent(claim, reason, notice), ledger="")


class MarksBeforeTelling(_Other):
    """Notices are struck out before they are sent."""

    class kind(Claims):  # noqa: N801  # a part of its machine
        def deliver(
            self,
            stored: Stored,
            send: Callable[[Notice, tuple[str, ...] | None], tuple[str, ...]],
            deadline: Deadline,
        ) -> None:
            try:
                self.write(stored, replace(stored.claim, outbox=()), deadline)
            except (Conflict, Doubtful):
                return
            for item in stored.claim.outbox:
                send(item.notice, item.left)


class TagFromTheAlert(Machine):
    """The order's tag, the attempt's head, is the alert's and not the attempt's own."""

    def attempt(self, name: str) -> str:
        return "1" * 20 + name.encode().hex()[-12:]


class NoticesAreNotKept(_Other):
    """Notices are not part of the claim: what a crash cuts off is never told."""

    class kind(Claims):  # noqa: N801  # a part of its machine
        def write(
            self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
        ) -> StoredAt[S]:
            bare: tuple[Outgoing, ...] = ()
            done = super().write(stored, replace(claim, outbox=bare), deadline)
            return replace(done, claim=claim)


class _Sweepless(Machine):
    """A reconcile that leaves one state alone."""

    leaves: type[State]

    def reconciliation(
        self,
        store: ClaimStore,
        claims: Claims,
        broker: StagedBroker,
        notifier: StagedNotifier,
        guard: Guard,
        clock: Callable[[], datetime],
    ) -> Reconciliation:
        leaves = self.leaves

        class Sweepless(Reconciliation):
            def _settle(self, stored: Stored, account: Account) -> Claim:
                if isinstance(stored.claim.at, leaves):
                    return stored.claim
                return super()._settle(stored, account)

        return Sweepless(store, claims, broker, notifier, guard, clock)


class LeavesClaimed(_Sweepless):
    """Reconcile does not sweep stale CLAIMED."""

    leaves = Claimed


class LeavesReleased(_Sweepless):
    """Reconcile does not sweep unclaimed RELEASED."""

    leaves = Released


class LeavesSending(_Sweepless):
    """Reconcile does not take up orphaned SENDING."""

    leaves = Sending


class LeavesNotSent(_Sweepless):
    """Reconcile does not correct NOT_SENT."""

    leaves = NotSent
