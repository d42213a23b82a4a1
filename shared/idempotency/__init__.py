"""The claim that makes an alert an order exactly once."""

from shared.idempotency.arrows import Rules
from shared.idempotency.claim import (
    Claim,
    ClaimStore,
    Followed,
    Outgoing,
    Reply,
    Sending,
    State,
    Stored,
)
from shared.idempotency.claims import RESENDS, Claims, Held, Owned

__all__ = [
    "RESENDS",
    "Claim",
    "ClaimStore",
    "Claims",
    "Followed",
    "Held",
    "Outgoing",
    "Owned",
    "Reply",
    "Rules",
    "Sending",
    "State",
    "Stored",
]
