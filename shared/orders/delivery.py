"""One delivery of one alert, from its bytes to its answer.

secret → fields → claim ∥ token ∥ symbol → entry: quote ∥ positions ∥ our claims
                                           close: the closing lane
       → checks → SENDING → place → settle → notify → reply

A 5xx says that this delivery sent nothing. From the moment SENDING may have been
written, an exception nobody foresaw is answered 202 and left to reconcile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, NamedTuple, TypeGuard, TypeVar

from shared import alerts
from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.errors import (
    BadRequest,
    Conflict,
    Doubtful,
    KeyReused,
    NotLoggedIn,
    OutcomeUnknown,
    OutOfTime,
    Problem,
    Unavailable,
)
from shared.guardrails import Guarded
from shared.idempotency import (
    Claim,
    Claimed,
    Held,
    HeldLane,
    Reply,
    Sending,
    Stored,
    StoredAt,
    stands_at,
    wording,
)
from shared.models import (
    Alert,
    Contract,
    Notice,
    Severity,
    Verb,
)
from shared.orders.choosing import Choosing
from shared.orders.duplicates import answer_held, look, unknown
from shared.orders.exiting import (
    close_all,
    is_several,
    list_positions,
    together,
)
from shared.orders.placing import Placing
from shared.orders.ports import (
    LEAST,
    NOTIFY,
    SETTLE,
    Answer,
    Delivery,
    Parts,
)
from shared.orders.preparing import Preparing, Ready, on_paper
from shared.orders.reporting import (
    Reported,
    about_unclaimed,
    deliver,
    tell,
)

_LOG = logging.getLogger(__name__)

_T = TypeVar("_T")


_NOTHING = ("no_short_position", "nothing_open")
"""Codes that say an account holds nothing of what a close means."""


class Passed(NamedTuple):
    """A claim of this delivery that goes on to the other account, nothing written."""

    stored: StoredAt[Claimed]
    contract: Contract | None
    problem: BadRequest | None
    """Why this account has nothing to close; None where it was never asked."""


class _Later(Generic[_T]):
    """In a future's place: a task that waits for its turn on this thread."""

    def __init__(self, task: Callable[[], _T]) -> None:
        self.result = task

    def exception(self) -> None:
        """Wait for nothing: it has not begun."""


