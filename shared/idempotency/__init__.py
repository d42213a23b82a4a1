"""The claim that makes an alert an order exactly once."""

from shared.idempotency.claim import (
    Child,
    Claim,
    ClaimStore,
    Outgoing,
    Reply,
    Slip,
    State,
    Stored,
    Story,
)
from shared.idempotency.leases import HeldLane, Lane, Lanes, LaneStore
from shared.idempotency.machine import RESENDS, Claims, Held, Owned
from shared.idempotency.transitions import Rules

__all__ = [
    "RESENDS",
    "Child",
    "Claim",
    "ClaimStore",
    "Claims",
    "Held",
    "HeldLane",
    "Lane",
    "LaneStore",
    "Lanes",
    "Outgoing",
    "Owned",
    "Reply",
    "Rules",
    "Slip",
    "State",
    "Stored",
    "Story",
]
