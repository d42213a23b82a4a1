"""The claim machine's transitions as pure steps: a claim in, its next state out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.idempotency.claim import (
    Claim,
    Outgoing,
    Reply,
    Slip,
    State,
    Story,
)
from shared.models import Clock, Contract, Notice


@dataclass(frozen=True, slots=True)
class Rules:
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
    """Every transition but the claiming itself; a forbidden one raises."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules

    def sending(
        self, claim: Claim, sending: Slip, contract: Contract | None = None
    ) -> Claim:
        """Return CLAIMED → SENDING; only its confirmed write permits the order call."""
        return _leave(
            claim,
            (State.CLAIMED,),
            State.SENDING,
            sending=sending,
            contract=contract or claim.contract,
            ledger=sending.order.ticker,
        )

    def again(self, claim: Claim, attempt: str, sending: Slip) -> Claim:
        """Return SENDING under a new attempt: FYERS refused the first one for good."""
        return _leave(
            claim,
            (State.SENDING,),
            State.SENDING,
            attempt=attempt,
            first=claim.mark,
            sending=sending,
        )

    def released(
        self, claim: Claim, reason: str, retry: bool, notice: Notice | None = None
    ) -> Claim:
        """Return CLAIMED or SENDING → RELEASED: provably nothing was taken."""
        return _leave(
            claim,
            (State.CLAIMED, State.SENDING),
            State.RELEASED,
            reason=reason,
            retry=retry,
            ledger="",
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
        )

    def unknown(
        self, claim: Claim, reason: str, notice: Notice, order_id: str = ""
    ) -> Claim:
        """Return SENDING → UNKNOWN: never sent again by code.

        `order_id` is what FYERS named all the same; the order is looked up by it too.
        """
        return _leave(
            claim,
            (State.SENDING,),
            State.UNKNOWN,
            reason=reason,
            order_ids=(order_id,) if order_id else (),
            outbox=_with(claim, notice),
        )

    def concluded(
        self, claim: Claim, reply: Reply, notice: Notice | None = None
    ) -> Claim:
        """Return CLAIMED → DONE for an alert that is no order of its own."""
        return _leave(
            claim,
            (State.CLAIMED,),
            State.DONE,
            reply=reply,
            done_at=self._clock(),
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
        )

    def done(
        self,
        claim: Claim,
        reply: Reply,
        notice: Notice | None = None,
        order_ids: tuple[str, ...] = (),
    ) -> Claim:
        """Return SENDING, UNKNOWN or NOT_SENT → DONE with the reply to replay.

        Without an order id nothing traded, and the guard has nothing to watch.
        """
        return _leave(
            claim,
            (State.SENDING, State.UNKNOWN, State.NOT_SENT),
            State.DONE,
            reply=reply,
            order_ids=order_ids,
            done_at=self._clock(),
            ledger=claim.ledger if order_ids else "",
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
        )

    def not_sent(self, claim: Claim, reason: str, notice: Notice | None) -> Claim:
        """Return UNKNOWN, stale CLAIMED or unclaimed RELEASED → NOT_SENT.

        What was SENDING stays in the ledger for its day: if the order turns up after
        all, the owner is corrected.
        """
        return _leave(
            claim,
            (State.UNKNOWN, State.CLAIMED, State.RELEASED),
            State.NOT_SENT,
            reason=reason,
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
        )

    def told(self, claim: Claim, *notices: Notice) -> Claim:
        """Return the claim with more to tell, its state unchanged."""
        more = tuple(Outgoing(notice) for notice in notices)
        return replace(claim, outbox=(*claim.outbox, *more))

    def forgotten(self, claim: Claim, story: Story | None) -> Claim:
        """Return the claim out of the ledger: its contract is flat and quiet."""
        return replace(claim, ledger="", story=story)

    def _expiry(self) -> datetime:
        return self._clock() + timedelta(seconds=self._rules.ttl)


def _with(claim: Claim, notice: Notice | None) -> tuple[Outgoing, ...]:
    return (*claim.outbox, Outgoing(notice)) if notice else claim.outbox


def _leave(
    claim: Claim, allowed: tuple[State, ...], state: State, **changes: object
) -> Claim:
    """Return `claim` in its new state; a forbidden transition raises."""
    if claim.state not in allowed:
        raise ValueError(f"no way from {claim.state} to {state}")
    return replace(claim, state=state, **changes)  # type: ignore[arg-type]
