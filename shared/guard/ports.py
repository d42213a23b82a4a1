"""What the guard works with, and what a run of it says in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time

from shared.broker import Broker
from shared.guard.state import GuardState
from shared.idempotency import Claims, ClaimStore
from shared.models import Clock, Contract, Deadline, Kept
from shared.notifications import Notifier


@dataclass(frozen=True, slots=True)
class Hands:
    """What the guard may do besides telling."""

    pause_entries: Callable[[str, Deadline], bool]
    """Stop new entries until the owner resumes them; the reason is for people. Says
    whether they are stopped."""
    close: Callable[[Contract, str, str, Deadline], str]
    """Close contract and product under a claim named by a key; says what came of it."""
    confirm_places: Callable[[Deadline], None]
    """Let the entry control drop the places of entries that died."""


@dataclass(frozen=True, slots=True)
class GuardSummary:
    """What the guard saw, in numbers."""

    contracts: int = 0
    risks: int = 0
    told: int = 0
    blind: bool = False


@dataclass(frozen=True, slots=True)
class GuardParts:
    """The concrete things behind the guard, made by wiring."""

    store: ClaimStore
    claims: Claims
    broker: Broker
    notifier: Notifier
    state: Kept[GuardState]
    hands: Hands
    clock: Clock
    pause: Callable[[float], None]
    channels: tuple[str, ...] = ()
    """Names of the owner's channels, for readyz and the desk."""
    paper: bool = False
    """It guards the paper account."""
    tells_orders: bool = False
    """NOTIFY_ORDERS: filled orders are told too."""
    sums_up: bool = False
    """SUMMARY: one line at 15:50 of an open day."""
    expect_alert_by: time | None = None
    """IST; no alert by then on an open day is told."""
    closes_missing: bool = False
    """ON_MISSING_STOP=close: a position without a stop is closed."""
    square_off_at: time | None = None
    """IST; from here on our INTRADAY positions are closed, before FYERS does it."""
