"""One delivery of one alert, from its bytes to its answer.

    secret → fields → claim ∥ token ∥ symbol → quote ∥ positions (∥ order book) → checks
    → SENDING → place → settle → notify → reply

A 5xx says that this delivery sent nothing. From the moment SENDING may have been
written, an exception nobody foresaw is answered 202 and left to reconcile.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from shared import alerts
from shared.broker import NotTaken, Turn, Unreadable
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
from shared.idempotency import Held, Sending, State, Stored, wording
from shared.models import Alert, Contract, Notice
from shared.orders.answering import (
    Once,
    about_unclaimed,
    answer_held,
    deliver,
    look,
    tell,
    tell_refused,
    unknown,
)
from shared.orders.building import Market, Times, build
from shared.orders.market import read_market
from shared.orders.outcome import conclude
from shared.orders.ports import LEAST, NOTIFY, SETTLE, Answer, Delivery, Parts

_LOG = logging.getLogger(__name__)


class Orders:
    """The webhook's use case."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._once = Once()

    def handle(self, delivery: Delivery) -> Answer:
        """Return what became of the alert; raise `Problem` before there is a claim."""
        parts = self._parts
        fields = alerts.read_body(delivery.body)
        alerts.authenticate(fields, parts.secret)
        try:
            alert = alerts.parse(
                fields, delivery.header_key, parts.clock(), parts.max_age
            )
        except BadRequest as problem:
            tell_refused(parts, problem, delivery)
            raise
        return _Run(parts, delivery, alert, self._once).answer()


class _Run:
    """The state of one delivery while it is being handled."""

    def __init__(
        self, parts: Parts, delivery: Delivery, alert: Alert, once: Once
    ) -> None:
        self._parts = parts
        self._delivery = delivery
        self._deadline = delivery.deadline
        self._alert = alert
        self._once = once
        self._stored: Stored | None = None
        self._closing = ""
        self._may_be_sending = False

    def answer(self) -> Answer:
        answer = self._guarded()
        # FYERS may not show an order of unknown outcome yet, and the next cover would
        # read the same short: then the lease is left to end by itself.
        if self._closing and answer.reply.status != OutcomeUnknown.status:
            self._parts.claims.not_alone(self._closing, self._deadline)
        return answer

    def _guarded(self) -> Answer:
        try:
            return self._answer()
        except (KeyReused, Unavailable) as problem:
            # No claim carries these: what is not told now, reconcile cannot tell.
            notice = about_unclaimed(self._parts, problem, self._alert, self._delivery)
            if self._once.first(self._alert.fingerprint, notice.event, notice.at):
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
        token = parts.fork(lambda: parts.token(reads))
        contract = parts.fork(lambda: parts.find(self._alert, reads))
        try:
            begun = parts.claims.begin(
                alerts.document_id(self._alert),
                self._alert,
                self._delivery.request_id,
                deadline.minus(NOTIFY),
            )
        finally:
            token.exception()
            contract.exception()
        if isinstance(begun, Held):
            return answer_held(parts, begun.stored, self._delivery)
        self._stored = stored = begun.stored
        try:
            token.result()
            sending, market, turn = self._prepare(stored, contract.result())
        except (Problem, Unreadable, NotTaken) as refusal:
            return self._release(_problem(refusal))
        if deadline.left() < LEAST:
            return self._release(OutOfTime("there was no time left to place the order"))
        self._may_be_sending = True
        try:
            claim = parts.claims.sending(stored.claim, sending)
            self._stored = stored = parts.claims.write(stored, claim, deadline)
        except (Conflict, Doubtful):
            # Not confirmed, so no order call. Releasing the version it was based on
            # also fences a write that is still under way.
            return self._release(Unavailable("the claim store did not confirm in time"))
        return conclude(parts, stored, sending, market.book, turn, self._delivery)

    def _prepare(
        self, stored: Stored, contract: Contract
    ) -> tuple[Sending, Market, Turn]:
        """Read the market and return the order it permits."""
        parts, deadline = self._parts, self._deadline
        market, turn = read_market(
            parts, self._alert, contract, deadline, self._close_alone
        )
        now = parts.clock()
        sending = build(
            self._alert,
            contract,
            market,
            parts.terms,
            stored.claim.attempt[:20],
            Times(now, now + timedelta(seconds=deadline.left())),
        )
        return sending, market, turn

    def _close_alone(self, contract: Contract) -> None:
        """Become the only delivery that closes this contract, or leave it for now."""
        if not self._parts.claims.alone(contract.ticker, self._deadline.minus(SETTLE)):
            raise Unavailable("another alert is closing this position right now")
        self._closing = contract.ticker

    def _release(self, problem: Problem) -> Answer:
        """Give the claim back: this delivery made no order call.

        A SENDING of ours that was applied late, after its write looked lost, is
        released from where it stands; what anybody else wrote is left alone.
        """
        parts, stored = self._parts, self._stored
        if stored is None:
            return self._failure(problem)
        retry = isinstance(problem, Unavailable)
        notice = None if retry else self._about(problem)
        try:
            for _ in range(2):
                claim = parts.claims.released(
                    stored.claim, problem.message, retry, notice
                )
                try:
                    stored = parts.claims.write(stored, claim, self._deadline)
                except Conflict:
                    found = parts.claims.look(stored.key, self._deadline)
                    if found is None or not self._still_mine(found):
                        return self._by_state(found)
                    stored = found
                else:
                    deliver(parts, stored, self._deadline)
                    break
        except (Doubtful, Unavailable):
            _LOG.warning("the claim may not be released; reconcile sweeps it")
            if notice:
                tell(parts, notice, self._deadline)
        return self._failure(problem)

    def _still_mine(self, found: Stored) -> bool:
        mine = self._stored and found.claim.attempt == self._stored.claim.attempt
        return bool(mine) and found.claim.state in (State.CLAIMED, State.SENDING)

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
            if found and found.claim.state is not State.SENDING:
                return self._by_state(found)
            if found and self._still_mine(found):
                return unknown(self._parts, found, "an internal error", self._delivery)
        except Exception:
            _LOG.exception("the claim could not be settled; reconcile does it")
        return self._failure(problem)

    def _about(self, problem: Problem) -> Notice:
        return wording.about_alert(
            problem.code,
            f"no order was sent: {problem.message}",
            self._alert,
            self._parts.clock(),
            self._delivery.request_id,
        )

    def _failure(self, problem: Problem) -> Answer:
        return Answer(wording.failure(problem, self._delivery.request_id))


def _problem(refusal: Problem | Unreadable | NotTaken) -> Problem:
    if isinstance(refusal, Problem):
        return refusal
    if isinstance(refusal, Unreadable):
        return Unavailable("FYERS gives no readable answer")
    if refusal.login:
        return NotLoggedIn(f"log in to FYERS: {refusal.reason}")
    return Unavailable(refusal.reason)
