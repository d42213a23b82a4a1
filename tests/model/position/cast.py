"""The shipped code before a position: closes, and reconcile with its guard."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from shared import alerts
from shared.broker import Broker
from shared.errors import Problem
from shared.guard import Guard, GuardParts, GuardState, Hands
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claims,
    ClaimStore,
    Done,
    Lanes,
    LaneStore,
    Reply,
    Slip,
    Unknown,
)
from shared.models import Kept, Notice, Order, Product
from shared.models import Quote as Price
from shared.orders import Answer, Delivery, Orders, Parts
from shared.reconciliation import Reconciliation
from tests.model.cast import (
    CONTRACT,
    REPLY_WITHIN,
    RULES,
    RUN_WITHIN,
    SECRET,
    START,
    TERMS,
    TOKEN,
    Broken,
    at_once,
    clock_of,
    not_asked,
    unlimited,
)
from tests.model.ports import StagedBroker, StagedState, StagedStore
from tests.model.position.world import Entry, Scene
from tests.model.stage import Body, Pause, Stage

_T = TypeVar("_T")

Clock = Callable[[], datetime]

LTP = Decimal(100)
PRICE = Price(LTP, Decimal("99.95"), Decimal("100.05"))
_STOP, _TARGET = Decimal(15), Decimal(25)
"""Distances from the fill, rupees."""

ALERTS = "ABC"


def body_of(verb: str) -> bytes:
    """Return an alert of one verb."""
    fields = {
        "token": SECRET.open(),
        "symbol": "NIFTY",
        "strikeprice": 25800,
        "optionType": "CE",
        "expiry": "WEEKLY",
        "action": verb,
    }
    return json.dumps(fields).encode()


def header(alert: str) -> str:
    """Return the idempotency key of an alert."""
    return f"alert {alert}"


def document(alert: str) -> str:
    """Return the id of an alert's claim."""
    fields = alerts.read_body(body_of("BUY"))
    return alerts.document_id(alerts.parse(fields, header(alert), START, 0))


KEYS = ("e" * 64, *(document(alert) for alert in ALERTS), "d" * 64)
"""Documents by slot: the entry's claim, those of the alerts, a second entry's."""

FIRST, SECOND = 0, 4
"""Slots of the entries."""


def attempt_of(name: str) -> str:
    """Return the attempt of one delivery: as good as random, and repeatable."""
    return name.encode().hex().ljust(32, "0")


ENTRY_TAG = attempt_of("entry")[:20]
SECOND_TAG = attempt_of("another entry")[:20]


def order_id(n: int) -> str:
    """Return FYERS's id of the n-th order, counted from 0."""
    return f"2611230000{n + 1:02}"


ENTRY_ID = order_id(0)


YESTERDAYS_ID = "26112200001"


def entry_claim(scene: Scene) -> Claim:
    """Return the claim of the SELL or LONG that opened, or will open, the position."""
    entry = scene.entry
    flies = entry is Entry.FLYING
    old = timedelta(seconds=2 if entry in (Entry.FLYING, Entry.HIDDEN) else 200)
    lots = scene.open + int(entry not in (Entry.NONE, Entry.SECOND))
    number, product = ENTRY_ID, Product.INTRADAY
    if scene.carried:
        old, lots = timedelta(days=1), scene.carried
        number, product = YESTERDAYS_ID, Product.MARGIN
    order = Order(
        CONTRACT.ticker,
        scene.opens,
        lots * scene.unit,
        product,
        ENTRY_TAG,
        _STOP,
        _TARGET if scene.targets else None,
    )
    slip = Slip(
        order=order,
        ltp=LTP,
        stop_loss=LTP - _STOP if scene.long else LTP + _STOP,
        take_profit=None,
        sent_at=START - old,
        send_by=START - old + timedelta(seconds=2),
        day=(START - old).date(),
    )
    later = START + timedelta(days=1)
    return ClaimAt(
        Unknown(slip)
        if flies
        else Done(Reply(200, "{}"), later, order_ids=(number,), slip=slip),
        attempt=attempt_of("entry"),
        fingerprint="f" * 64,
        created_at=START - old,
        lease_until=START - old,
        request_id="entry",
        what=f"{'LONG' if scene.long else 'SELL'} NIFTY 25800 CE WEEKLY",
        touched_at=START - old,
        ledger=CONTRACT.ticker,
        contract=CONTRACT,
    )


