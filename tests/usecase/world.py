"""A whole world for the order flow: real claims on SQLite, a fake FYERS, one clock.

Time stands still unless something waits or a test moves it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from shared.adapters.sqlite import SqliteClaims
from shared.errors import BadRequest, Doubtful
from shared.idempotency import Claim, Claims, Rules, State, Stored
from shared.models import (
    Alert,
    Contract,
    Deadline,
    Notice,
    OptionType,
    Product,
    Secret,
    Severity,
    Token,
)
from shared.orders import Answer, Delivery, Orders, Parts, Terms
from shared.pricing import Percents
from shared.reconciliation import Reconciliation, Summary
from tests.fakes.broker import FakeBroker

_T = TypeVar("_T")

TICKER = "NSE:NIFTY26NOV25800CE"
MORNING = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CONTRACT = Contract(
    TICKER,
    "NIFTY",
    date(2026, 11, 23),
    datetime(2026, 11, 23, 10, 10, tzinfo=UTC),
    Decimal(25800),
    OptionType.CE,
    65,
    Decimal("0.05"),
)


class DoubtfulStore(SqliteClaims):
    """The real store whose answers can be lost, before or after the write applies."""

    lost: dict[str, list[str]]
    writes: int

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        super().__init__(path, clock)
        self.lost = {}
        self.writes = 0

    def create(self, key: str, claim: Claim, deadline: Deadline) -> Stored:
        self._fail("create", "before")
        stored = super().create(key, claim, deadline)
        self.writes += 1
        self._fail("create", "after")
        return stored

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        self._fail("read", "before")
        return super().read(key, deadline)

    def replace(self, stored: Stored, claim: Claim, deadline: Deadline) -> Stored:
        name = claim.state.lower()
        self._fail(name, "before")
        written = super().replace(stored, claim, deadline)
        self.writes += 1
        self._fail(name, "after")
        return written

    def _fail(self, step: str, when: str) -> None:
        waiting = self.lost.get(step, [])
        if waiting and waiting[0] == when:
            waiting.pop(0)
            raise Doubtful(f"{step} lost {when}")


@dataclass
class Inbox:
    """A Notifier whose channels work unless named in `down`."""

    notices: list[Notice] = field(default_factory=list)
    down: bool = False

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        if self.down:
            return ("phone",)
        self.notices.append(notice)
        return ()

    @property
    def events(self) -> list[str]:
        return [notice.event for notice in self.notices]


class World:
    """Everything one alert meets, and the levers to break it."""

    def __init__(self, folder: Path, **rules: int) -> None:
        self.at = 1000.0
        self.began = self.at
        self.broker = FakeBroker(prices={TICKER: Decimal(100)}, clock=self.clock)
        self.store = DoubtfulStore(folder / "claims.sqlite", self.clock)
        self.inbox = Inbox()
        self.attempts = 0
        self.login: Exception | None = None
        self.claims = Claims(self.store, self.clock, self._attempt, Rules(**rules))
        self.orders = Orders(self._parts())
        self.reconciliation = Reconciliation(
            self.store, self.claims, self.broker, self.inbox, self.clock
        )

    def clock(self) -> datetime:
        return MORNING + timedelta(seconds=self.at - self.began)

    def wait(self, seconds: float) -> None:
        self.at += seconds

    def deadline(self, seconds: float = 2.5) -> Deadline:
        return Deadline(self.at + seconds, lambda: self.at)

    def send(
        self,
        action: str = "SELL",
        *,
        key: str | None = "k",
        left: float = 2.5,
        **more: Any,
    ) -> Answer:
        body = {
            "token": "s3cret",
            "symbol": "NIFTY",
            "strikeprice": 25800,
            "optionType": "CE",
            "expiry": "WEEKLY",
            "action": action,
        }
        text = json.dumps(body | more).encode()
        return self.orders.handle(Delivery(text, key, "r1", self.deadline(left)))

    def reconcile(self, after: float = 0) -> Summary:
        self.wait(after)
        return self.reconciliation.run(self.deadline(60))

    def claim(self) -> Claim:
        (key,) = self.keys()
        stored = self.store.read(key, self.deadline())
        assert stored is not None
        return stored.claim

    def now_state(self) -> State:
        return self.claim().state

    def conclude(self, state: State) -> None:
        """Settle the claim as another instance would, without telling anybody yet."""
        (key,) = self.keys()
        stored = self.store.read(key, self.deadline())
        assert stored is not None
        notice = Notice("-", Severity.INFO, "-", self.clock())
        claim = self.claims.unknown(stored.claim, "gone", notice)
        if state is State.NOT_SENT:
            claim = self.claims.not_sent(claim, "absent", notice)
        self.claims.write(stored, replace(claim, outbox=()), self.deadline())

    def keys(self) -> list[str]:
        with self.store._open(self.deadline()) as db:
            return [row[0] for row in db.execute("SELECT key FROM alerts")]

    def _attempt(self) -> str:
        self.attempts += 1
        return f"{self.attempts:032x}"[::-1]

    def _parts(self) -> Parts:
        return Parts(
            claims=self.claims,
            broker=self.broker,
            notifier=self.inbox,
            find=self._find,
            token=self._token,
            fork=_inline,
            clock=self.clock,
            pause=self.wait,
            secret=Secret("s3cret"),
            terms=Terms(
                Product.INTRADAY, True, Percents(Decimal(15), Decimal(25)), max_lots=2
            ),
            max_age=60,
        )

    def _find(self, alert: Alert, deadline: Deadline) -> Contract:
        if alert.symbol != "NIFTY":
            raise BadRequest(f"{alert.symbol} is not listed", "unknown_symbol")
        return CONTRACT

    def _token(self, deadline: Deadline) -> Token:
        if self.login:
            raise self.login
        return Token(Secret("a"), None, MORNING, MORNING + timedelta(days=1), "XS00001")


def _inline(task: Callable[[], _T]) -> Future[_T]:
    done: Future[_T] = Future()
    try:
        done.set_result(task())
    except Exception as error:
        done.set_exception(error)
    return done


def body(answer: Answer) -> dict[str, Any]:
    """Return an answer's JSON."""
    content: dict[str, Any] = json.loads(answer.reply.body)
    return content
