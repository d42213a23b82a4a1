"""The order call of a delivery that owns its claim; the point of no return is in here.

It begins with a claim confirmed as SENDING. From then on nothing is answered with a 5xx
unless FYERS provably holds nothing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import time
from typing import TypeGuard, assert_never

from shared.broker import LoginEnded, NotTaken, Turn, Unreadable
from shared.errors import (
    Conflict,
    Doubtful,
    NotLoggedIn,
    OrderRejected,
    Problem,
    Unavailable,
)
from shared.idempotency import (
    Claim,
    HeldLane,
    NotSent,
    Sending,
    Slip,
    Stored,
    StoredAt,
    Unknown,
    wording,
)
from shared.idempotency.settling import find, is_complete, settle
from shared.models import (
    IST,
    Action,
    BookedOrder,
    Change,
    Flight,
    Notice,
    OrderResult,
    OurOrder,
    Placed,
    Product,
    Rejected,
    Severity,
    Unclear,
)
from shared.orders.after import AfterClose
from shared.orders.closing import Close
from shared.orders.duplicates import answer_held, look, unknown
from shared.orders.ports import LEAST, NOTIFY, SETTLE, Answer, Delivery, Parts
from shared.orders.reporting import deliver, tell

_LOG = logging.getLogger(__name__)

_LEAST_TO_LOOK = 0.5
"""Left for one look at the order book after an unknown, seconds."""

SQUARE_OFF = time(15, 15)
"""IST; from here on FYERS closes INTRADAY positions by itself."""


WITHOUT_EXITS = (
    "FYERS refused it for margin while its exits worked; they were cancelled and it "
    "was sent once more"
)
"""What the reply says of a cover that went out at the second try."""


class Placing:
    """One confirmed SENDING, from its order call to its answer."""

    def __init__(
        self,
        parts: Parts,
        delivery: Delivery,
        sent: StoredAt[Sending],
        turn: Turn,
        close: Close | None = None,
        held: HeldLane | None = None,
    ) -> None:
        self._parts = parts
        self._delivery = delivery
        self._deadline = delivery.deadline
        self._sent = sent
        self._stored: Stored = sent
        """The claim as this delivery last wrote it."""
        self._turn = turn
        self._close = close
        self._held = held
        self._looks_after = True

    def conclude(self, *, looks_after: bool = True) -> Answer:
        """Place the order and return its answer.

        `looks_after` lets an accepted close be looked at before the reply.
        """
        self._looks_after = looks_after
        try:
            result = self._place()
        except NotTaken as refusal:
            return self._not_taken(refusal)
        match result:
            case Placed():
                answer = self._placed(result)
                self._after()
                return answer
            case Rejected():
                return self._rejected(result)
            case Unclear():
                return self._unknown(result)
        assert_never(result)

    @property
    def _slip(self) -> Slip:
        return self._sent.claim.at.slip

    def _place(self) -> OrderResult:
        """Place; a cover that RMS refuses for margin goes once more without its exits.

        The exits of the short may hold the margin that the cover needs. The refusal is
        definite, so the second call is another order, under an attempt of its own.
        """
        result = self._parts.broker.place(self._slip.order, self._turn)
        if not isinstance(result, Rejected) or not result.for_margin:
            return result
        try:
            return self._without_exits() or result
        except (NotTaken, Unreadable, Conflict, Doubtful, Unavailable) as error:
            _LOG.warning("the cover was not sent again: %s", type(error).__name__)
            return result

    def _without_exits(self) -> OrderResult | None:
        close, held, parts = self._close, self._held, self._parts
        if close is None or held is None or close.side is not Action.BUY:
            return None
        exits = [row.row.order_id for row in close.book.exits if row.ours]
        if not exits or self._deadline.left() < LEAST:
            return None
        turn = parts.broker.turn(2, self._deadline.minus(SETTLE))
        ended = parts.broker.cancel(exits, turn)
        if not all(change is Change.CONFIRMED for change in ended):
            return None  # one may have traded: whoever comes next reads anew
        attempt = parts.claims.new_attempt()
        order = replace(self._slip.order, tag=attempt[:20])
        note = "; ".join(text for text in (self._slip.note, WITHOUT_EXITS) if text)
        slip = replace(self._slip, order=order, sent_at=parts.clock(), note=note)
        claim = parts.claims.again(self._sent.claim, attempt, slip)
        self._sent, self._held = parts.lanes.mark(
            self._sent, claim, held, self._deadline
        )
        self._stored = self._sent
        return parts.broker.place(order, turn)

    def _after(self) -> None:
        """Look at an accepted close while there is time; the guard does the rest."""
        if self._close is None or self._held is None or not self._looks_after:
            return
        our = self._stored.claim.our_order
        if our is not None:
            AfterClose(self._parts, self._close, our, self._held, self._deadline).look()

    # --- Accepted -------------------------------------------------------------------

    def _placed(self, placed: Placed) -> Answer:
        """Store DONE; an acceptance wins over whatever was concluded without it."""
        parts, sent = self._parts, self._sent.claim
        reply = wording.success(sent, self._slip, placed)
        notice = self._correction(sent, placed) or self._warning()
        stored: StoredAt[Sending | Unknown | NotSent] = self._sent
        for _ in range(3):
            try:
                claim = parts.claims.done(stored.claim, reply, notice, placed.order_ids)
                self._stored = parts.claims.write(stored, claim, self._deadline)
                deliver(parts, self._stored, self._deadline)
                self._tell_placed(placed)
                break
            except Conflict:
                found = self._look()
                if found is None or not _may_be_done(found):
                    break
                stored, notice = found, self._correction(found.claim, placed)
            except Doubtful:
                _LOG.warning("DONE may not be stored; reconcile finds it by its tag")
                break
        return Answer(reply)

    def _tell_placed(self, placed: Placed) -> None:
        """Say that an order was placed; once it has filled, the guard says that too."""
        if not self._parts.tells_orders:
            return
        slip = self._slip
        words = [f"placed as {placed.order_id}"]
        if slip.ltp is not None:
            words[0] += f" at {slip.ltp:.2f}"
        if slip.order.stop_loss is not None and slip.stop_loss is not None:
            words.append(f"stop {slip.stop_loss:.2f}")
        if slip.order.take_profit is not None and slip.take_profit is not None:
            words.append(f"target {slip.take_profit:.2f}")
        if slip.note:
            words.append(slip.note)
        notice = self._about("order_placed", ", ".join(words), Severity.INFO)
        tell(self._parts, notice, self._deadline)

    def _correction(self, claim: Claim, placed: Placed) -> Notice | None:
        """Return what the owner must hear who was told otherwise before."""
        if not isinstance(claim.at, Unknown | NotSent) and not claim.told:
            return None
        return self._about(
            "order_found",
            f"Correction: FYERS accepted the order as {placed.order_id}. "
            "Nothing needs to be sent again.",
            Severity.WARNING,
        )

    def _warning(self) -> Notice | None:
        """Return what an accepted close leaves for the owner to look at."""
        close = self._close
        if close is None:
            return None
        found: list[tuple[str, str]] = []
        late = self._parts.clock().astimezone(IST).time() >= SQUARE_OFF
        if late and self._slip.order.product is Product.INTRADAY:
            found.append(
                (
                    "square_off_time",
                    "the close was sent after 15:15, when FYERS squares INTRADAY off "
                    "by itself: both may act. Look at your positions now.",
                )
            )
        resting = close.book.resting(close.side, close.quote)
        if resting:
            found.append(
                (
                    "hand_order_works",
                    "orders not placed by this software still wait at FYERS "
                    f"({', '.join(resting)}). Once the position is closed they could "
                    "open a new one: cancel them in the FYERS app.",
                )
            )
        if close.ignored:
            found.append(
                (
                    "fields_ignored",
                    f"the close did without {', '.join(close.ignored)}. Correct the "
                    "alert in TradingView.",
                )
            )
        if not found:
            return None
        event = found[0][0]
        severity = Severity.CRITICAL if event == "square_off_time" else Severity.WARNING
        return self._about(event, " ".join(text for _, text in found), severity)

    # --- Refused, or not taken ------------------------------------------------------

    def _rejected(self, refusal: Rejected) -> Answer:
        problem = OrderRejected(f"FYERS refused the order: {refusal.reason}")
        sent = self._sent.claim
        reply = wording.failure(problem, sent.request_id)
        severity, advice = Severity.ERROR, "it will not be sent again"
        if self._close is not None:
            severity = Severity.CRITICAL
            advice = f"the position is still open. {self._stop_words()}"
        notice = self._about(
            problem.code,
            f"{problem.message}. Nothing was traded and {advice}.",
            severity,
        )
        claim = self._parts.claims.done(sent, reply, notice)
        return self._settle(claim, Answer(reply))

    def _stop_words(self) -> str:
        """Return whether a stop still protects what could not be closed."""
        if self._close is None:
            return ""
        if self._sent.claim.attempt[:20] != self._close.stored.claim.attempt[:20]:
            return (
                "Its exits were cancelled to free margin: NO stop works. Close it in "
                "the FYERS app now"
            )
        return f"{self._close.stop_words}. Close it in the FYERS app"

    def _not_taken(self, refusal: NotTaken) -> Answer:
        problem: Problem = Unavailable(refusal.reason)
        ended, notice = isinstance(refusal, LoginEnded), None
        if ended:
            problem = NotLoggedIn(refusal.reason)
            message, severity = wording.without_login(
                problem.message, closes=self._slip.closes
            )
            notice = self._about(problem.code, message, severity)
        answer = Answer(wording.failure(problem, self._delivery.request_id))
        sent = self._sent.claim
        claim = self._parts.claims.released(sent, problem.message, not ended, notice)
        answer = self._settle(claim, answer)
        if not self._slip.closes:
            self._parts.entries.give_back(sent.mark, self._deadline.within(NOTIFY))
        return answer

    # --- Unknown --------------------------------------------------------------------

    def _unknown(self, result: Unclear) -> Answer:
        """Look once while there is time; otherwise reconcile does."""
        parts, sent = self._parts, self._sent.claim
        # Only for looking: what FYERS named may be the order.
        named = (result.order_id,) if result.order_id else ()
        our = sent.booked(self._slip, Flight.OPEN, named)
        rows = self._find(our)
        if not rows or not is_complete(our, rows, parts.clock()):
            return unknown(parts, self._sent, result.reason, self._delivery, named)
        told = bool(sent.told)
        found = settle(sent, self._slip, rows, parts.clock(), corrects=told)
        news = told or found.reply.status != 200
        notice = found.notice if news else None
        answer = self._store(
            parts.claims.done(sent, found.reply, notice, found.order_ids),
            Answer(found.reply),
        )
        if found.order_ids and not answer.replayed:
            self._after()
        return answer

    def _find(self, our: OurOrder) -> tuple[BookedOrder, ...]:
        if self._deadline.left() < _LEAST_TO_LOOK:
            return ()
        try:
            turn = self._parts.broker.turn(1, self._deadline.minus(SETTLE))
            listing = self._parts.broker.order_book(turn)
        except (Unreadable, NotTaken):
            return ()
        return find(our, listing.rows)

    # --- Writing --------------------------------------------------------------------

    def _settle(self, claim: Claim, answer: Answer) -> Answer:
        """Store that FYERS holds nothing of this order, and give the lane back."""
        if self._held is None:
            return self._store(claim, answer)
        try:
            self._stored = self._parts.lanes.settle(
                self._sent, claim, self._held, self._deadline
            )
        except Conflict:
            self._held = None  # the lane or the claim moved: the claim alone, then
            return self._store(claim, answer)
        except (Doubtful, Unavailable):
            return self._untold(claim, answer)
        deliver(self._parts, self._stored, self._deadline)
        return answer

    def _store(self, claim: Claim, answer: Answer) -> Answer:
        """Store what the call proved; where the claim was lost, answer its state."""
        try:
            self._stored = self._parts.claims.write(self._sent, claim, self._deadline)
        except Conflict:
            found = self._look()
            if found:
                return answer_held(self._parts, found, self._delivery)
            return answer
        except Doubtful:
            return self._untold(claim, answer)
        deliver(self._parts, self._stored, self._deadline)
        return answer

    def _untold(self, claim: Claim, answer: Answer) -> Answer:
        _LOG.warning("the outcome may not be stored; reconcile settles it")
        for item in claim.outbox:
            tell(self._parts, item.notice, self._deadline)
        return answer

    def _look(self) -> Stored | None:
        """Return the claim as it stands if it is still this order's."""
        found = look(self._parts, self._sent, self._deadline)
        same = found and found.claim.attempt == self._sent.claim.attempt
        return found if same else None

    def _about(self, event: str, message: str, severity: Severity) -> Notice:
        return wording.about_claim(
            event, message, self._sent.claim, self._parts.clock(), severity
        )


def _may_be_done(
    found: Stored,
) -> TypeGuard[StoredAt[Sending | Unknown | NotSent]]:
    """Return whether an acceptance still has to win over what stands there."""
    return isinstance(found.claim.at, Sending | Unknown | NotSent)
