"""A whole world for the order flow: real claims on SQLite, a fake FYERS, one clock.

Time stands still unless something waits or a test moves it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import pytest

from shared.adapters.documents import Documents
from shared.adapters.kept import KeptDocument
from shared.adapters.paper import PaperBook, PaperBroker
from shared.adapters.sqlite import SqliteDocuments
from shared.adapters.store import Store
from shared.errors import BadRequest, Doubtful
from shared.guard import Guard, GuardParts, GuardState, Hands
from shared.guardrails import Control, Entries, Limits
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    Claims,
    HeldLane,
    Lane,
    Lanes,
    NotSent,
    Rules,
    S,
    Sending,
    State,
    Stored,
    StoredAt,
)
from shared.models import (
    Action,
    Alert,
    BookedOrder,
    Contract,
    Deadline,
    ExpiryWord,
    Notice,
    OptionType,
    OrderStatus,
    Product,
    Secret,
    Token,
)
from shared.orders import Answer, Delivery, Orders, Paper, Parts, Terms
from shared.pricing import Percents
from shared.reconciliation import Reconciliation, RunSummary
from shared.symbols import Expiry
from tests.contract.claims_made import standing
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

STRIKES = range(25500, 26150, 50)


def _listed(code: str, day: date) -> Expiry:
    """Return an expiry of the snapshot, with every strike as call and put."""
    closes = datetime(day.year, day.month, day.day, 10, 10, tzinfo=UTC)
    rows = [
        f"{strike * 100}{kind} NSE:NIFTY{code}{strike}{kind} 65 0.05"
        for strike in STRIKES
        for kind in OptionType
    ]
    return Expiry("NIFTY", "\n".join((f"{int(closes.timestamp())} {code}", *rows)))


NEAR = _listed("26NOV", CONTRACT.expiry)
NEXT = _listed("26D01", date(2026, 12, 1))


def ticker(strike: int, kind: str = "CE") -> str:
    """Return the ticker of the nearest expiry's contract."""
    return f"NSE:NIFTY26NOV{strike}{kind}"


