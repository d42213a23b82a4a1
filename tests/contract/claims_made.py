"""Claims for the contract: a plain one and a full one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shared.idempotency import (
    Child,
    Claim,
    ClaimAt,
    Claimed,
    Done,
    NotSent,
    Outgoing,
    Released,
    Reply,
    S,
    Sending,
    Slip,
    State,
    Story,
    Unknown,
)
from shared.idempotency.transitions import moved
from shared.models import (
    Action,
    Contract,
    Notice,
    OptionType,
    Order,
    Product,
    Severity,
)

NOW = datetime(2026, 11, 24, 4, 0, 0, 123456, UTC)
LATER = NOW + timedelta(days=1)
CONTRACT = Contract(
    ticker="NSE:NIFTY26NOV25800CE",
    underlying="NIFTY",
    expiry=date(2026, 11, 24),
    expires_at=NOW + timedelta(hours=6),
    strike=Decimal(25800),
    option_type=OptionType.CE,
    lot=65,
    tick=Decimal("0.05"),
)


def claimed(attempt: str = "a" * 32, **later: float) -> ClaimAt[Claimed]:
    """Return a new claim, touched that much after NOW."""
    touched = NOW + timedelta(**later)
    return ClaimAt(
        Claimed(),
        attempt=attempt,
        fingerprint="f" * 64,
        created_at=NOW,
        lease_until=NOW + timedelta(seconds=4),
        request_id="r-1",
        what="SELL NIFTY 25800 CE WEEKLY",
        touched_at=touched,
    )


def sending(claim: Claim) -> ClaimAt[Sending]:
    """Return the claim with its order on its way, and every common field filled in."""
    return moved(_full(claim), Sending(SLIP))


def done(claim: Claim) -> ClaimAt[Done]:
    """Return the claim with a reply to replay."""
    return moved(claim, Done(REPLY, LATER))


def standing(claim: Claim, state: type[S]) -> ClaimAt[S]:
    """Return a claim that must stand there."""
    assert isinstance(claim.at, state), claim.state
    return moved(claim, claim.at)


SLIP = Slip(
    order=Order(
        ticker="NSE:NIFTY26NOV25800CE",
        action=Action.SELL,
        qty=65,
        product=Product.INTRADAY,
        tag="0123456789abcdef0123",
        stop_loss=Decimal("15.05"),
        take_profit=Decimal("25.10"),
    ),
    ltp=Decimal("100.30"),
    stop_loss=Decimal("115.35"),
    take_profit=Decimal("75.20"),
    sent_at=NOW,
    send_by=NOW + timedelta(seconds=2),
    day=date(2026, 11, 24),
    closes=True,
    note="cut",
    traded_before=130,
)
REPLY = Reply(202, '{"success": false}')
_IDS = ("26112400000001", "26112400000002")
_NOTICE = Notice("Look.", Severity.WARNING, "outcome_unknown", NOW, quantity=65)


def _full(claim: Claim) -> Claim:
    return replace(
        claim,
        told="there was no price",
        outbox=(Outgoing(_NOTICE, ("url",)),),
        ledger=CONTRACT.ticker,
        lane=CONTRACT.ticker,
        contract=CONTRACT,
        timed=True,
        strategy="straddle",
        story=Story(65, Decimal("100.25"), NOW, Decimal("-13.50")),
        children=(Child(CONTRACT, Product.MARGIN),),
        first="b" * 32,
    )


_STATES: tuple[State, ...] = (
    Claimed(),
    Sending(SLIP),
    Unknown(SLIP, "no answer", _IDS, closed=True),
    Released(LATER, "no answer", retry=True, slip=SLIP),
    Done(REPLY, LATER, NOW, _IDS, SLIP, "no answer"),
    NotSent(LATER, "no answer", _IDS, SLIP),
)
FULL = [moved(_full(claimed()), at) for at in _STATES]
"""A claim of each state with every field a document can have filled in."""
