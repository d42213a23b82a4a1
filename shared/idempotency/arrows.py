"""The arrows of the claim machine as pure steps: a claim in, its next state out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.idempotency.claim import (
    Claim,
    Followed,
    Outgoing,
    Reply,
    Sending,
    State,
)
from shared.models import Clock, Notice


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things hold, in seconds."""

    lease: int = 4
    """A CLAIMED left alone this long may be taken over; below TradingView's 5 s."""
    ttl: int = 86400
    """How long a settled claim is kept."""
    window: int = 20
    """Without a key: how long the same body is the same alert."""


class Arrows:
    """Every arrow but the claiming itself; a forbidden one is a bug and raises."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules

    def sending(self, claim: Claim, sending: Sending) -> Claim:
        """Return CLAIMED → SENDING; only its confirmed write permits the order call."""
        return _leave(claim, (State.CLAIMED,), State.SENDING, sending=sending)

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
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
        )

    def unknown(self, claim: Claim, reason: str, notice: Notice) -> Claim:
        """Return SENDING → UNKNOWN: never sent again by code."""
        return _leave(
            claim,
            (State.SENDING,),
            State.UNKNOWN,
            reason=reason,
            outbox=_with(claim, notice),
        )

    def done(
        self,
        claim: Claim,
        reply: Reply,
        notice: Notice | None = None,
        follow: Followed | None = None,
    ) -> Claim:
        """Return SENDING, UNKNOWN or NOT_SENT → DONE with the reply to replay."""
        tag = claim.sending.order.tag if claim.sending else ""
        kept = tuple(f for f in claim.followed if f.order.tag != tag)
        return _leave(
            claim,
            (State.SENDING, State.UNKNOWN, State.NOT_SENT),
            State.DONE,
            reply=reply,
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
            followed=(*kept, follow) if follow else kept,
        )

    def not_sent(
        self, claim: Claim, reason: str, notice: Notice, watch: Followed | None = None
    ) -> Claim:
        """Return UNKNOWN, stale CLAIMED or unclaimed RELEASED → NOT_SENT.

        `watch` keeps looking for the order the same day: if it turns up after all the
        owner is corrected.
        """
        return _leave(
            claim,
            (State.UNKNOWN, State.CLAIMED, State.RELEASED),
            State.NOT_SENT,
            reason=reason,
            expires_at=self._expiry(),
            outbox=_with(claim, notice),
            followed=(*claim.followed, watch) if watch else claim.followed,
        )

    def told(self, claim: Claim, *notices: Notice) -> Claim:
        """Return the claim with more to tell, its state unchanged."""
        more = tuple(Outgoing(notice) for notice in notices)
        return replace(claim, outbox=(*claim.outbox, *more))

    def _expiry(self) -> datetime:
        return self._clock() + timedelta(seconds=self._rules.ttl)


def _with(claim: Claim, notice: Notice | None) -> tuple[Outgoing, ...]:
    return (*claim.outbox, Outgoing(notice)) if notice else claim.outbox


def _leave(
    claim: Claim, allowed: tuple[State, ...], state: State, **changes: object
) -> Claim:
    """Return `claim` in its new state; a forbidden arrow is a bug and raises."""
    if claim.state not in allowed:
        raise ValueError(f"no way from {claim.state} to {state}")
    return replace(claim, state=state, **changes)  # type: ignore[arg-type]