class Run:
    """The state of one delivery while it is being handled."""

    def __init__(
        self,
        parts: Parts,
        delivery: Delivery,
        alert: Alert,
        reported: Reported,
        choosing: Choosing,
        contract: Contract | None = None,
    ) -> None:
        self._parts = parts
        self._choosing = choosing
        self._delivery = delivery
        self._deadline = delivery.deadline
        self._preparing = Preparing(parts, alert, choosing, self._deadline, contract)
        self._alert = alert
        self._reported = reported
        self._stored: StoredAt[Claimed] | None = None
        self._may_be_sending = False
        self._looks_after = True
        self._passed_here: Passed | None = None
        self.passes_on: Callable[[], bool] | None = None
        """Whether a close that finds nothing goes on to the other account."""
        self.passed: Passed | None = None

    def answer(self, passed: Passed | None = None) -> Answer:
        """Return what became of the alert; raises nothing.

        With `passed` this account goes on with a claim that found nothing in the other.
        """
        self._passed_here = passed
        self._stored = passed.stored if passed else None
        try:
            return self._answer()
        except (KeyReused, Unavailable) as problem:
            # No claim carries these: what is not told now, reconcile cannot tell.
            notice = about_unclaimed(self._parts, problem, self._alert, self._delivery)
            if self._reported.first(self._alert.fingerprint, notice.event, notice.at):
                tell(self._parts, notice, self._deadline)
            return self._failure(problem)
        except Exception:
            _LOG.exception("unforeseen failure while handling an alert")
            return self._rescue()

    def _answer(self) -> Answer:
        parts, deadline, reads = (
            self._parts,
            self._deadline,
            self._deadline.minus(SETTLE),
        )
        fork = _Later if parts.at_hand() else parts.fork
        token = fork(lambda: parts.token(reads))
        contract = fork(lambda: self._preparing.find(reads))
        try:
            held = self._begin()
        finally:
            token.exception()
            contract.exception()
        if held is not None:
            return answer_held(parts, held.stored, self._delivery)
        try:
            if self._alert.verb is Verb.PAUSE:
                return self._pause()
            if self._of_the_other():
                return self._pass_on(None)
            token.result()
            self._preparing.contract = contract.result() or self._chosen_before()
            if self._alert.verb is Verb.EXIT and is_several(self._alert):
                return self._exit_several()
            ready = self._preparing.prepare(self._owned())
        except (Problem, Unreadable, NotTaken) as refusal:
            return self._release(_problem(refusal))
        if deadline.left() < LEAST:
            return self._release(OutOfTime("there was no time left to place the order"))
        self._may_be_sending = True
        try:
            sent, lane = self._write_sending(ready)
        except (Conflict, Doubtful, Unavailable):
            # Not confirmed, so no order call. Releasing the version it was based on
            # also fences a write that is still under way.
            return self._release(Unavailable("the claim store did not confirm in time"))
        placing = Placing(parts, self._delivery, sent, ready.turn, ready.close, lane)
        return placing.conclude(looks_after=self._looks_after)

    def _begin(self) -> Held | None:
        """Claim the alert unless it is ours already; return who holds it else."""
        if self._stored is not None:
            return None
        begun = self._parts.claims.begin(
            alerts.document_id(self._alert),
            self._alert,
            self._delivery.request_id,
            self._deadline.minus(NOTIFY),
        )
        if isinstance(begun, Held):
            return begun
        self._stored = begun
        return None

    # --- The other account ----------------------------------------------------------

    def _chosen_before(self) -> Contract | None:
        """Return what an earlier delivery chose in this account, if anything."""
        claim = self._owned().claim
        return claim.contract if claim.on_paper is self._parts.paper else None

    def _of_the_other(self) -> bool:
        """Return whether an earlier delivery chose in the account this passes on to."""
        claim = self._owned().claim
        listed = any(on_paper(child.contract) for child in claim.children)
        return self.passes_on is not None and (claim.on_paper or listed)

    def _pass_on(self, problem: BadRequest | None) -> Answer:
        """Leave the claim to the other account; one alert stays one row."""
        stored = self._owned()
        closing = self._preparing.closing
        if closing is not None:
            stored = closing.stored
            if closing.held is not None:
                self._parts.lanes.give_back(closing.held, self._deadline)
        self.passed = Passed(stored, self._preparing.contract, problem)
        return self._failure(problem or Unavailable("it is closed on paper"))

    def _said_before(self, problem: BadRequest) -> BadRequest:
        """Return why there is nothing in either account: as the first one said it."""
        before = self._passed_here
        if before is None or before.problem is None:
            return problem
        self._preparing.contract = before.contract
        return before.problem

    def _pause(self) -> Answer:
        """Stop entries; what took its place before that goes, and is named."""
        parts = self._parts
        by_hand = self._alert.by_owner
        reason = "by the owner" if by_hand else "by an alert"
        on_their_way = parts.entries.pause(reason, self._deadline.minus(SETTLE))
        names = ", ".join(place.ticker for place in on_their_way)
        text = "entries are paused; resume them on the desk or with ./deploy.sh resume"
        if names:
            text += f"; already on its way: {names}"
        who = "you" if by_hand else "an alert"
        notice = Notice(
            message=f"{who} asked for it: {text}. Exits go on as before.",
            severity=Severity.WARNING,
            event="entries_paused",
            at=parts.clock(),
            request_id=self._delivery.request_id,
        )
        return self._conclude(wording.said(text, self._delivery.request_id), notice)

    def _conclude(self, reply: Reply, notice: Notice | None = None) -> Answer:
        """Store the answer of an alert that is no order of its own."""
        parts, stored = self._parts, self._owned()
        claim = parts.claims.concluded(stored.claim, reply, notice)
        try:
            written = parts.claims.write(stored, claim, self._deadline)
            deliver(parts, written, self._deadline)
        except (Conflict, Doubtful):
            _LOG.warning("the answer may not be stored; a resend finds it done")
        return Answer(reply)

    def _exit_several(self) -> Answer:
        """Close a list of positions, each under a claim of its own."""
        parts, stored = self._parts, self._owned()
        if not stored.claim.children:
            children = list_positions(parts, self._alert, self._deadline)
            claim = replace(stored.claim, children=children)
            try:
                stored = parts.claims.write(stored, claim, self._deadline)
            except (Conflict, Doubtful):
                raise Unavailable("the claim store did not confirm in time") from None
            self._stored = stored
        reply = together(
            close_all(parts, self._alert, stored, self._close_one),
            self._delivery.request_id,
        )
        if reply.status < 500:
            return self._conclude(reply)
        released = parts.claims.released(
            stored.claim, "some closes were not sent", retry=True
        )
        try:
            parts.claims.write(stored, released, self._deadline)
        except (Conflict, Doubtful):
            _LOG.warning("the list may not be released; its claims hold it")
        return Answer(reply)

    def _close_one(self, alert: Alert, contract: Contract) -> Answer:
        run = Run(
            self._parts,
            self._delivery,
            alert,
            self._reported,
            self._choosing,
            contract,
        )
        run._looks_after = False
        return run.answer()

    def _owned(self) -> StoredAt[Claimed]:
        if self._stored is None:
            raise ValueError("this delivery has no claim")
        return self._stored

    def _write_sending(self, ready: Ready) -> tuple[StoredAt[Sending], HeldLane | None]:
        """Confirm SENDING, for a close together with the lane's mark of its order."""
        parts, close = self._parts, ready.close
        stored = close.stored if close else self._owned()
        claim = parts.claims.sending(stored.claim, ready.slip, ready.contract)
        if close is None:
            return parts.claims.write(stored, claim, self._deadline), None
        return parts.lanes.mark(stored, claim, close.held, self._deadline)

    # --- Giving the claim back ------------------------------------------------------

    def _release(self, problem: Problem) -> Answer:
        """Give the claim back, and a lane with it: this delivery made no order call."""
        if self._stored is None:
            return self._failure(problem)
        if isinstance(problem, BadRequest) and problem.code in _NOTHING:
            if self.passes_on is not None and self.passes_on():
                return self._pass_on(problem)
            problem = self._said_before(problem)
        retry = isinstance(problem, Unavailable)
        told = self._free_place(problem)
        notice = None if retry or not told else self._about(problem)
        try:
            return self._give_back(problem, retry, notice)
        except (Doubtful, Unavailable):
            _LOG.warning("the claim may not be released; reconcile sweeps it")
            if notice:
                tell(self._parts, notice, self._deadline)
        return self._failure(problem)

    def _free_place(self, problem: Problem) -> bool:
        """Free the place of an entry that is not sent; return whether to tell why."""
        if not self._alert.entry:
            return True
        parts, limit = self._parts, self._deadline.within(NOTIFY)
        mark = self._owned().claim.mark
        if isinstance(problem, Guarded):
            return parts.entries.refused(mark, problem, limit, paper=parts.paper)
        parts.entries.give_back(mark, limit)
        return True

    def _give_back(
        self, problem: Problem, retry: bool, notice: Notice | None
    ) -> Answer:
        """Write RELEASED over what is ours, and answer.

        A SENDING of ours that was applied late, after its write looked lost, is
        released from where it stands; what anybody else wrote is left alone.
        """
        stored: StoredAt[Claimed | Sending] = self._owned()
        held = None
        if self._preparing.closing is not None:
            stored, held = self._preparing.closing.stored, self._preparing.closing.held
        for _ in range(3):
            claim = self._parts.claims.released(
                replace(stored.claim, contract=self._preparing.contract),
                problem.message,
                retry,
                notice,
            )
            try:
                written = self._write(stored, claim, held)
            except Conflict:
                held = None  # left to whoever closes next
                found = self._parts.claims.look(stored.key, self._deadline)
                if found is None or not self._still_mine(found):
                    return self._by_state(found)
                stored = found
            else:
                deliver(self._parts, written, self._deadline)
                break
        return self._failure(problem)

    def _write(self, stored: Stored, claim: Claim, held: HeldLane | None) -> Stored:
        if held is None:
            return self._parts.claims.write(stored, claim, self._deadline)
        return self._parts.lanes.settle(stored, claim, held, self._deadline)

    def _still_mine(self, found: Stored) -> TypeGuard[StoredAt[Claimed | Sending]]:
        mine = self._stored and found.claim.attempt == self._stored.claim.attempt
        return bool(mine) and isinstance(found.claim.at, Claimed | Sending)

    def _by_state(self, found: Stored | None) -> Answer:
        if found:
            return answer_held(self._parts, found, self._delivery)
        return self._failure(Unavailable("the claim is gone; nothing was sent"))

    def _rescue(self) -> Answer:
        """Answer after an exception nobody foresaw."""
        problem: Problem = Unavailable("an internal error; nothing was sent")
        if self._may_be_sending:
            problem = OutcomeUnknown("an internal error; FYERS may hold the order")
        try:
            if not self._may_be_sending:
                return self._release(problem)
            # Left to the order book: SENDING was or may have been written.
            found = self._stored and look(self._parts, self._stored, self._deadline)
            if found and self._still_mine(found) and stands_at(found, Sending):
                return unknown(self._parts, found, "an internal error", self._delivery)
            if found and not stands_at(found, Sending):
                return self._by_state(found)
        except Exception:
            _LOG.exception("the claim could not be settled; reconcile does it")
        return self._failure(problem)

    def _about(self, problem: Problem) -> Notice:
        message, severity = f"no order was sent: {problem.message}", Severity.ERROR
        if isinstance(problem, NotLoggedIn):
            message, severity = wording.without_login(
                problem.message, closes=not self._alert.entry
            )
        return wording.about_alert(
            problem.code,
            message,
            self._alert,
            self._parts.clock(),
            self._delivery.request_id,
            severity,
        )

    def _failure(self, problem: Problem) -> Answer:
        return Answer(wording.failure(problem, self._delivery.request_id))


def _problem(refusal: Problem | Unreadable | NotTaken) -> Problem:
    if isinstance(refusal, Problem):
        return refusal
    if isinstance(refusal, Unreadable):
        return Unavailable("FYERS gives no readable answer")
    if isinstance(refusal, LoginEnded):
        return NotLoggedIn(refusal.reason)
    return Unavailable(refusal.reason)
