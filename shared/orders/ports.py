"""What the order flow is given, and the seconds it keeps for each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from shared.broker import Broker
from shared.guardrails import Entries
from shared.idempotency import Claims, Lanes, Reply
from shared.models import Alert, Clock, Contract, Deadline, Fork, Quote, Secret, Token
from shared.notifications import Notifier
from shared.orders.building import Terms
from shared.symbols import Expiry

SETTLE = 0.3
"""Kept behind the order call for the claim's last write and the reply, seconds."""

LEAST = 0.8
"""Left before SENDING, or the order is not begun: SENDING, the call and SETTLE."""

NOTIFY = 0.4
"""The most a notice may take of what is left."""

WAIT = 0.5
"""How long a duplicate waits for the first delivery to finish."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The concrete things behind the flow, made by wiring."""

    claims: Claims
    lanes: Lanes
    entries: Entries
    broker: Broker
    notifier: Notifier
    find: Callable[[Alert, Deadline], Contract]
    """Raises BadRequest `unknown_symbol`, or Unavailable without a snapshot."""
    expiry: Callable[[Alert, Deadline], Expiry]
    """The expiry an alert means; raises as `find` does."""
    nearest: Callable[[Alert, Deadline], date]
    """The nearest expiry of the alert's underlying; raises as `find` does."""
    token: Callable[[Deadline], Token]
    """Raises NotLoggedIn, or Unavailable when the store gives no answer."""
    fork: Fork
    branch: Fork
    """For work that forks itself: on threads of its own, or many such would wait for
    each other's."""
    clock: Clock
    pause: Callable[[float], None]
    secret: Secret
    terms: Terms
    max_age: int
    """Oldest alert accepted, seconds; 0 for any."""
    at_hand: Callable[[], bool] = lambda: False
    """Whether `token` and `find` answer from memory, so that no thread is worth it."""
    old_secrets: Callable[[], tuple[Secret, ...]] = tuple
    """Secrets taken beside `secret` while a rotation lasts."""
    paper: bool = False
    """The broker is a paper one: contracts are named `PAPER:…` and kept apart."""
    tells_orders: bool = False
    """NOTIFY_ORDERS: placed orders are told too."""


class Chosen(NamedTuple):
    """A contract, with its quote where the choice brought it along."""

    contract: Contract
    quote: Quote | None


class Delivery(NamedTuple):
    """One POST of an alert."""

    body: bytes
    header_key: str | None
    request_id: str
    deadline: Deadline


class Answer(NamedTuple):
    """What goes back to the sender."""

    reply: Reply
    replayed: bool = False
    what: str = ""
    """The alert in words, for the log."""
    old_secret: bool = False
    """It carried the secret from before a rotation."""
