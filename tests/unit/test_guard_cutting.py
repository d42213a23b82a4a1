"""FYERS squares every short off at once; their exits go within one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.adapters.kept import KeptDocument
from shared.adapters.sqlite import SqliteDocuments
from shared.adapters.store import Store
from shared.guard import Account, Guard, GuardParts, GuardState, Hands
from shared.guard.cutting import SECOND_READ
from shared.idempotency import ClaimAt, Claims, Done, Reply, Rules, Slip
from shared.models import Action, Deadline, Notice, Order, Product
from tests.fakes.broker import FakeBroker, FakeTurn

AT = datetime(2026, 11, 23, 9, 45, tzinfo=UTC)
SHORTS = 12
LOT = 65


@dataclass
class Inbox:
    notices: list[Notice] = field(default_factory=list)

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        self.notices.append(notice)
        return ()


class Room:
    """Twelve shorts of ours, squared off by FYERS; time passes only by waiting."""

    def __init__(self, folder: Path) -> None:
        self.waited: list[float] = []
        self.inbox = Inbox()
        documents = SqliteDocuments(folder / "claims.sqlite")
        self.store = Store(documents, self.clock)
        claims = Claims(self.store, self.clock, lambda: "f" * 32, Rules())
        tickers = [f"NSE:NIFTY26NOV{25000 + 50 * n}CE" for n in range(SHORTS)]
        prices = dict.fromkeys(tickers, Decimal(100))
        self.broker = FakeBroker(prices=dict(prices), clock=self.clock)
        for number, ticker in enumerate(tickers):
            self._short(number, ticker)
        self.guard = Guard(
            GuardParts(
                store=self.store,
                claims=claims,
                broker=self.broker,
                notifier=self.inbox,
                state=KeptDocument(documents, "guard", "state", GuardState),
                hands=Hands(lambda *_: True, lambda *_: "", lambda *_: None),
                clock=self.clock,
                pause=self.waited.append,
            )
        )

    def clock(self) -> datetime:
        return AT + timedelta(seconds=sum(self.waited))

    def deadline(self) -> Deadline:
        return Deadline(45, lambda: sum(self.waited))

    def _short(self, number: int, ticker: str) -> None:
        attempt = f"{number:032d}"[::-1]
        tag, ten = attempt[:20], Decimal(10)
        order = Order(ticker, Action.SELL, LOT, Product.INTRADAY, tag, ten, ten)
        turn = FakeTurn(1, self.deadline())
        self.broker.place(order, turn)
        by_fyers = Order(ticker, Action.BUY, LOT, Product.INTRADAY, "")
        self.broker.place(by_fyers, turn)
        sold = AT - timedelta(hours=2)
        slip = Slip(order, Decimal(100), None, None, sold, sold, sold.date())
        ids = (self.broker.book[-4].order_id,)
        claim = ClaimAt(
            Done(Reply(200, ""), sold, sold, ids, slip),
            attempt=attempt,
            fingerprint="",
            created_at=sold,
            lease_until=sold,
            request_id="",
            what="SELL",
            touched_at=sold,
            ledger=ticker,
        )
        self.store.create(f"{number:064d}", claim, self.deadline())


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_exits_of_a_dozen_squared_off_shorts_go_within_one_run(room: Room) -> None:
    room.guard.run(Account(room.broker, room.deadline()), room.deadline())
    assert [row for row in room.broker.book if row.remaining] == []
    assert room.inbox.notices == []


def test_one_second_read_confirms_them_all(room: Room) -> None:
    room.guard.run(Account(room.broker, room.deadline()), room.deadline())
    assert room.waited == [SECOND_READ]
    assert room.broker.calls.count("order_book") == 2
