"""Placing the order and settling its claim; the point of no return is in here.

`conclude` is called with a claim confirmed as SENDING. From then on nothing is answered
with a 5xx unless FYERS provably holds nothing.
"""

from __future__ import annotations

import logging
from typing import assert_never

from shared.broker import NotTaken, Turn, Unreadable, trims, working_sells
from shared.errors import (
    Conflict,
    Doubtful,
    NotLoggedIn,
    OrderRejected,
    Problem,
    Unavailable,
)
from shared.idempotency import Claim, Sending, State, Stored, settling, wording
from shared.models import (
    Action,
    BookedOrder,
    Notice,
    Placed,
    Rejected,
    Severity,
    Unknown,
)
from shared.orders.answering import answer_held, deliver, look, tell, unknown
from shared.orders.ports import SETTLE, Answer, Delivery, Parts

_LOG = logging.getLogger(__name__)

_LEAST_TO_LOOK = 0.5
"""Left for one look at the order book after an unknown, seconds."""


def conclude(
    parts: Parts,
    stored: Stored,
    sending: Sending,
    book: tuple[BookedOrder, ...],
    turn: Turn,
    delivery: Delivery,
) -> Answer:
    """Place the order of a confirmed SENDING and return its answer."""
    try:
        result = parts.broker.place(sending.order, turn)
    except NotTaken as refusal:
        return _not_taken(parts, stored, refusal, delivery)
    match result:
        case Placed():
            answer = _placed(parts, stored, sending, result, delivery)
            _trim(parts, sending, book, delivery)
            return answer
        case Rejected():
            return _rejected(parts, stored, result, delivery)
        case Unknown():
            answer = _unknown(parts, stored, result, delivery)
            if answer.reply.status == 200 and not answer.replayed:
                _trim(parts, sending, book, delivery)
            return answer
    assert_never(result)


def _placed(
    parts: Parts, stored: Stored, sending: Sending, placed: Placed, delivery: Delivery
) -> Answer:
    """Store DONE; an acceptance wins over whatever was concluded without it."""
    reply = wording.success(sending, placed, stored.claim.request_id)
    now = parts.clock()
    follow = settling.followed(stored.claim, placed.order_id, now)
    notice = _correction(stored.claim, placed, parts)
    for _ in range(3):
        try:
            claim = parts.claims.done(stored.claim, reply, notice, follow)
            stored = parts.claims.write(stored, claim, delivery.deadline)
            deliver(parts, stored, delivery.deadline)
            break
        except Conflict:
            found = _look(parts, stored, delivery)
            if found is None or found.claim.state is State.DONE:
                break
            stored, notice = found, _correction(found.claim, placed, parts)
        except Doubtful:
            _LOG.warning("DONE may not be stored; reconcile finds the order by its tag")
            break
    return Answer(reply)


def _correction(claim: Claim, placed: Placed, parts: Parts) -> Notice | None:
    """Return what the owner must hear who was told otherwise before."""
    if claim.state not in (State.UNKNOWN, State.NOT_SENT) and not claim.told:
        return None
    return wording.about_claim(
        "order_found",
        f"Correction: FYERS accepted the order as {placed.order_id}. "
        "Nothing needs to be sent again.",
        claim,
        parts.clock(),
        Severity.WARNING,
    )


def _look(parts: Parts, stored: Stored, delivery: Delivery) -> Stored | None:
    """Return the claim as it stands if it is still this order's."""
    found = look(parts, stored, delivery.deadline)
    same = found is not None and found.claim.attempt == stored.claim.attempt
    return found if same else None


def _rejected(
    parts: Parts, stored: Stored, refusal: Rejected, delivery: Delivery
) -> Answer:
    problem = OrderRejected(f"FYERS refused the order: {refusal.reason}")
    reply = wording.failure(problem, stored.claim.request_id)
    notice = wording.about_claim(
        problem.code,
        f"{problem.message}. Nothing was traded and it will not be sent again.",
        stored.claim,
        parts.clock(),
    )
    claim = parts.claims.done(stored.claim, reply, notice)
    return _write(parts, stored, claim, Answer(reply), delivery)


def _not_taken(
    parts: Parts, stored: Stored, refusal: NotTaken, delivery: Delivery
) -> Answer:
    problem: Problem = Unavailable(refusal.reason)
    notice = None
    if refusal.login:
        problem = NotLoggedIn(f"log in to FYERS: {refusal.reason}")
        notice = wording.about_claim(
            problem.code,
            f"no order was sent: {problem.message}",
            stored.claim,
            parts.clock(),
        )
    claim = parts.claims.released(
        stored.claim, problem.message, not refusal.login, notice
    )
    answer = Answer(wording.failure(problem, delivery.request_id))
    return _write(parts, stored, claim, answer, delivery)


def _unknown(
    parts: Parts, stored: Stored, result: Unknown, delivery: Delivery
) -> Answer:
    """Look once while there is time; otherwise reconcile does."""
    row = _find(parts, stored, delivery)
    if row is None:
        return unknown(parts, stored, result.reason, delivery)
    told = bool(stored.claim.told)
    found = settling.settle(stored.claim, row, parts.clock(), corrects=told)
    news = told or found.reply.status != 200
    claim = parts.claims.done(
        stored.claim, found.reply, found.notice if news else None, found.follow
    )
    return _write(parts, stored, claim, Answer(found.reply), delivery)


def _find(parts: Parts, stored: Stored, delivery: Delivery) -> BookedOrder | None:
    if delivery.deadline.left() < _LEAST_TO_LOOK:
        return None
    try:
        turn = parts.broker.turn(1, delivery.deadline.minus(SETTLE))
        return settling.find(stored.claim, parts.broker.order_book(turn))
    except (Unreadable, NotTaken):
        return None


def _write(
    parts: Parts, stored: Stored, claim: Claim, answer: Answer, delivery: Delivery
) -> Answer:
    """Store what the order call proved; where the claim was lost, answer its state."""
    try:
        stored = parts.claims.write(stored, claim, delivery.deadline)
    except Conflict:
        found = _look(parts, stored, delivery)
        return answer_held(parts, found, delivery) if found else answer
    except Doubtful:
        _LOG.warning("the outcome may not be stored; reconcile settles it")
        for item in claim.outbox:
            tell(parts, item.notice, delivery.deadline)
        return answer
    deliver(parts, stored, delivery.deadline)
    return answer


def _trim(
    parts: Parts,
    sending: Sending,
    book: tuple[BookedOrder, ...],
    delivery: Delivery,
) -> None:
    """Cut the exits of what an accepted cover closes, while there is time.

    Left alone, the next trigger would open a long. What fails or does not fit in here
    reconcile does, from the order book as it then is.
    """
    if sending.order.action is not Action.BUY:
        return
    order = sending.order
    if not trims(book, order.ticker, order.product, 0):
        return
    entering = working_sells(book, order.ticker, order.product)
    if trims(book, order.ticker, order.product, sending.covers + entering):
        return  # more exits than short: an entry came between the two reads
    left = sending.covers - order.qty + entering
    changes = trims(book, order.ticker, order.product, left)
    try:
        turn = parts.broker.turn(len(changes), delivery.deadline.minus(0.1))
        for change in changes:
            if change.qty:
                parts.broker.resize(change.leg, change.qty, turn)
            else:
                parts.broker.cancel(change.leg.order_id, turn)
    except (NotTaken, Unreadable):
        _LOG.info("exits are left to reconcile")
