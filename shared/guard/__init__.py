"""Every minute: each contract our orders touched is safe, or the owner knows."""

from shared.guard.account import Account
from shared.guard.guard import Guard
from shared.guard.ports import GuardParts, GuardSummary, Hands
from shared.guard.state import GuardState, Risk, Seen, Verdict, Watch

__all__ = [
    "Account",
    "Guard",
    "GuardParts",
    "GuardState",
    "GuardSummary",
    "Hands",
    "Risk",
    "Seen",
    "Verdict",
    "Watch",
]
