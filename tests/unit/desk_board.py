"""A board to look at: one reading of the stores, every part of it replaceable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from shared.desk import Board, HouseRules
from shared.guard.state import GuardState, Risk, Seen, Verdict, Watch
from shared.guardrails import Control, Limits, Place
from shared.idempotency import (
    ClaimAt,
    Done,
    Released,
    Reply,
    Slip,
    State,
    Stored,
    StoredAt,
    Story,
)
from shared.models import (
    IST,
    Action,
    Contract,
    OptionType,
    Order,
    Product,
)

NOW = datetime(2026, 11, 25, 10, 42, 7, tzinfo=IST)
SIX = datetime(2026, 11, 26, 6, 0, tzinfo=IST)
CALL = "NSE:NIFTY26D0125800CE"
PUT = "NSE:NIFTY26D0125800PE"

LIMITS = Limits(
    open_lots=4,
    entries_per_day=10,
    daily_loss=Decimal(5000),
    window=(time(9, 15), time(15, 10)),
)


def contract(ticker: str = CALL) -> Contract:
    """Return NIFTY's 25800 call or put of 1 December."""
    return Contract(
        ticker=ticker,
        underlying="NIFTY",
        expiry=date(2026, 12, 1),
        expires_at=datetime(2026, 12, 1, 15, 30, tzinfo=IST),
        strike=Decimal("25800.0"),
        option_type=OptionType(ticker[-2:]),
        lot=65,
        tick=Decimal("0.05"),
    )


def slip(ticker: str = CALL, minute: int = 20) -> Slip:
    """Return the order of an entry, sent in 09:`minute`."""
    at = datetime(2026, 11, 25, 9, minute, 3, tzinfo=IST)
    tag = f"{minute:032x}"[:20]
    return Slip(
        order=Order(ticker, Action.SELL, 65, Product.INTRADAY, tag, Decimal(27)),
        ltp=Decimal("181.20"),
        stop_loss=Decimal("208.40"),
        take_profit=Decimal("135.90"),
        sent_at=at + timedelta(seconds=1),
        send_by=at + timedelta(seconds=3),
        day=at.date(),
    )


def placed(ticker: str = CALL, minute: int = 20) -> Done:
    """Return where an entry stands that FYERS accepted in 09:`minute`."""
    at = datetime(2026, 11, 25, 9, minute, 5, tzinfo=IST)
    reply = Reply(200, '{"success": true, "message": "order placed"}')
    ids = ("261125000001",)
    return Done(reply, SIX, at, ids, slip(ticker, minute))


def entry(
    ticker: str = CALL, minute: int = 20, at: State | None = None, **changes: Any
) -> Stored:
    """Return an entry of 09:`minute`, placed unless it stands elsewhere."""
    came = datetime(2026, 11, 25, 9, minute, 3, tzinfo=IST)
    claim = ClaimAt(
        at or placed(ticker, minute),
        attempt=f"{minute:032x}",
        fingerprint="f" * 64,
        created_at=came,
        lease_until=came + timedelta(seconds=4),
        request_id="r-1",
        what="SELL NIFTY 25800 CE WEEKLY",
        touched_at=came + timedelta(seconds=2),
        ledger=ticker,
        contract=contract(ticker),
    )
    return StoredAt(f"{minute:064x}", replace(claim, **changes), "v1")


def refused(minute: int = 30, reason: str = "no such strike") -> Stored:
    """Return an alert that sent nothing."""
    at = Released(SIX, reason)
    return entry(minute=minute, at=at, ledger="", contract=None)


def ended(amount: str, minute: int, ticker: str = CALL) -> Stored:
    """Return an entry whose contract ended with that many rupees, a while later."""
    at = datetime(2026, 11, 25, 10, minute, tzinfo=IST)
    story = Story(65, Decimal("181.30"), at, Decimal(amount))
    return entry(ticker, minute, story=story, ledger="")


def watch(
    ticker: str = CALL, net: int = -65, risks: tuple[Risk, ...] = (), **seen: Any
) -> Watch:
    """Return a contract as the guard saw it a minute ago: a short with both exits."""
    shown = Seen(
        net=net,
        product="INTRADAY",
        at=NOW - timedelta(minutes=1),
        ltp=Decimal("176.05"),
        entry_price=Decimal("181.30"),
        stop=Decimal("208.50"),
        target=Decimal("135.95"),
        rupees=Decimal("341.25"),
    )
    return Watch(ticker, risks, seen=replace(shown, **seen))


def risk(
    verdict: Verdict = Verdict.EXITS_MISSING,
    about: str = "65:stop loss",
    **changes: Any,
) -> Risk:
    """Return a risk that was told."""
    since = NOW - timedelta(minutes=3)
    return replace(Risk(verdict, about, since, told_at=NOW, times=1), **changes)


def guard(*watches: Watch, **changes: Any) -> GuardState:
    """Return what the guard wrote half a minute ago."""
    state = GuardState(ran_at=NOW - timedelta(seconds=30), watches=watches)
    return replace(state, **changes)


def control(used: int = 0, **changes: Any) -> Control:
    """Return the day's control with so many places taken."""
    places = tuple(Place(f"c{n}", CALL, 1, NOW) for n in range(used))
    return replace(Control(day=NOW.date(), places=places), **changes)


def board(**changes: Any) -> Board:
    """Return a quiet morning with nothing open, unless told otherwise."""
    rules = HouseRules(LIMITS, time(15, 10), False, True, "https://auth.example")
    quiet = Board(NOW, SIX, rules, control(), guard=guard())
    return replace(quiet, **changes)
