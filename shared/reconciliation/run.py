"""One run of reconcile: every watched claim moved as far as the evidence allows.

Runs may overlap or repeat: each write is conditional on the version read, only the run
whose write stands sends its notices, and one order-book read serves the whole run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import time, timedelta

from shared.broker import Broker
from shared.errors import Conflict, Doubtful, Unavailable
from shared.guard import Account, Guard, GuardSummary
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    Claims,
    ClaimStore,
    NotSent,
    Released,
    Sending,
    Stored,
    Unknown,
    settling,
    stands_at,
    wording,
)
from shared.models import IST, PAPER, Clock, Deadline, Flight, Severity
from shared.notifications import Notifier

_LOG = logging.getLogger(__name__)

UNTOUCHED = timedelta(seconds=30)
"""How long nobody may touch a claim before it is settled as never executed."""

LIMIT = 2000
"""Claims one run takes: a day's worth for one person many times over."""

_STOP_EARLY = 5.0
"""Seconds left at which a run ends by itself rather than be killed."""

_UNMARKED = timedelta(seconds=10)
"""An unsent notice this old was left by a delivery or run that ended."""

_DAY_END = time(15, 45)
"""IST; the order book of the day is complete (F&O closes 15:40)."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did, in numbers."""

    watched: int
    changed: int
    left: int
    """Claims the run had no time for."""
    failed: int
    """Claims something unforeseen kept from moving; the log says what."""
    order_book: str
    """`read`, `unreadable` or `not needed`."""
    guard: GuardSummary


