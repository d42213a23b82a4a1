"""The shipped code on a stage: `Orders.handle` and `Reconciliation.run`, whole.

Only the ports are replaced, and what never differs is a constant: the alert, the token,
the contract.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from shared.broker import Turn
from shared.errors import Problem
from shared.guard import (
    Account,
    Guard,
    GuardParts,
    GuardSummary,
    Hands,
)
from shared.guardrails import Entries, Limits
from shared.idempotency import Claims, ClaimStore, Lanes, Reply, Rules, Stored
from shared.models import (
    IST,
    Contract,
    Deadline,
    Listing,
    OptionType,
    Position,
    Product,
    Secret,
    Token,
)
from shared.orders import Answer, Delivery, Orders, Parts, Terms
from shared.pricing import Percents
from shared.reconciliation import Reconciliation
from tests.model.ports import (
    NothingKept,
    StagedBroker,
    StagedNotifier,
    StagedState,
    StagedStore,
)
from tests.model.stage import Body, Pause, Stage

_T = TypeVar("_T")

START = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
KEY = "0" * 64
RULES = Rules()
REPLY_WITHIN = 2.5
RUN_WITHIN = 45.0

SECRET = Secret("s" * 32)
_FIELDS = {
    "token": SECRET.open(),
    "symbol": "NIFTY",
    "strikeprice": 25800,
    "optionType": "CE",
    "expiry": "WEEKLY",
    "action": "SELL",
    "qty": 65,
}
_BODY = json.dumps(_FIELDS).encode()
CONTRACT = Contract(
    ticker="NSE:NIFTY26N2425800CE",
    underlying="NIFTY",
    expiry=START.date() + timedelta(days=1),
    expires_at=START + timedelta(days=1, hours=6),
    strike=Decimal(25800),
    option_type=OptionType.CE,
    lot=65,
    tick=Decimal("0.05"),
)
TERMS = Terms(Product.INTRADAY, False, Percents(Decimal(15), Decimal(25)), 1)
TOKEN = Token(SECRET, None, START, START + timedelta(days=1), "XA00001")


@dataclass(frozen=True, slots=True)
class Broken:
    """What a body returns when an exception left the code."""

    text: str


class _EntryStore(StagedStore):
    """What a SELL asks of the ledger never concerns it: there is no LONG here."""

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        return ()


class _EntryBroker(StagedBroker):
    """What a SELL asks of the positions never concerns it: there is no long here."""

    def positions(self, turn: Turn) -> Listing[Position]:
        return Listing(())


class _Unguarded(Guard):
    """A guard that was cut off before it began."""

    def run(self, account: Account, deadline: Deadline) -> GuardSummary:
        return GuardSummary()


class Machine:
    """The code under check; a weakened variant overrides one part of it."""

    blind_store = False
    """Whether the store forgets the version condition."""
    forgets_released = False
    """Whether a released claim is deleted instead of kept."""

    def claims(
        self,
        store: ClaimStore,
        clock: Callable[[], datetime],
        new_attempt: Callable[[], str],
    ) -> Claims:
        return Claims(store, clock, new_attempt, RULES)

    def reconciliation(
        self,
        store: ClaimStore,
        claims: Claims,
        broker: StagedBroker,
        notifier: StagedNotifier,
        guard: Guard,
        clock: Callable[[], datetime],
    ) -> Reconciliation:
        return Reconciliation(store, claims, broker, notifier, guard, clock)

    def attempt(self, name: str) -> str:
        """Return the attempt of one delivery: as good as random, and repeatable."""
        return name.encode().hex().ljust(32, "0")

    def delivery(self, name: str, keyed: bool) -> Body:
        """Return one POST of the alert, named by its request id."""

        def body(stage: Stage) -> Answer | Broken:
            clock = clock_of(stage)
            store = _EntryStore(stage)
            claims = self.claims(store, clock, lambda: self.attempt(name))
            orders = Orders(
                Parts(
                    claims=claims,
                    lanes=Lanes(store, claims),
                    entries=unlimited(clock),
                    broker=_EntryBroker(stage),
                    notifier=StagedNotifier(stage),
                    find=lambda alert, deadline: CONTRACT,
                    expiry=not_asked,
                    nearest=not_asked,
                    token=lambda deadline: TOKEN,
                    fork=at_once,
                    branch=at_once,
                    clock=clock,
                    pause=lambda seconds: stage.ask(Pause(stage.mono, seconds)),
                    secret=SECRET,
                    terms=TERMS,
                    max_age=60,
                )
            )
            header = "a key" if keyed else None
            deadline = stage.deadline(REPLY_WITHIN)
            try:
                return orders.handle(Delivery(_BODY, header, name, deadline))
            except Problem as problem:
                return Answer(Reply(problem.status, problem.code))
            except Exception as error:
                return Broken(f"{type(error).__name__}: {error}")

        return body

    def run(self, guarded: bool = False) -> Body:
        """Return one run of reconcile; the guard looks only where nobody else works."""

        def body(stage: Stage) -> str | Broken:
            clock = clock_of(stage)
            store = StagedStore(stage)
            claims = self.claims(store, clock, lambda: "never used")
            broker, notifier = StagedBroker(stage), StagedNotifier(stage)
            parts = GuardParts(
                store=store,
                claims=claims,
                broker=broker,
                notifier=notifier,
                state=StagedState(stage),
                hands=Hands(
                    lambda reason, deadline: True, not_asked, lambda limit: None
                ),
                clock=clock,
                pause=lambda seconds: stage.ask(Pause(stage.mono, seconds)),
            )
            guard = Guard(parts) if guarded else _Unguarded(parts)
            reconcile = self.reconciliation(
                store, claims, broker, notifier, guard, clock
            )
            try:
                reconcile.run(stage.deadline(RUN_WITHIN))
            except Problem:
                return "failed"
            except Exception as error:
                return Broken(f"{type(error).__name__}: {error}")
            return "ran"

        return body


def clock_of(stage: Stage) -> Callable[[], datetime]:
    """Return the wall clock of code on a stage."""
    return lambda: START + timedelta(seconds=stage.wall)


def unlimited(clock: Callable[[], datetime]) -> Entries:
    """Return an entry control that refuses nothing."""
    return Entries(NothingKept(), Limits(), clock, nullcontext(), not_asked)


def not_asked(*_: object) -> Any:
    """Fail: nothing here leads to such a question."""
    raise AssertionError("this is never asked here")


def at_once(task: Callable[[], _T]) -> Future[_T]:
    """Run a task where it is forked: what it asks has an order, as any schedule has."""
    future: Future[_T] = Future()
    try:
        future.set_result(task())
    except Exception as error:
        future.set_exception(error)
    return future
