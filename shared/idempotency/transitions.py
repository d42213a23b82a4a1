"""The claim machine's transitions as pure steps: a claim in, its next state out.

Each takes a claim only where it may leave from, so a forbidden one is a type error.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from shared.idempotency.claim import (
    Claim,
    ClaimAt,
    Claimed,
    Done,
    NotSent,
    Outgoing,
    Released,
    Reply,
    S,
    Sending,
    Slip,
    Story,
    Unknown,
)
from shared.models import Clock, Contract, Notice


class Rules(NamedTuple):
    """How long things hold, in seconds."""

    lease: int = 4
    """A CLAIMED left alone this long may be taken over; below TradingView's 5 s."""
    ttl: int = 86400
    """How long a settled claim is kept."""
    window: int = 20
    """Without a key: how long the same body is the same alert."""
    timed_window: int = 90
    """The same for a body with `time`: an equal one cannot be another alert sooner."""


class Transitions:
    """Every transition but the claiming itself."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules

    def sending(
        self, claim: ClaimAt[Claimed], slip: Slip, contract: Contract
    ) -> ClaimAt[Sending]:
        """Return CLAIMED → SENDING; only its confirmed write permits the order call."""
        watched = replace(claim, contract=contract, ledger=slip.order.ticker)
        return moved(watched, Sending(slip))

    def again(
        self, claim: ClaimAt[Sending], attempt: str, slip: Slip
    ) -> ClaimAt[Sending]:
        """Return SENDING under a new attempt: FYERS refused the first one for good."""
        return replace(claim, attempt=attempt, first=claim.mark, at=Sending(slip))

    def released(
        self,
        claim: ClaimAt[Claimed | Sending],
        reason: str,
        retry: bool,
        notice: Notice | None = None,
    ) -> ClaimAt[Released]:
        """Return CLAIMED or SENDING → RELEASED: provably nothing was taken."""
        at = Released(self._expiry(), reason, retry, claim.slip)
        return moved(replace(claim, ledger=""), at, notice)

    def unknown(
        self,
        claim: ClaimAt[Sending],
        reason: str,
        notice: Notice | None,
        order_ids: tuple[str, ...] = (),
    ) -> ClaimAt[Unknown]:
        """Return SENDING → UNKNOWN: never sent again by code."""
        return moved(claim, Unknown(claim.at.slip, reason, order_ids), notice)

    def concluded(
        self, claim: ClaimAt[Claimed], reply: Reply, notice: Notice | None = None
    ) -> ClaimAt[Done]:
        """Return CLAIMED → DONE for an alert that is no order of its own."""
        return moved(claim, Done(reply, self._expiry(), self._clock()), notice)

    def done(
        self,
        claim: ClaimAt[Sending | Unknown | NotSent],
        reply: Reply,
        notice: Notice | None = None,
        order_ids: tuple[str, ...] = (),
    ) -> ClaimAt[Done]:
        """Return SENDING, UNKNOWN or NOT_SENT → DONE with the reply to replay.

        Without an order id nothing traded, and the guard has nothing to watch.
        """
        at = Done(
            reply,
            self._expiry(),
            self._clock(),
            order_ids,
            claim.at.slip,
            claim.reason,
        )
        ledger = claim.ledger if order_ids else ""
        return moved(replace(claim, ledger=ledger), at, notice)

    def not_sent(
        self,
        claim: ClaimAt[Unknown | Claimed | Released],
        reason: str,
        notice: Notice | None,
    ) -> ClaimAt[NotSent]:
        """Return UNKNOWN, stale CLAIMED or unclaimed RELEASED → NOT_SENT.

        What was SENDING stays in the ledger for its day: if the order turns up after
        all, the owner is corrected.
        """
        at = NotSent(self._expiry(), reason, claim.order_ids, claim.slip)
        return moved(claim, at, notice)

    def closed(self, claim: ClaimAt[Unknown], notice: Notice) -> ClaimAt[Unknown]:
        """Return UNKNOWN as left to the owner: no order book shows its day any more."""
        return moved(claim, replace(claim.at, closed=True), notice)

    def forgotten(self, claim: Claim, story: Story | None) -> Claim:
        """Return the claim out of the ledger: its contract is flat and quiet."""
        return replace(claim, ledger="", story=story)

    def _expiry(self) -> datetime:
        return self._clock() + timedelta(seconds=self._rules.ttl)


def moved(claim: Claim, at: S, notice: Notice | None = None) -> ClaimAt[S]:
    """Return the claim in another state, with more to tell."""
    outbox = (*claim.outbox, Outgoing(notice)) if notice else claim.outbox
    # `replace` keeps the old state's type, and this is what changes it.
    return cast("ClaimAt[S]", replace(claim, at=at, outbox=outbox))