class Reconciliation:
    """The use case behind the reconcile function."""

    def __init__(
        self,
        store: ClaimStore,
        claims: Claims,
        broker: Broker,
        notifier: Notifier,
        guard: Guard,
        clock: Clock,
        paper: tuple[Broker, Guard] | None = None,
    ) -> None:
        self._store = store
        self._claims = claims
        self._broker = broker
        self._notifier = notifier
        self._guard = guard
        self._paper = paper
        self._clock = clock

    def run(self, deadline: Deadline) -> RunSummary:
        """Settle, then guard; raise `Unavailable` when the claims cannot be read."""
        try:
            watched = self._store.watched(LIMIT, deadline.within(10))
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None
        account = Account(self._broker, deadline)
        paper = Account(self._paper[0], deadline) if self._paper else account
        changed = left = failed = 0
        for stored in watched:
            if deadline.left() < _STOP_EARLY:
                left += 1
                continue
            try:
                is_paper = stored.claim.ledger.startswith(PAPER)
                changed += self._one(stored, paper if is_paper else account, deadline)
            except Exception:  # one odd claim must not keep the others waiting
                _LOG.exception("claim %s could not be moved", stored.key[:12])
                failed += 1
        seen = self._guard.run(account, deadline)
        if self._paper:
            self._paper[1].run(paper, deadline)
        book = "unreadable" if account.failed else "read" if account.asked else ""
        return RunSummary(
            len(watched), changed, left, failed, book or "not needed", seen
        )

    def _one(self, stored: Stored, account: Account, deadline: Deadline) -> bool:
        """Move one claim; return whether anything about it changed."""
        old = stored.claim
        new = self._settle(stored, account)
        limit = deadline.within(10)
        try:
            if new != old:
                stored = self._claims.write(stored, new, limit)
            elif not old.outbox or self._clock() - old.touched_at < _UNMARKED:
                return False
        except Conflict:
            return False  # somebody else moved it; the next run sees what they wrote
        except Doubtful:
            _LOG.warning("a claim could not be written; the next run settles it")
            return False
        if stored.claim.outbox:
            self._claims.deliver(
                stored,
                lambda notice, only: self._notifier.send(
                    notice, deadline.within(5), only
                ),
                limit,
            )
        return True

    def _settle(self, stored: Stored, account: Account) -> Claim:
        now = self._clock()
        idle = now - stored.claim.touched_at >= UNTOUCHED
        if stands_at(stored, Claimed) and idle and stored.claim.lease_until <= now:
            return self._never_sent(stored.claim, "its delivery died before sending it")
        if stands_at(stored, Released) and idle and stored.claim.at.retry:
            return self._never_sent(stored.claim, stored.claim.at.reason)
        if stands_at(stored, Sending) and now > stored.claim.at.slip.send_by:
            return self._orphan(stored.claim, account)
        if stands_at(stored, Unknown) and not stored.claim.at.closed:
            return self._look_up(stored.claim, account)
        if stands_at(stored, NotSent):
            return self._correct(stored.claim, account)
        return stored.claim

    def _never_sent(
        self, claim: ClaimAt[Claimed | Released], reason: str
    ) -> ClaimAt[NotSent]:
        if claim.children:
            # Each of its positions has a claim of its own, and is told by that.
            return self._claims.not_sent(claim, reason, None)
        if claim.closes:
            notice = wording.about_claim(
                "exit_not_sent",
                f"this exit was never sent to FYERS ({reason}) and no resend is "
                "coming. The position may still be open: look, and close it in the "
                "FYERS app or send the exit again.",
                claim,
                self._clock(),
                Severity.CRITICAL,
            )
        else:
            notice = wording.about_claim(
                "not_sent",
                f"this alert was never sent to FYERS ({reason}) and no resend is "
                "coming. Place the order by hand if you still want it.",
                claim,
                self._clock(),
            )
        return self._claims.not_sent(claim, reason, notice)

    def _orphan(self, claim: ClaimAt[Sending], account: Account) -> Claim:
        """A SENDING whose delivery died: UNKNOWN, settled at once where possible."""
        reason = "the instance sending it died"
        quiet = self._claims.unknown(claim, reason, None)
        settled = self._look_up(quiet, account)
        if settled != quiet:
            return settled
        notice = wording.about_unknown(claim, reason, self._clock())
        return self._claims.unknown(claim, reason, notice)

    def _look_up(self, claim: ClaimAt[Unknown], account: Account) -> Claim:
        """Settle an UNKNOWN by the order book, or leave it as it is."""
        now = self._clock()
        slip = claim.at.slip
        our = claim.booked(slip, Flight.OPEN, claim.at.order_ids)
        if now.astimezone(IST).date() != slip.day:
            return self._close(claim)
        listing = account.rows()
        if listing is not None and slip.order.ticker in listing.broken:
            listing = None
        rows = settling.find(our, listing.rows) if listing else ()
        if rows and settling.is_complete(our, rows, now):
            found = settling.settle(claim, slip, rows, now, corrects=bool(claim.told))
            return self._claims.done(claim, found.reply, found.notice, found.order_ids)
        if listing is not None and settling.absent(our, listing.rows, now):
            reason = "FYERS's order book does not hold it"
            notice = wording.about_absent(claim, reason, now)
            return self._claims.not_sent(claim, reason, notice)
        late = now.astimezone(IST).time() >= _DAY_END
        if late and now - slip.send_by > timedelta(minutes=10):
            return self._close(claim)
        return claim

    def _close(self, claim: ClaimAt[Unknown]) -> Claim:
        """The day that could show the order is over: only a person can tell now."""
        notice = wording.about_claim(
            "outcome_unknown",
            "whether FYERS took this order could not be settled on its day. Look at "
            "FYERS's order book and positions; it will not be sent again.",
            claim,
            self._clock(),
            Severity.CRITICAL,
        )
        return self._claims.closed(claim, notice)

    def _correct(self, claim: ClaimAt[NotSent], account: Account) -> Claim:
        """An order settled as absent turned up: correct the claim and the owner."""
        now = self._clock()
        slip = claim.at.slip
        if slip is None or now.astimezone(IST).date() != slip.day:
            return claim
        listing = account.rows()
        our = claim.booked(slip, Flight.ABSENT, claim.at.order_ids)
        rows = settling.find(our, listing.rows) if listing else ()
        if not rows:
            return claim
        found = settling.settle(claim, slip, rows, now, corrects=True)
        return self._claims.done(claim, found.reply, found.notice, found.order_ids)
