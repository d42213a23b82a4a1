"""The shipped code on a stage: `Orders.handle` and `Reconciliation.run`, whole.

Only the ports are replaced, and what never differs is a constant: the alert, the token,
the contract.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from shared.errors import Problem
from shared.idempotency import Claims, ClaimStore, Reply, Rules
from shared.models import IST, Contract, OptionType, Product, Secret, Token
from shared.orders import Answer, Delivery, Orders, Parts, Terms
from shared.pricing import Percents
from shared.reconciliation import Reconciliation
from tests.model.ports import StagedBroker, StagedNotifier, StagedStore
from tests.model.stage import Body, Pause, Stage

_T = TypeVar("_T")

START = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
KEY = "0" * 64
RULES = Rules()
REPLY_WITHIN = 2.5
RUN_WITHIN = 45.0

_SECRET = Secret("s" * 32)
_FIELDS = {
    "token": _SECRET.open(),
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
_TERMS = Terms(Product.INTRADAY, False, Percents(Decimal(15), Decimal(25)), 1)
_TOKEN = Token(_SECRET, None, START, START + timedelta(days=1), "XA00001")


@dataclass(frozen=True, slots=True)
class Broken:
    """What a body returns when an exception left the code."""

    text: str


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
        clock: Callable[[], datetime],
    ) -> Reconciliation:
        return Reconciliation(store, claims, broker, notifier, clock)

    def attempt(self, name: str) -> str:
        """Return the attempt of one delivery: as good as random, and repeatable."""
        return name.encode().hex().ljust(32, "0")

    def delivery(self, name: str, keyed: bool) -> Body:
        """Return one POST of the alert, named by its request id."""

        def body(stage: Stage) -> Answer | Broken:
            clock = _clock(stage)
            store = StagedStore(stage)
            orders = Orders(
                Parts(
                    claims=self.claims(store, clock, lambda: self.attempt(name)),
                    broker=StagedBroker(stage),
                    notifier=StagedNotifier(stage),
                    find=lambda alert, deadline: CONTRACT,
                    token=lambda deadline: _TOKEN,
                    fork=_at_once,
                    clock=clock,
                    pause=lambda seconds: stage.ask(Pause(stage.mono)),
                    secret=_SECRET,
                    terms=_TERMS,
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

    def run(self) -> Body:
        """Return one run of reconcile."""

        def body(stage: Stage) -> str | Broken:
            clock = _clock(stage)
            store = StagedStore(stage)
            claims = self.claims(store, clock, lambda: "never used")
            broker, notifier = StagedBroker(stage), StagedNotifier(stage)
            reconcile = self.reconciliation(store, claims, broker, notifier, clock)
            try:
                reconcile.run(stage.deadline(RUN_WITHIN))
            except Problem:
                return "failed"
            except Exception as error:
                return Broken(f"{type(error).__name__}: {error}")
            return "ran"

        return body


def _clock(stage: Stage) -> Callable[[], datetime]:
    return lambda: START + timedelta(seconds=stage.wall)


def _at_once(task: Callable[[], _T]) -> Future[_T]:
    """Run a task where it is forked: what it asks has an order, as any schedule has."""
    future: Future[_T] = Future()
    try:
        future.set_result(task())
    except Exception as error:
        future.set_exception(error)
    return future