def second_claim(scene: Scene, n: int, wall: float) -> Claim:
    """Return the claim of another entry of one lot, just accepted as the n-th order."""
    claim = entry_claim(scene)
    assert isinstance(claim.at, Done)
    assert claim.at.slip is not None
    now = START + timedelta(seconds=wall)
    order = replace(
        claim.at.slip.order, tag=SECOND_TAG, qty=scene.unit, take_profit=None
    )
    slip = replace(
        claim.at.slip,
        order=order,
        sent_at=now,
        send_by=now + timedelta(seconds=2),
        day=now.date(),
    )
    return replace(
        claim,
        attempt=attempt_of("another entry"),
        at=replace(claim.at, order_ids=(order_id(n),), slip=slip),
        created_at=now,
        touched_at=now,
    )


class Later(Future[_T]):
    """A forked task that begins when it is waited for: behind what is asked beside."""

    def __init__(self, task: Callable[[], _T]) -> None:
        super().__init__()
        self._task: Callable[[], _T] | None = task

    def result(self, timeout: float | None = None) -> _T:
        self._run()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._run()
        return super().exception(timeout)

    def _run(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            try:
                self.set_result(task())
            except Exception as error:
                self.set_exception(error)


class Machine:
    """The code under check; a weakened variant overrides one part of it."""

    def broker(self, stage: Stage, lanes: Lanes) -> Broker:
        """Return FYERS as a delivery sees it."""
        return QuotedBroker(stage)

    def guard_broker(self, stage: Stage) -> Broker:
        """Return FYERS as a run of reconcile sees it."""
        return QuotedBroker(stage)

    def guard_store(self, stage: Stage, broker: Broker) -> ClaimStore:
        """Return the ledger as the guard sees it."""
        return StagedStore(stage)

    def told(self, stage: Stage, broker: Broker) -> Kept[GuardState]:
        """Return what the guard told, as it reads and writes it."""
        return StagedState(stage)

    def claims(self, store: ClaimStore, clock: Clock, name: str) -> Claims:
        """Return the claim machine of one delivery or run."""
        return Claims(store, clock, lambda: attempt_of(name), RULES)

    def lanes(self, store: LaneStore, claims: Claims, clock: Clock) -> Lanes:
        """Return the lanes of one delivery."""
        return Lanes(store, claims)

    def store(self, stage: Stage) -> StagedStore:
        """Return the store of a delivery."""
        return StagedStore(stage)

    def delivery(self, name: str, verb: str, positions_first: bool = False) -> Body:
        """Return one POST of an alert; its name is the alert's letter and a number."""
        posted = body_of(verb)

        def body(stage: Stage) -> Answer | Broken:
            clock = clock_of(stage)
            store = self.store(stage)
            claims = self.claims(store, clock, name)
            lanes = self.lanes(store, claims, clock)
            orders = Orders(
                Parts(
                    claims=claims,
                    lanes=lanes,
                    entries=unlimited(clock),
                    broker=self.broker(stage, lanes),
                    notifier=Silent(),
                    find=lambda alert, deadline: CONTRACT,
                    expiry=not_asked,
                    nearest=not_asked,
                    token=lambda deadline: TOKEN,
                    fork=Later if positions_first else at_once,
                    branch=at_once,
                    clock=clock,
                    pause=lambda seconds: stage.ask(Pause(stage.mono, seconds)),
                    secret=SECRET,
                    terms=TERMS,
                    max_age=60,
                )
            )
            deadline = stage.deadline(REPLY_WITHIN)
            try:
                return orders.handle(Delivery(posted, header(name[0]), name, deadline))
            except Problem as problem:
                return Answer(Reply(problem.status, problem.code))
            except Exception as error:
                return Broken(f"{type(error).__name__}: {error}")

        return body

    def run(self) -> Body:
        """Return one run of reconcile with its guard."""

        def body(stage: Stage) -> str | Broken:
            clock = clock_of(stage)
            store = StagedStore(stage)
            claims = self.claims(store, clock, "a run never claims")
            broker = self.guard_broker(stage)
            guard = Guard(
                GuardParts(
                    store=self.guard_store(stage, broker),
                    claims=claims,
                    broker=broker,
                    notifier=Silent(),
                    state=self.told(stage, broker),
                    hands=Hands(
                        lambda reason, deadline: True, not_asked, lambda limit: None
                    ),
                    clock=clock,
                    pause=lambda seconds: stage.ask(Pause(stage.mono, seconds)),
                )
            )
            reconcile = Reconciliation(store, claims, broker, Silent(), guard, clock)
            try:
                summary = reconcile.run(stage.deadline(RUN_WITHIN))
            except Problem:
                return "failed"
            except Exception as error:
                return Broken(f"{type(error).__name__}: {error}")
            return Broken("a claim could not be moved") if summary.failed else "ran"

        return body


class QuotedBroker(StagedBroker):
    """FYERS with a price that never moves."""

    def quote(self, ticker: str, turn: object) -> Price | None:
        return PRICE


class Silent:
    """A notifier that works; who was told is seen in the documents."""

    def send(
        self, notice: Notice, deadline: object, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        return ()