class DoubtfulStore(Store):
    """The real store whose answers can be lost, before or after the write applies."""

    lost: dict[str, list[str]]
    meanwhile: dict[str, Callable[[], object]]
    """What another instance does just before the next write of that kind."""
    writes: int

    def __init__(self, documents: Documents, clock: Callable[[], datetime]) -> None:
        self.documents = documents
        super().__init__(self.documents, clock)
        self.lost = {}
        self.meanwhile = {}
        self.writes = 0

    def create(self, key: str, claim: ClaimAt[S], deadline: Deadline) -> StoredAt[S]:
        self._fail("create", "before")
        stored = super().create(key, claim, deadline)
        self.writes += 1
        self._fail("create", "after")
        return stored

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        self._fail("read", "before")
        return super().read(key, deadline)

    def replace(
        self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
    ) -> StoredAt[S]:
        name = claim.state.lower()
        self._fail(name, "before")
        written = super().replace(stored, claim, deadline)
        self.writes += 1
        self._fail(name, "after")
        return written

    def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
        self._fail("lane", "before")
        return super().lane(ticker, deadline)

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        self._fail("ledger", "before")
        return super().ledger(ticker, deadline)

    def take(
        self, found: HeldLane, lane: Lane, stored: StoredAt[Claimed], deadline: Deadline
    ) -> tuple[HeldLane, StoredAt[Claimed]]:
        self._fail("take", "before")
        taken = super().take(found, lane, stored, deadline)
        self._fail("take", "after")
        return taken

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        self._fail("mark", "before")
        marked = super().mark(stored, claim, held, lane, deadline)
        self._fail("mark", "after")
        return marked

    def settle(
        self, stored: Stored, claim: ClaimAt[S], held: HeldLane, deadline: Deadline
    ) -> StoredAt[S]:
        self._fail("settle", "before")
        settled = super().settle(stored, claim, held, deadline)
        self._fail("settle", "after")
        return settled

    def _fail(self, step: str, when: str) -> None:
        if when == "before":
            self.meanwhile.pop(step, lambda: None)()
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

    def __init__(
        self,
        folder: Path,
        guarding: Mapping[str, Any] | None = None,
        *,
        limits: Limits | None = None,
        paper: bool = False,
        tells_orders: bool = False,
        **rules: int,
    ) -> None:
        """Take the guard's settings, the limits on entries, PAPER and NOTIFY_ORDERS."""
        self.at = 1000.0
        self.began = self.at
        self.broker = FakeBroker(prices={TICKER: Decimal(100)}, clock=self.clock)
        documents = self.open_documents(folder)
        self.store = DoubtfulStore(documents, self.clock)
        self.inbox = Inbox()
        self.attempts = 0
        self.while_waiting: Callable[[], object] | None = None
        self.login: Exception | None = None
        self.claims = Claims(self.store, self.clock, self._attempt, Rules(**rules))
        self.lanes = Lanes(self.store, self.claims)
        self.limits = limits or Limits()
        self.every_entry_on_paper = paper
        self.tells_orders = tells_orders
        self.at_hand = True
        self.guarding = {"tells_orders": tells_orders, **(guarding or {})}
        self.contract = CONTRACT
        self.kept = KeptDocument(self.store.documents, "guard", "state", GuardState)
        self.paused: list[str] = []
        self.restart()

    def open_documents(self, folder: Path) -> Documents:
        """Return where everything is kept."""
        return SqliteDocuments(folder / "claims.sqlite")

    def restart(self, limits: Limits | None = None, paper: bool | None = None) -> None:
        """Let another instance take over, with other settings where they are named."""
        self.limits = limits or self.limits
        if paper is not None:
            self.every_entry_on_paper = paper
        self.entries = self.instance_entries()
        self.paper_broker = PaperBroker(
            self.broker,
            KeptDocument(self.store.documents, "paper", "book", PaperBook),
            self.clock,
        )
        self.orders = self.instance(self.entries)
        guard = self._guard_parts()
        state = KeptDocument(self.store.documents, "guard", "paper", GuardState)
        of_paper = replace(
            guard,
            broker=self.paper_broker,
            state=state,
            paper=True,
            sums_up=False,
            expect_alert_by=None,
        )
        self.reconciliation = Reconciliation(
            self.store,
            self.claims,
            self.broker,
            self.inbox,
            Guard(guard),
            self.clock,
            (self.paper_broker, Guard(of_paper)),
        )

    def instance(self, entries: Entries | None = None) -> Orders:
        """Return the order flow as another instance has it."""
        real = self._parts(entries or self.instance_entries())
        paper = replace(real, broker=self.paper_broker, paper=True)
        return Orders(real, Paper(paper, self.every_entry_on_paper))

    def _guard_parts(self) -> GuardParts:
        return GuardParts(
            store=self.store,
            claims=self.claims,
            broker=self.broker,
            notifier=self.inbox,
            state=self.kept,
            hands=Hands(self._pause, self._close, self.entries.confirm),
            clock=self.clock,
            pause=self.wait,
            **self.guarding,
        )

    def _pause(self, reason: str, deadline: Deadline) -> bool:
        self.paused.append(reason)
        self.entries.pause(reason, deadline)
        return True

    def _close(
        self, contract: Contract, product: str, key: str, deadline: Deadline
    ) -> str:
        delivery = Delivery(b"", None, "r1", self.deadline())
        answer = self.orders.exit(contract, Product(product), key, delivery)
        return str(body(answer).get("message") or body(answer).get("error"))

    def instance_entries(self) -> Entries:
        """Return the entry control as another instance has it."""
        kept = KeptDocument(self.store.documents, "control", "entries", Control)
        return Entries(kept, self.limits, self.clock, Lock(), self.claims.was_sent)

    def control(self) -> Control:
        """Return the entry control as stored."""
        kept = KeptDocument(self.store.documents, "control", "entries", Control)
        return kept.read(self.deadline())[0] or Control()

    def clock(self) -> datetime:
        return MORNING + timedelta(seconds=self.at - self.began)

    def wait(self, seconds: float) -> None:
        self.at += seconds
        waiting, self.while_waiting = self.while_waiting, None
        if waiting is not None:
            waiting()

    def deadline(self, seconds: float = 2.2) -> Deadline:
        return Deadline(self.at + seconds, lambda: self.at)

    def send(
        self,
        action: str = "SELL",
        *,
        key: str | None = "k",
        left: float = 2.2,
        orders: Orders | None = None,
        **more: Any,
    ) -> Answer:
        """Deliver an alert; a field that is None is left out."""
        body = {
            "token": "s3cret",
            "symbol": "NIFTY",
            "strikeprice": 25800,
            "optionType": "CE",
            "expiry": "WEEKLY",
            "action": action,
        }
        given = {name: v for name, v in (body | more).items() if v is not None}
        delivery = Delivery(json.dumps(given).encode(), key, "r1", self.deadline(left))
        return (orders or self.orders).handle(delivery)

    def exit(
        self, symbol: str = "ALL", *, key: str | None = "x", **more: Any
    ) -> Answer:
        """Deliver an EXIT that names no contract unless `more` does."""
        nothing = {"strikeprice": None, "optionType": None, "expiry": None}
        return self.send("EXIT", key=key, **{"symbol": symbol} | nothing | more)

    def reconcile(self, after: float = 0) -> RunSummary:
        self.wait(after)
        return self.reconciliation.run(self.deadline(60))

    def told(self) -> list[str]:
        """Return the events told since the last look."""
        events = self.inbox.events
        self.inbox.notices.clear()
        return events

    def watched(self) -> list[str]:
        """Return the contracts of the ledger."""
        found = self.store.ledger(None, self.deadline())
        return sorted({stored.claim.ledger for stored in found})

    def by_hand(
        self, action: Action, qty: int = 65, fills: bool = True, **changes: Any
    ) -> str:
        """Place an order as the owner does in the FYERS app; return its id."""
        fields: dict[str, Any] = {
            "order_id": f"hand-{len(self.broker.book)}",
            "ticker": TICKER,
            "action": action,
            "qty": qty,
            "filled": 0,
            "product": "INTRADAY",
            "status": OrderStatus.PENDING,
            "tag": "",
            "parent_id": None,
            "message": "",
            "placed_at": self.clock(),
        }
        row = BookedOrder(**fields | changes)
        self.broker.book.append(row)
        if fills:
            self.broker.trade(row.order_id)
        return row.order_id

    def lane(self) -> Lane | None:
        """Return who closes the contract."""
        return self.store.lane(TICKER, self.deadline()).lane

    def dies(self, at: str, action: str = "BUY", key: str = "dead") -> None:
        """Kill a delivery at a broker call."""
        with self.dying(at):
            self.send(action, key=key)

    @contextlib.contextmanager
    def dying(self, at: str) -> Iterator[None]:
        """Let the process die at that broker call, as by kill -9."""

        def die(call: str) -> None:
            if call == at:
                raise SystemExit

        self.broker.before = die
        with pytest.raises(SystemExit):
            yield
        self.broker.before = None

    def legs(self, entry: int = 0) -> list[BookedOrder]:
        """Return stop and target of the so-maniest order that was placed."""
        tag = self.broker.placed[entry].tag
        row = next(row for row in self.broker.book if row.tag == tag)
        return self.broker.legs(row.order_id)

    def claim(self) -> Claim:
        (key,) = self.keys()
        stored = self.store.read(key, self.deadline())
        assert stored is not None
        return stored.claim

    def now_state(self) -> type[State]:
        return type(self.claim().at)

    def conclude(self, state: type[State]) -> None:
        """Settle the claim as another instance would, without telling anybody yet."""
        (key,) = self.keys()
        stored = self.store.read(key, self.deadline())
        assert stored is not None
        unknown = self.claims.unknown(standing(stored.claim, Sending), "gone", None)
        claim: Claim = unknown
        if state is NotSent:
            claim = self.claims.not_sent(unknown, "absent", None)
        self.claims.write(stored, claim, self.deadline())

    def keys(self) -> list[str]:
        return self.sql("SELECT key FROM documents WHERE collection = 'alerts'")

    def sql(self, query: str) -> list[str]:
        """Return the first column of what the store's file holds."""
        documents = self.store.documents
        assert isinstance(documents, SqliteDocuments)
        with documents._open(self.deadline()) as db:
            return [row[0] for row in db.execute(query)]

    def _attempt(self) -> str:
        self.attempts += 1
        return f"{self.attempts:032x}"[::-1]

    def _parts(self, entries: Entries) -> Parts:
        return Parts(
            claims=self.claims,
            lanes=self.lanes,
            entries=entries,
            broker=self.broker,
            notifier=self.inbox,
            find=self._find,
            expiry=lambda alert, _: _expiry(alert),
            nearest=lambda alert, _: NEAR.day,
            token=self._token,
            at_hand=lambda: self.at_hand,
            fork=_inline,
            branch=_inline,
            clock=self.clock,
            pause=self.wait,
            secret=Secret("s3cret"),
            terms=Terms(
                Product.INTRADAY, True, Percents(Decimal(15), Decimal(25)), max_lots=2
            ),
            max_age=60,
            tells_orders=self.tells_orders,
        )

    def _find(self, alert: Alert, deadline: Deadline) -> Contract:
        if alert.symbol != "NIFTY":
            raise BadRequest(f"{alert.symbol} is not listed", "unknown_symbol")
        mine = self.contract
        wanted, kind = alert.strike, alert.option_type
        if (wanted, kind) == (mine.strike, mine.option_type):
            return mine
        assert isinstance(wanted, Decimal)
        assert kind is not None
        return _expiry(alert).contract(wanted, kind)

    def _token(self, deadline: Deadline) -> Token:
        if self.login:
            raise self.login
        return Token(Secret("a"), None, MORNING, MORNING + timedelta(days=1), "XS00001")


def _expiry(alert: Alert) -> Expiry:
    if alert.symbol == "NIFTY":
        if alert.expiry in (None, ExpiryWord.WEEKLY, NEAR.day):
            return NEAR
        if alert.expiry in (ExpiryWord.NEXT_WEEKLY, NEXT.day):
            return NEXT
    raise BadRequest(f"{alert.words} is not listed", "unknown_symbol")


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


def code(answer: Answer) -> tuple[int, str]:
    """Return an answer's status and code; the code of a success is empty."""
    return answer.reply.status, str(body(answer).get("code", ""))
